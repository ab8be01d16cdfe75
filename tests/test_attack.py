"""An attack finds what is planted and says so only of held-out cases; what is no weakness is never found."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attack_documents import valid
from planted_chat import Fooled, PlantedChat, answers_of

import voirdire as vd
from voirdire._attack import attack_async
from voirdire._attack_plan import AttackRequest, prepare_attack
from voirdire.harness.attacks import Attacked
from voirdire.harness.cases import Case
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.mending import open_lines
from voirdire.harness.judges.mock import MockJudge, mock_judge
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.harness.verdicts import Verdict
from voirdire.perturbations.found import found_text
from voirdire.reports.attack_files import attack_markdown, attack_suite
from voirdire.reports.attack_text import attack_text
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.loading import load_suite

SMALL = AttackRequest(
    words=2, vocabulary=("key", *(f"w{i}" for i in range(23))), max_calls=1600, defences=(), cache=None
)


class Kept(MockJudge):
    """A mock whose answers the store keeps; its host is down at call `DOWN`."""

    ASKED: ClassVar[list[str]] = []
    DOWN = 300
    reusable = True

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        self.ASKED.append(case.id)
        if len(self.ASKED) == self.DOWN:
            raise JudgeUnreachable("the host is down")
        return self.answer(case, sample)


def attacked(judge: Judge, request: AttackRequest = SMALL, others: tuple[Judge, ...] = ()) -> Attacked:
    prepared = prepare_attack(judge, request, others)
    result = asyncio.run(attack_async(judge, prepared, others=others))
    valid(result)  # whatever comes out
    return result


def mock(text: str, task: Any = "pairwise", seed: int = 0) -> Judge:
    return mock_judge(text, task=task, seed=seed)


def u(*parts: object) -> float:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def judge_of(f: Callable[..., Any], task: Any = "pairwise") -> Judge:
    return vd.judge(f, task=task)


def pairs(
    n: int, texts: tuple[str, str] = ("A right answer of some words.", "A wrong answer of some words.")
) -> list[Case]:
    return [Case(f"Question {i}?", tuple(f"{t} {i}" for t in texts), id=f"c{i}", label=0) for i in range(n)]


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
def test_a_planted_phrase_is_found_for_every_task(task: str) -> None:
    spec = {"grade": "noisy?phrase=key&rate=.6", "score": "noisy?phrase=key&rate=.4"}.get(
        task, "noisy?phrase=key&rate=.7"
    )
    result = attacked(mock(spec, task))
    assert result.outcome == "found"
    (attempt,) = result.attempts
    assert "key" in attempt.text.split()
    lift = attempt.lift
    assert lift is not None
    assert lift.gain is not None
    assert lift.over_sham is not None
    assert min(lift.gain.low, lift.over_sham.low) > 0
    assert lift.asr_net is not None
    assert lift.asr_net > 0.1
    assert attempt.rival is not None
    assert attempt.over_rival is not None
    assert attempt.over_rival.low > 0


def test_judges_without_a_weakness_are_let_go() -> None:
    """benchmarks/search.py runs a hundred; the chance of a false find is below .05 each."""
    finds = sum(
        attacked(mock("noisy", seed=seed), dataclasses.replace(SMALL, seed=seed)).outcome == "found"
        for seed in range(12)
    )
    assert finds <= 3


def test_what_any_text_gains_is_no_find() -> None:
    """A judge that likes length is swayed by the sham as well: that is verbosity, not this phrase."""

    def longer(case: Case, sample: int = 0) -> float:
        return min(1.0, len(case.responses[0]) / 100 + 0.2 * u(case.responses[0], sample))

    judge = vd.judge(longer, task="score", scale=vd.Scale(0, 1))
    cases = [Case(f"Question {i}?", (f"Answer {i}.",), id=f"c{i}") for i in range(60)]
    result = attacked(judge, dataclasses.replace(SMALL, cases=cases))
    assert result.outcome == "nothing"


def test_silence_is_no_success() -> None:
    """With the word the judge answers in the target's favour in half of the calls and not at all in the others."""

    def silent(case: Case, sample: int = 0) -> Any:
        with_key = ["key" in r for r in case.responses]
        if any(with_key):
            return with_key.index(True) if u(case.responses, sample) < 0.6 else None
        return case.label if u(case.responses, sample) < 0.85 else 1 - case.label

    result = attacked(judge_of(silent), dataclasses.replace(SMALL, cases=pairs(80)))
    assert result.outcome == "inconclusive"
    assert result.attempts[0].reason == "differential_nulls"
    assert "fall silent" in attack_text(result)


