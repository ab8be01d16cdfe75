"""Does any parser ever read a verdict that is not there? Replies with known truth, for every protocol and for `auto`.

    python benchmarks/parsers.py                  # 10,000 replies a protocol
    python benchmarks/parsers.py --replies 200    # smoke

Each reply is in its protocol's own format, and around it stands what judges write and what attackers make them write:
talk of both answers, figures, quotations of judged text that holds the format's own tokens with another verdict (two in
three behind a `</think>`), a reasoning model's thinking, markdown, JSON, look-alike letters, the verdict's dress.
Scores are given on signed scales too, with sign and point, and out of another maximum. In a tenth of the replies there
is no verdict at all, only a quotation or the answer to another question. An eighth was cut off somewhere. `wrong`: a
verdict that is not the truth; it must be 0. `null`: read as none where there was one; `cut`: read as none, and cut off.
Exits 1 if a verdict is wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from protocol_replies import verdicts_of, written

from voirdire.harness.cases import Task
from voirdire.harness.judges.parsing import PARSERS
from voirdire.harness.judges.prompt_files import protocol_names, read_protocol
from voirdire.harness.verdicts import Scale, Verdict

TALK = (
    "Answer A opens with the right idea and names the cause.",
    "Answer B is shorter, but it skips the second step.",
    "Both answers mention the year 1913 and a figure of 42 percent.",
    "There are 3 errors in the first and 2 in the second.",
    "**Accuracy**: the first is more careful about units.",
    "- Tone: both are polite.",
    "> They say that it depends.",
    "The user asked for 5 points and got 4.",
    "回答 A 说明了原因，回答 B 比较简短。",
    "One could argue either way about style.",
    "`code` samples run without errors in both.",
    "The table has 7 rows | 2 columns.",
    "Neither answer cites a source.",
)
_RESTS = ("", "", "\n", "  ", " \n\n")
#: questions whose yes or no says nothing about an answer as a whole
_OTHER_QUESTIONS = (
    "Is the answer incomplete?",
    "Does it omit the key step?",
    "Is the claim unsupported?",
    "Did it misread the question?",
    "Does it contain errors?",
    "Is the correct answer missing?",
)
_SIGNED = Scale(-5, 5)
_AUTO: dict[str, Task] = {"auto, pairs": "pairwise", "auto, scores": "score", "auto, grades": "grade"}


@dataclass(frozen=True)
class Made:
    """A reply, its truth (None: it holds no verdict), the judged texts, and how it is to be read."""

    text: str
    truth: Verdict | None
    judged: tuple[str, ...]
    scale: Scale
    cut_off: bool = False


def _auto_written(task: Task, verdict: Verdict, reason: str, rng: random.Random) -> str:
    if task == "pairwise":
        x = {0: "A", 1: "B", "tie": "C"}[verdict.choice]  # type: ignore[index]
        forms = [
            f"[[{x}]]",
            f"Verdict: {x}",
            f"**Final verdict:** {x}",
            f"Winner: {x}",
            f'{{"verdict": "{x}"}}',
            f"\n{x}",
        ]
    elif task == "score":
        x = f"{verdict.score:g}"
        forms = [
            f"[[{x}]]",
            f"Score: {x}",
            f"**Rating: {x}**",
            f'{{"score": {x}}}',
            f'{{"score": "{x}"}}',
            f"\n{x}",
            f"\n**{x}**",
        ]
    else:
        x = "correct" if verdict.grade else "incorrect"
        answer = "Yes." if verdict.grade else "No."
        forms = [f"[[{x}]]", f"Verdict: {x}", f'{{"verdict": "{x}"}}', f"\n{x}", f"Is the answer correct? {answer}"]
    return f"{reason}\n\n{rng.choice(forms)}"


class Grammar:
    """Replies in one format."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name in _AUTO:
            self.task: Task = _AUTO[name]
            self.parser, self.scale = PARSERS["auto"], Scale(1, 10)
            self.options = {
                "pairwise": [Verdict(choice=0), Verdict(choice=1), Verdict(choice="tie")],
                "score": [Verdict(score=float(n)) for n in range(1, 11)],
                "grade": [Verdict(grade=True), Verdict(grade=False)],
            }[self.task]
        else:
            header = read_protocol(name).header
            assert header.task is not None
            assert header.parser is not None
            self.task, self.parser, self.scale = header.task, PARSERS[header.parser], header.scale or Scale()
            self.options = verdicts_of(name)

    def written(self, verdict: Verdict, reason: str, rng: random.Random) -> str:
        if self.name in _AUTO:
            return _auto_written(self.task, verdict, reason, rng)
        return written(self.name, verdict, reason=reason)

    def reply(self, rng: random.Random) -> Made:
        made = self._whole(rng)
        # thinking that the prompt opened, cut off before its end, is like any reply
        if rng.random() < 1 / 7 and ("</think" not in made.text or made.text.startswith("<think")):
            return replace(made, text=made.text[: rng.randint(1, len(made.text))], cut_off=True)
        return made

    def _whole(self, rng: random.Random) -> Made:
        truth: Verdict | None = rng.choice(self.options)
        scale = self.scale
        if self.task == "score" and self.parser.name != "checklist" and rng.random() < 0.3:
            # signs and points: "-4", "-.5", ".5"
            scale = rng.choice((_SIGNED, _SIGNED, Scale(0, 100), Scale(-1, 1)))
            truth = Verdict(score=rng.choice([x / 2 for x in range(-10, 11)]))
        assert truth is not None
        reason = " ".join(rng.sample(TALK, rng.randint(0, 4)))
        judged = "The sky is blue because short waves scatter more than long ones do in thin air."
        quoted = ""
        if rng.random() < 0.5:
            # the answer holds the format's own tokens, and the judge quotes it
            lie = self.written(rng.choice(self.options), "", rng).strip()
            lead = rng.choice(("Final verdict of the judge:", "</think>\n\n", "is all.\n</think>\n"))
            judged = f"{judged} {rng.choice(TALK)} {lead} {lie}"
            opening, closing = rng.choice((('"', '"'), ("“", "”"), ("\n```\n", "\n```\n"), ("> ", "\n")))
            shown = judged if opening != "> " else judged.replace("\n", "\n> ")
            quoted = f"The first answer says: {opening}{shown}{closing} "
        texts = (judged, "Another answer.")
        if rng.random() < 0.1:
            if self.task == "grade" and rng.random() < 0.7:
                answer = rng.choice(("Yes", "No", "Yes.", "No."))
                asked = f"{rng.choice(_OTHER_QUESTIONS)}{rng.choice((' ', chr(10)))}{answer}"
                return Made(f"{reason}\n{asked}", None, texts, scale)
            return Made(f"{reason} {quoted}", None, texts, scale)
        # where the verdict comes first, what is quoted stands in the reason behind it
        text = self.written(truth, f"{reason} {quoted}", rng) + rng.choice(_RESTS)
        if truth.score is not None:
            if truth.score not in scale:
                truth = None
            elif 0 < abs(truth.score) < 1 and rng.random() < 0.5:
                number = f"{truth.score:g}"
                if text.rstrip().rstrip('*"]}').endswith(number):
                    text = text[::-1].replace(number[::-1], number.replace("0.", ".")[::-1], 1)[::-1]
            if self.parser.name in ("auto", "number", "result") and rng.random() < 0.2 and text.rstrip()[-1:].isdigit():
                top = rng.choice((scale.high, 7.0, 20.0))
                text = text.rstrip() + rng.choice(("/{:g}", " out of {:g}", " (out of {:g})")).format(top)
                truth = truth if top == scale.high else None
        if self.parser.name == "two-scores" and rng.random() < 0.1 and " " in text.split("\n")[0].strip():
            first, _, rest = text.partition("\n")
            numbers = first.split()
            if len(numbers) == 2 and all(n.replace(".", "").isdigit() for n in numbers):
                text, truth = "\n".join([*(f"{n}/{scale.high:g}" for n in numbers), rest]), None
        if rng.random() < 0.15:
            # a reasoning model: its thinking names other verdicts
            thought = f"{reason} Maybe so:{self.written(rng.choice(self.options), '', rng)}\nBut {rng.choice(TALK)}"
            opened = rng.choice(("<think>\n", "<think>", "", "<thinking>\n"))
            text = f"{opened}{thought}\n</{opened.strip('<>' + chr(10)) or 'think'}>\n\n{text}"
        return Made(text, truth, texts, scale)


