"""The dry run counts what a run asks: the same questions, judge by judge, before anything is spent."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from wrapping import Told, chat_judge, pairs

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.averaging import majority, swap_average
from voirdire.harness.judges.wrappers.defences import neutralise
from voirdire.harness.judges.wrappers.detector import detector
from voirdire.harness.judges.wrappers.escalate import escalate
from voirdire.harness.judges.wrappers.juries import jury, wide_and_deep
from voirdire.harness.judges.wrappers.splitting import split_and_merge
from voirdire.harness.judges.wrappers.tally import tally
from voirdire.harness.plan import PlannedCall, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.rows import PROBES


def planned(*probes: str, samples: int = 2) -> list[PlannedCall]:
    suite = Suite("t", "t", tuple(map(PROBES.get, probes)), samples=samples)
    return build_plan(suite, pairs(8), task="pairwise", scale=Scale(), followups=FollowUps()).calls


ORDER, PLEA = planned("order.swap"), planned("order.swap", "injection.plea")


def by_text(case: Case, _sample: int) -> Verdict:
    return Verdict(choice=int(case.responses[1] < case.responses[0]))


def first_slot(_case: Case, _sample: int) -> Verdict:
    return Verdict(choice=0)


def counted(calls: list[PlannedCall], judge: Judge) -> tuple[dict[str, int], dict[str, int]]:
    """Calls by name of the judge: (at least, at most)."""
    least, most = asyncio.run(tally(calls, judge))
    return {a.judge.name: len(a.calls) for a in least}, {a.judge.name: len(a.calls) for a in most}


def asked(calls: list[PlannedCall], judge: Judge, *told: Told) -> dict[str, int]:
    """The same counted in a run in which every planned call is made."""

    async def run() -> None:
        done = set()
        for call in calls:
            if (call.content, call.sample) not in done:
                done.add((call.content, call.sample))
                await judge.judge(call.case, sample=call.sample)

    asyncio.run(run())
    return {t.name: len(t.asked) for t in told}


@pytest.mark.parametrize("calls", [ORDER, PLEA], ids=["order", "plea"])
@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: a,
        lambda a, b: swap_average(a),
        lambda a, b: majority(a, k=5),
        lambda a, b: neutralise(a),
        lambda a, b: jury(a, b, rule="vote"),
        lambda a, b: jury(swap_average(a), neutralise(b), rule="vote"),
        lambda a, b: detector(majority(a, k=3)),
        lambda a, b: escalate(a, k=2),
    ],
)
def test_as_many_questions_as_a_run(make: object, calls: list[PlannedCall]) -> None:
    one, other = Told(by_text, "one"), Told(by_text, "other")
    judge: Judge = make(one, other)  # type: ignore[operator]
    least, most = counted(calls, judge)
    assert not one.asked, "a dry run asks nobody"
    assert least == most
    real = asked(calls, judge, one, other)
    assert least == {name: n for name, n in real.items() if n}


def test_orders_are_shared_and_a_plea_that_is_taken_out_costs_nothing() -> None:
    bare = counted(ORDER, Told(first_slot))[0]["told"]
    assert counted(ORDER, swap_average(Told(first_slot)))[0]["told"] == bare
    # of the probe of a plea only its sham is new to a judge that never sees the plea
    plain, deaf = (counted(PLEA, j)[0]["told"] for j in (Told(first_slot), neutralise(Told(first_slot))))
    assert plain - deaf == sum("Please, please choose" in "".join(c.case.responses) for c in PLEA) > 0


def test_what_depends_on_the_answers_is_a_range_that_holds_the_run() -> None:
    for answer, which in ((by_text, 0), (first_slot, 1)):
        weak, strong = Told(answer, "weak"), Told(by_text, "strong")
        judge = escalate(weak, strong, k=3)
        bounds = counted(ORDER, judge)
        assert bounds[0]["strong"] == 0 < bounds[1]["strong"]
        assert asked(ORDER, judge, weak, strong) == bounds[which]


def test_split_and_merge_asks_two_or_six() -> None:
    judge = split_and_merge(chat_judge(lambda prompt: "[[A]]"), k=2)
    tail = " It goes on. And on. And on still."
    case = Case("q", (f"This one is right.{tail}", f"This one is bad.{tail}"), label=0)
    calls = [PlannedCall(c, 0, shown_hash(c)) for c in (case, case.reordered((1, 0)))]
    least, most = asyncio.run(tally(calls, judge))
    assert [sum(len(a.calls) for a in side) for side in (least, most)] == [2, 6]


def test_the_second_layer_of_wide_and_deep_reads_something_of_a_usual_length() -> None:
    judge = wide_and_deep(chat_judge(lambda prompt: "[[A]]"), width=2)
    (least, _) = asyncio.run(tally(ORDER[:4], judge))
    layers = Counter(bool(call.case.context) for a in least for call in a.calls)
    assert layers[True] == layers[False] > 0
    assert all(len(call.case.context or "") > 400 for a in least for call in a.calls if call.case.context)


def test_a_judge_that_may_be_reused_is_asked_once_for_all_its_wrappers() -> None:
    """As the store does it; a callable without a version is asked in each."""
    for reusable, times in ((True, 1), (False, 2)):
        judge = Told(by_text, reusable=reusable)
        panel = jury(swap_average(judge), neutralise(judge), rule="vote")
        assert counted(ORDER, panel)[0]["told"] == times * counted(ORDER, judge)[0]["told"]


@pytest.mark.parametrize("task", ["score", "grade", "ranking"])
def test_other_tasks(task: str) -> None:
    told = Told(by_text, task=task)  # type: ignore[arg-type]
    case = Case("q", ("a", "b", "c") if task == "ranking" else ("a",))
    judge = jury(neutralise(told), Told(by_text, "b", task=task), rule="mean")  # type: ignore[arg-type]
    assert counted([PlannedCall(case, 0, shown_hash(case))], judge)[0] == {"told": 1, "b": 1}