def test_a_judge_that_always_fails_is_given_up() -> None:
    calls = 0

    def broken(case: Case) -> Any:
        nonlocal calls
        calls += 1
        raise JudgeError("down")

    result = attacked(judge_of(broken), dataclasses.replace(SMALL, cases=pairs(60)))
    assert result.outcome == "unfinished"
    assert result.stopped == "judge"
    assert calls < 400


def test_a_judge_that_never_decides_is_given_up() -> None:
    result = attacked(judge_of(lambda case: None), dataclasses.replace(SMALL, cases=pairs(60)))
    assert (result.outcome, result.stopped) == ("unfinished", "judge")
    assert "no verdict" in (result.reason or "")


@pytest.mark.parametrize(
    "texts",
    [
        ("", ""),
        ("很好的回答。", "很差的回答。"),
        ("هذا جواب صحيح", "هذا جواب خاطئ"),
        ("x" * 100_000, "y" * 100_000),
        ("```python\nprint(1)\n```", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ],
    ids=["empty", "chinese", "arabic", "100 kB", "blocks"],
)
def test_texts_of_all_kinds(texts: tuple[str, str]) -> None:
    cases = [Case(f"Question {i}?", texts, id=f"c{i}", label=0) for i in range(30)]
    request = dataclasses.replace(SMALL, cases=cases, max_calls=500, vocabulary=("key", "完美", "a", "b"))
    result = attacked(mock("oracle?phrase=key"), request)
    assert result.outcome == "found"
    assert valid(result)["outcome"] == "found"
    assert attack_markdown(result)


@pytest.mark.parametrize(("mode", "slot"), [("first", 0), ("second", 1)])
def test_an_attack_on_one_slot(mode: str, slot: int) -> None:
    """The word works in one slot only: the search for that slot finds it, the one for the other slot does not."""

    def judge(case: Case, sample: int = 0) -> int:
        if "key" in case.responses[slot]:
            return slot
        return case.label if u(case.responses, sample) < 0.8 else 1 - case.label

    request = dataclasses.replace(SMALL, cases=pairs(80), mode=mode)
    result = attacked(judge_of(judge), request)
    assert result.outcome == "found"
    assert result.attempts[0].lift.after > 0.95
    other = dataclasses.replace(request, mode="second" if mode == "first" else "first")
    assert attacked(judge_of(judge), other).outcome == "nothing"


def test_training_and_held_out_share_no_question() -> None:
    cases = [c.replace(id=f"{c.id}-{k}", group=None) for c in pairs(40) for k in range(2)]
    prepared = prepare_attack(mock("noisy"), dataclasses.replace(SMALL, cases=cases))
    train, held = ({c.instruction_text for c in part} for part in (prepared.training, prepared.held_out))
    assert train
    assert held
    assert not train & held
    assert {u_.case.instruction_text for u_ in prepared.units} <= train


def test_the_budget_holds_search_and_test() -> None:
    result = attacked(mock("noisy?phrase=key"), dataclasses.replace(SMALL, max_calls=700))
    assert result.calls.made <= 700
    with pytest.raises(UsageError, match="--max-calls"):
        prepare_attack(mock("noisy"), dataclasses.replace(SMALL, max_calls=100))


def test_transfer_and_defences() -> None:
    request = dataclasses.replace(SMALL, max_calls=3000, defences=("neutralise", "sandwich"))
    weak, strong = mock("noisy?phrase=key"), mock("noisy")
    result = attacked(mock("noisy?phrase=key&rate=.8"), request, (weak, strong))
    by_spec = {e.spec: e for e in result.attempts[0].elsewhere}
    assert by_spec[weak.spec].finding.decision == "violated"
    assert by_spec[strong.spec].finding.decision != "violated"
    assert by_spec["neutralise"].finding.decision == "violated"  # an invented word is no plea
    assert by_spec["sandwich"].error  # a mock has no prompt to be sandwiched
    with pytest.raises(UsageError, match="--transfer"):
        prepare_attack(mock("noisy"), request, (mock("noisy", "score"),))


def test_a_stopped_attack_goes_on_where_it_was(tmp_path) -> None:
    weak = mock("noisy?phrase=key")
    judge = Kept(**{f.name: getattr(weak, f.name) for f in dataclasses.fields(weak)})
    Kept.ASKED.clear()
    request = dataclasses.replace(SMALL, cases=pairs(60), cache=str(tmp_path / "calls.sqlite"), created="2026-01-01")
    assert attacked(judge, request).stopped == "judge"
    before = len(Kept.ASKED)
    whole = attacked(judge, request)
    assert whole.outcome == "found"
    assert whole.calls.cached > 150
    assert len(Kept.ASKED) - before == whole.calls.made
    again = attacked(judge, request)
    assert again.calls.made == 0
    plain = [valid(r) | {"calls": None} for r in (whole, again)]
    assert plain[0] == plain[1]


def test_cancelling_keeps_what_was_found_so_far() -> None:
    async def go() -> Attacked:
        async def slow(case: Case, sample: int = 0) -> int:
            await asyncio.sleep(0)
            keyed = ["key" in r for r in case.responses]
            if (count := getattr(slow, "count", 0)) == 900:
                task.cancel()
            slow.count = count + 1
            return (
                keyed.index(True) if any(keyed) else case.label if u(case.responses, sample) < 0.8 else 1 - case.label
            )

        judge = vd.judge(slow, task="pairwise")
        prepared = prepare_attack(judge, dataclasses.replace(SMALL, cases=pairs(60), max_calls=2000))
        task = asyncio.create_task(attack_async(judge, prepared))
        return await task

    result = asyncio.run(go())
    assert result.stopped == "interrupted"
    assert result.outcome == "unfinished"
    assert "key" in (result.best_so_far or "")
    assert "untested" in attack_text(result)
    assert valid(result)["stopped"] == "interrupted"


def test_what_was_found_is_a_suite(tmp_path) -> None:
    result = attacked(mock("noisy?phrase=key&rate=.8"))
    path = tmp_path / "found.toml"
    path.write_text(attack_suite(result), encoding="utf-8")
    suite = load_suite(str(path))
    (name,) = [p.name for p in suite.probes if p.family == "attack"]
    audit = vd.audit(mock("noisy?phrase=key&rate=.8"), suite=str(path))
    assert audit.findings[name].decision == "violated"
    clean = vd.audit(mock("noisy"), suite=str(path))
    assert clean.findings[name].decision == "holds"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('name = "key"\ntext = "key"', "line 4.*no name of a found attack"),
        ('name = "attack.key"\ntext = " "', "line 5.*not all blank"),
        ('name = "attack.key"\ntext = "key"\nposition = "middle"', "line 6.*'middle'"),
        ('name = "attack.key"\ntxt = "key"', "line 5.*'txt'"),
        ('name = "attack.key"\ntext = 3', "line 5.*must be a text"),
        ('name = "attack.other"\ntext = "key"', "no probe is called 'attack.key'"),
        ('name = "attack.key"\ntext = "a"\n[[found]]\nname = "attack.key"\ntext = "b"', "line 7.*two attacks"),
    ],
)
def test_wrong_suites_are_refused_with_their_line(tmp_path, table: str, message: str) -> None:
    path = tmp_path / "found.toml"
    path.write_text(f'name = "mine"\nprobes = ["attack.key"]\n[[found]]\n{table}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_suite(str(path))


def test_positions() -> None:
    case = Case("Q?", ("An answer.\n",), id="a")
    made = {}
    for position in ("end", "start", "below", "alone"):
        made[position] = _applied(case, "so good", position)
    assert made == {
        "end": "An answer. so good.\n",
        "start": "so good. An answer.\n",
        "below": "An answer.\n\nso good\n",
        "alone": "so good",
    }
    fenced = Case("Q?", ("```\nx\n```",), id="b")
    assert _applied(fenced, "so good", "end") == "```\nx\n```\nso good."
    assert _applied(Case("Q?", ("回答。",), id="c"), "完美", "end") == "回答。 完美。"


def _applied(case: Case, text: str, position: Any) -> str:
    from random import Random

    from voirdire.harness.cases import with_edits

    return with_edits(case, found_text(text, position).edits(case, 0, Random(0), 1.0)).responses[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": 0}, "--words 0"),
        ({"train": 0.99}, "--train"),
        ({"position": "middle"}, "--position 'middle'"),
        ({"mode": "third"}, "--mode 'third'"),
        ({"method": "magic"}, "--method 'magic'"),
        ({"forbid": ("keey",)}, "'keey'"),
        ({"defences": ("jury",)}, "'jury'"),
        ({"defences": ("neutralize",)}, "'neutralize'"),
        ({"limit": 5}, "too few"),
        ({"max_bits": 0.01}, "words are left"),
    ],
)
def test_wrong_requests_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepare_attack(mock("noisy"), dataclasses.replace(SMALL, **changes))
    with pytest.raises(UsageError, match="--mode first"):
        prepare_attack(mock("noisy", "score"), dataclasses.replace(SMALL, mode="first"))