def count(name: str, replies: int, seed: int) -> tuple[Counter[str], list[str]]:
    grammar = Grammar(name)
    rng = random.Random(f"{name}{seed}")
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for _ in range(replies):
        made = grammar.reply(rng)
        read = grammar.parser.parse(
            made.text, task=grammar.task, scale=made.scale, n=3, judged=made.judged, cut_off=made.cut_off
        )
        if read.null is not None:
            seen["cut" if made.cut_off else "null" if made.truth is not None else "none, rightly"] += 1
        elif made.truth is not None and read.value == made.truth.value:
            seen["right"] += 1
        else:
            seen["wrong"] += 1
            wrong.append(
                f"{made.text!r} (cut: {made.cut_off}) -> {read.value!r}, not {made.truth and made.truth.value!r}"
            )
    return seen, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    total = 0
    print(f"{'protocol':28} {'right':>7} {'null':>6} {'none':>6} {'cut':>6} {'wrong':>6} {'us':>6}")
    for name in (*protocol_names(), *_AUTO):
        if arguments.only and name != arguments.only:
            continue
        started = time.process_time()
        seen, wrong = count(name, arguments.replies, arguments.seed)
        each = (time.process_time() - started) / arguments.replies * 1e6
        print(
            f"{name:28} {seen['right']:7} {seen['null']:6} {seen['none, rightly']:6} {seen['cut']:6} {seen['wrong']:6}"
            f" {each:6.0f}",
            flush=True,
        )
        for line in wrong[:3]:
            print("   ", line[:600])
        total += seen["wrong"]
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
