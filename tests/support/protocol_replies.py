"""Replies in the format that each protocol asks for, with their truth: for the parsers' tests and benchmark."""

from __future__ import annotations

from voirdire.harness.judges.prompt_files import read_protocol
from voirdire.harness.verdicts import Scale, Verdict

REASON = "Answer A explains the cause. Answer B is shorter and leaves out the middle part. "


def written(name: str, verdict: Verdict, reason: str = REASON) -> str:
    """`verdict` in the format that the protocol asks for, with `reason` where it wants one."""
    slot = verdict.choice
    letter = {0: "A", 1: "B", "tie": "C"}.get(slot) if slot is not None else None
    parser = read_protocol(name).header.parser
    if parser == "brackets":
        return f"{reason}\n\n[[{letter if letter else format(verdict.score or 0, 'g')}]]"
    if parser == "two-scores":
        a, b = {0: (9, 4), 1: (3.5, 8), "tie": (7, 7)}[slot]  # type: ignore[index]
        if name == "faireval-evidence":
            return f"{reason}\nThe score of Assistant 1: {a}\nThe score of Assistant 2: {b}"
        return f"{a} {b}\n{reason}"
    if parser == "first-line":
        return {0: "1", 1: "2", "tie": "Tie"}[slot] + f"\n\n### Reason: {reason}\n\n### Reference: It scatters."  # type: ignore[index]
    if parser == "ranks":
        order = ("A", "B") if slot == 0 else ("B", "A")
        return f'[{{"model": "{order[0]}", "rank": 1}}, {{"model": "{order[1]}", "rank": 2}}]'
    if parser == "grades":
        return f"{reason}\n\nMy verdict: [[{ {0: 'A>>B', 1: 'B>A', 'tie': 'A=B'}[slot] }]]"  # type: ignore[index]
    if parser == "result":
        return f"Feedback: {reason} [RESULT] {letter if letter else format(verdict.score or 0, 'g')}"
    if parser == "certainty":
        return f'{reason}\n{{"verdict": "{letter if letter != "C" else "tie"}", "certainty": 70}}'
    if parser == "json":
        key = "综合得分" if name == "alignbench" else "overall_score"
        return f'{reason}\n{{"correctness": 3, "{key}": {verdict.score:g}}}'
    if parser == "checklist":
        share = (verdict.score or 0) / 100
        return f'{reason}\n{{"items": [{{"weight": 2, "score": {share}}}, {{"weight": 1, "score": {share}}}]}}'
    if parser == "yesno":
        return "YES" if verdict.grade else "No."
    if parser == "list":
        return " > ".join(str(i + 1) for i in verdict.ranking or ())
    return f"{verdict.score:g}"


def verdicts_of(name: str) -> list[Verdict]:
    header = read_protocol(name).header
    if header.task == "pairwise":
        ties = header.parser not in ("ranks", "result")
        return [Verdict(choice=0), Verdict(choice=1), *([Verdict(choice="tie")] if ties else [])]
    if header.task == "grade":
        return [Verdict(grade=True), Verdict(grade=False)]
    if header.task == "ranking":
        return [Verdict(ranking=(1, 0, 2)), Verdict(ranking=(2, 1, 0))]
    scale = header.scale or Scale()
    if header.parser == "checklist":
        return [Verdict(score=s) for s in (0.0, 25.0, 50.0, 75.0, 100.0)]
    return [Verdict(score=float(s)) for s in range(int(scale.low), int(scale.high) + 1)]