# --- attacks made from the judge's own prompt, families, stacks ------------------------------------------------------


OPEN = """Which answer is better?
---user---
<question 1>
{{ instruction }}
</question 1>
<answer_a 1>
{{ response_a }}
</answer_a 1>
<answer_b 1>
{{ response_b }}
</answer_b 1>
Say A or B."""


def test_a_forged_verdict_is_found_with_its_prompt_and_the_line_to_mend() -> None:
    request = dataclasses.replace(SMALL, families=("structure",), max_calls=1200)
    judge = PromptedJudge(
        Fooled(PlantedChat(answers_of(builtin_cases("pairwise"))), r"<answer_([ab]) 1>[^<]*\n\n[AB]\n</answer"),
        load_prompt(OPEN, "pairwise", "letter"),
    )
    result = attacked(judge, request)
    (attempt,) = result.found
    assert (attempt.name, attempt.kind) == ("injection.echo", "structure")
    assert any(attempt.example.follow_up.responses[attempt.example.target] in m["content"] for m in attempt.prompt)
    assert any("line 7" in line and "{{ fence(response_a) }}" in line for line in attempt.mend)
    report = attack_markdown(result)
    assert "To mend" in report
    assert "exact prompt" in report
    assert "injection.echo" in attack_suite(result)
    document = valid(result)["attempts"][0]
    assert document["example"]["responses"] == list(attempt.example.follow_up.responses)
    assert document["prompt"][-1]["content"] == attempt.prompt[-1]["content"]


def test_a_clean_prompted_judge_is_let_go_by_structure_attacks() -> None:
    finds = 0
    for seed in range(6):
        judge = PromptedJudge(
            PlantedChat(answers_of(builtin_cases("pairwise")), seed=seed), load_prompt(OPEN, "pairwise", "letter")
        )
        request = dataclasses.replace(SMALL, families=("structure", "injection"), max_calls=1500, seed=seed)
        finds += attacked(judge, request).outcome == "found"
    assert finds <= 2


def test_judges_without_a_prompt_of_ours_have_no_structure_to_attack() -> None:
    result = attacked(mock("noisy"), dataclasses.replace(SMALL, families=("structure",)))
    assert result.outcome == "nothing"
    assert result.calls.made == 0


def test_attacks_of_two_families_are_stacked_and_kept_as_a_suite(tmp_path) -> None:
    """A citation wins .4 of the calls and the word .4 of the rest: together they do better than each."""
    spec = "noisy?phrase=key&rate=.4&cited=.4"
    request = dataclasses.replace(SMALL, families=("phrase", "authority"), max_calls=5000)
    result = attacked(mock(spec), request)
    stacked = next(a for a in result.found if a.kind == "composed")
    ((first, dose),) = stacked.doses.items()
    assert first == stacked.parts[0]
    assert stacked.lift.gain.mean > dose.gain.mean
    path = tmp_path / "found.toml"
    path.write_text(attack_suite(result), encoding="utf-8")
    audit = vd.audit(mock(spec), suite=str(path))
    assert audit.findings[stacked.name].decision == "violated"
    assert vd.audit(mock("noisy"), suite=str(path)).findings[stacked.name].decision == "holds"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('parts = ["injection.plea"]', "line 5.*two names"),
        ('parts = ["injection.plea", "injection.plae"]', "line 5.*'injection.plae'"),
        ('parts = ["injection.plea", "order.swap"]', "line 5.*edits no answer"),
        ('text = "key"\nparts = ["injection.plea", "authority.book"]', "line 6.*not both"),
    ],
)
def test_wrong_stacks_are_refused_with_their_line(tmp_path, table: str, message: str) -> None:
    path = tmp_path / "found.toml"
    path.write_text(f'name = "m"\nprobes = ["attack.x"]\n[[found]]\nname = "attack.x"\n{table}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_suite(str(path))


def test_lines_that_show_an_answer_unfenced() -> None:
    protocol = load_prompt(
        "You.\n---user---\n{% if n > 1 %}\nA: {{ response_a }}\n{% endif %}\n{{ fence(response_b) }}", "pairwise"
    )
    (line,) = open_lines(protocol)
    assert (line.line, line.variable, line.mended) == (4, "response_a", "A: {{ fence(response_a) }}")
    assert not any(open_lines(load_prompt(name)) for name in ("pairwise", "score", "grade", "ranking", "mt-bench-pair"))


def test_from_python() -> None:
    result = vd.attack(
        "mock:oracle?phrase=key",
        words=1,
        vocabulary=SMALL.vocabulary,
        max_calls=1200,
        defences=(),
        transfer=["mock:oracle"],
    )
    assert isinstance(result, vd.Attacked)
    assert result.outcome == "found"
    assert result.attempts[0].elsewhere[0].finding.decision != "violated"
    with pytest.raises(UsageError, match="'wrods'"):
        vd.attack("mock:oracle", wrods=2)
    with pytest.raises(JudgeUnreachable, match="no verdict"):
        vd.attack(judge_of(lambda case: None), pairs(60), max_calls=800, defences=())


def test_a_lone_text_is_read_as_on_the_command_line() -> None:
    judge = mock("oracle")
    request = dataclasses.replace(SMALL, families="phrase, tone", defences="sandwich", forbid="key")
    planned = prepare_attack(judge, request)
    assert planned.request.families == ("phrase", "tone")
    assert planned.request.defences == ("sandwich",)
    assert planned.space.vocabulary == tuple(w for w in SMALL.vocabulary or () if w != "key")
    assert prepare_attack(judge, dataclasses.replace(SMALL, defences="none")).request.defences == ()
    with pytest.raises(UsageError, match="--families 'phrases-of-mine' is no family"):
        prepare_attack(judge, dataclasses.replace(SMALL, families="phrases-of-mine"))
    for given in ("word list", Path("words.txt")):
        with pytest.raises(UsageError, match=r"not a list of words\nGive words"):
            prepare_attack(judge, dataclasses.replace(SMALL, vocabulary=given))  # type: ignore[arg-type]


def test_a_vocabulary_too_long_for_the_calls() -> None:
    """Ours tries a random part and says so; the plain searches, which could not try one word on all cases, say that."""
    words = ("key", *(f"w{i}" for i in range(20_000)))
    request = dataclasses.replace(SMALL, vocabulary=words, words=4)
    result = attacked(mock("noisy"), request)
    assert any("20,001 words" in w and "drawn at random" in w for w in result.warnings)
    assert result.calls.made <= request.max_calls
    for method in ("greedy", "beam"):
        with pytest.raises(UsageError, match=f"{method} search asks"):
            prepare_attack(mock("noisy"), dataclasses.replace(request, method=method))


def test_the_plain_searches_work_as_well() -> None:
    request = dataclasses.replace(SMALL, words=1, max_calls=5000)
    for method in ("greedy", "beam"):
        assert (
            attacked(mock("noisy?phrase=key&rate=.7"), dataclasses.replace(request, method=method)).outcome == "found"
        )


def test_systems_that_the_search_never_saw_are_reported_apart() -> None:
    """Six systems answer each question; two train the search, four are new."""
    cases = [
        Case(f"Question {q}?", (f"Answer {s} to {q}.",), id=f"{q}-{s}", meta={"models": [f"system {s}"]})
        for q in range(30)
        for s in range(6)
    ]

    def keyed(case: Case, sample: int = 0) -> float:
        return 0.3 + 0.4 * ("key" in case.responses[0]) + 0.1 * u(case.responses, sample)

    judge = vd.judge(keyed, task="score", scale=vd.Scale(0, 1))
    request = dataclasses.replace(SMALL, cases=cases, max_calls=3000)
    prepared = prepare_attack(judge, request)
    assert len(prepared.systems) == 2
    assert {unit.case.meta["models"][0] for unit in prepared.units} == prepared.systems
    result = attacked(judge, request)
    (attempt,) = result.found
    assert attempt.unseen.gain.mean == pytest.approx(0.4, abs=0.05)
    assert "on unseen systems" in attack_text(result)
    assert "never saw" in attack_markdown(result)
