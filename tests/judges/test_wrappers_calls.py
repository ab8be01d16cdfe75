"""What every wrapper owes: each question once, each answer paid once, errors and nulls by one rule, facts combined."""

from __future__ import annotations

import asyncio
import json

import pytest
from wrapping import Told, ask_all, pairs

from voirdire.harness.cases import Case
from voirdire.harness.engine.breaker import JudgeBusy
from voirdire.harness.engine.runner import run_calls
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.replay import ReplayJudge
from voirdire.harness.judges.spec import make_judge
from voirdire.harness.judges.wrappers.averaging import majority, mean, swap_average
from voirdire.harness.judges.wrappers.base import members_of
from voirdire.harness.judges.wrappers.calls import mirrored, turned
from voirdire.harness.judges.wrappers.juries import jury
from voirdire.harness.plan import build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.verdicts import Scale, Usage, Verdict
from voirdire.suites.rows import PROBES

BILL = Usage(100, 10, 0.01)


def longer(case: Case, _sample: int) -> Verdict:
    return Verdict(choice=int(len(case.responses[1]) > len(case.responses[0])), usage=BILL)


def first(_case: Case, _sample: int) -> Verdict:
    return Verdict(choice=0, usage=BILL)


def order_plan(n: int, samples: int = 1) -> list[object]:
    suite = Suite("t", "t", (PROBES.get("order.swap"),), samples=samples)
    plan = build_plan(suite, pairs(n), task="pairwise", scale=Scale(), followups=FollowUps())
    return plan.calls  # type: ignore[return-value]


# ------------------------------------------------------------------------------------------------------------ sharing


def test_both_orders_of_a_plan_cost_what_the_bare_judge_costs() -> None:
    """swap_average asks exactly the plan's own calls: (order, sample) of every case, each once."""
    bare, inner = Told(first), Told(first)
    calls = order_plan(6)
    asyncio.run(run_calls(calls, bare))  # type: ignore[arg-type]
    run = asyncio.run(run_calls(calls, swap_average(inner)))  # type: ignore[arg-type]
    assert len(inner.asked) == len(bare.asked) == len(calls)
    assert {(c.shown()["responses"][0], s) for c, s in inner.asked} == {
        (c.shown()["responses"][0], s) for c, s in bare.asked
    }
    # and the bill is that of the bare judge, though every wrapper call rests on two of its calls
    assert run.tokens == 110 * len(calls)
    assert run.cost_usd == pytest.approx(0.01 * len(calls))


def test_calls_at_the_same_time_share_one() -> None:
    inner = Told(first)
    judge = swap_average(inner)
    case = pairs(1)[0]

    async def both() -> tuple[Verdict, Verdict]:
        return await asyncio.gather(judge.judge(case, sample=0), judge.judge(case.reordered((1, 0)), sample=0))

    one, other = asyncio.run(both())
    assert len(inner.asked) == 2
    assert one.choice == other.choice == "tie"
    assert one.usage is not None
    assert other.usage is not None
    assert (one.usage.input_tokens or 0) + (other.usage.input_tokens or 0) == 200


def test_repeats_of_a_wrapper_share_no_sample() -> None:
    inner = Told(first)
    ask_all(mean(inner, k=3), pairs(1), samples=2)
    assert [s for _, s in inner.asked] == [0, 1, 2, 3, 4, 5]


def test_a_deterministic_member_is_asked_once() -> None:
    inner = Told(first, deterministic=True)
    judge = majority(inner, k=5)
    ask_all(judge, pairs(1), samples=3)
    assert len(inner.asked) == 1
    assert judge.deterministic


def test_a_closed_wrapper_forgets() -> None:
    """Answers of one run must not be those of the next: a gate's two runs would share their noise."""
    inner = Told(first)
    judge = swap_average(inner)
    ask_all(judge, pairs(1))
    asyncio.run(judge.aclose())
    assert inner.closed == 1
    ask_all(judge, pairs(1))  # in another event loop, too
    assert len(inner.asked) == 4


def test_members_keep_their_own_limit() -> None:
    slow, free = Told(first, "slow", concurrency=2), Told(first, "free")
    judge = jury(slow, free, rule="vote")
    cases = pairs(20)

    async def ask() -> None:
        await asyncio.gather(*(judge.judge(case, sample=0) for case in cases))

    asyncio.run(ask())
    assert slow.most_at_once == 2
    assert free.most_at_once > 2
    assert judge.concurrency is None
    assert jury(slow, Told(first, concurrency=5), rule="vote").concurrency == 5


def test_an_interrupted_call_leaves_no_task_behind() -> None:
    async def run() -> set[asyncio.Task[object]]:
        never = asyncio.Event()

        class Stuck(Told):
            async def judge(self, case: Case, *, sample: int) -> Verdict:
                await never.wait()
                raise AssertionError

        judge = swap_average(Stuck(first))
        task = asyncio.create_task(judge.judge(pairs(1)[0], sample=0))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(run()) == set()


def test_wrapper_verdicts_go_into_the_store(tmp_path: object) -> None:
    inner = Told(longer)
    calls = order_plan(3)
    with CallStore(f"{tmp_path}/calls.sqlite") as store:
        asyncio.run(run_calls(calls, swap_average(inner), store=store))  # type: ignore[arg-type]
    with CallStore(f"{tmp_path}/calls.sqlite") as store:
        run = asyncio.run(run_calls(calls, swap_average(Told(longer)), store=store))  # type: ignore[arg-type]
    assert run.cached == len(calls)
    assert members_of(run.verdicts[0]) is not None  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------------------- errors and nulls


def test_an_error_of_a_member_is_an_error_of_the_call_and_nothing_is_paid_twice() -> None:
    """The call is asked again by the run; what the other member answered is known by then, and billed then."""
    failures = iter([JudgeBusy("overloaded")])

    def flaky(case: Case, sample: int) -> Verdict | Exception:
        return next(failures, None) or first(case, sample)

    steady, failing = Told(first, "steady"), Told(flaky, "flaky")
    judge = jury(steady, failing, rule="vote")
    case = pairs(1)[0]
    with pytest.raises(JudgeBusy, match="overloaded"):
        ask_all(judge, [case])
    (verdict,) = ask_all(judge, [case])
    assert len(steady.asked) == 1
    assert len(failing.asked) == 2
    assert verdict.usage == Usage(200, 20, 0.02, 2)


def test_the_gravest_error_counts() -> None:
    busy, gone = Told(lambda c, s: JudgeBusy("busy")), Told(lambda c, s: JudgeUnreachable("gone"), "gone")
    with pytest.raises(JudgeUnreachable, match="gone"):
        ask_all(jury(busy, gone, rule="vote"), pairs(1))
    broken = Told(lambda c, s: Verdict(null="error", reason="no answer"))
    with pytest.raises(JudgeError, match="no answer"):
        ask_all(mean(broken), pairs(1))


@pytest.mark.parametrize(
    ("nulls", "n", "verdict"), [(0, 3, True), (1, 3, True), (2, 3, False), (1, 2, False), (2, 5, True)]
)
def test_a_combination_needs_more_than_half_of_its_members(nulls: int, n: int, verdict: bool) -> None:
    def answer(_case: Case, sample: int) -> Verdict:
        return Verdict(null="refused", reason="will not") if sample < nulls else Verdict(choice=1)

    for wrapper in (majority, mean):
        (found,) = ask_all(wrapper(Told(answer), k=n), pairs(1))
        if verdict:
            assert found.choice == 1
        else:
            assert found.null == "refused"
            assert found.reason == f"{nulls} of {n} members gave no verdict (will not)"


def test_one_order_alone_is_no_average_over_orders() -> None:
    def answer(case: Case, _sample: int) -> Verdict:
        return Verdict(choice=0) if case.responses[0].startswith("This is answer one") else Verdict(null="unparsed")

    (found,) = ask_all(swap_average(Told(answer)), pairs(1))
    assert found.null == "unparsed"


def test_an_unknown_price_stays_unknown() -> None:
    cheap, unknown = Told(first, "cheap"), Told(lambda c, s: Verdict(choice=0, usage=Usage(5, 5, None)), "unknown")
    (verdict,) = ask_all(jury(cheap, unknown, rule="vote"), pairs(1))
    assert verdict.usage == Usage(105, 15, None, 2)


# -------------------------------------------------------------------------------------------------------------- facts


def test_facts_are_combined() -> None:
    plain = Told(first, "a")
    other = Told(first, "b", paid=True, soft=True, reusable=False, deterministic=True)
    both = jury(plain, other, rule="vote")
    assert (both.paid, both.soft, both.reusable, both.deterministic) == (True, True, False, False)
    assert both.spec == "jury(told:a, told:b; rule=vote)"
    assert both.asks == 2


def test_the_fingerprint_covers_members_and_parameters() -> None:
    specs = [
        "mock:noisy",
        "mean(mock:noisy; k=3)",
        "mean(mock:noisy; k=4)",
        "majority(mock:noisy; k=3)",
        "mean(mock:noisy?seed=1; k=3)",
        "mean(mean(mock:noisy; k=3); k=3)",
        "jury(mock:noisy, mock:oracle)",
        "jury(mock:oracle, mock:noisy)",
        "jury(mock:oracle, mock:noisy; rule=mean)",
        "detector(mock:noisy)",
        "detector(mock:noisy; by=mock:oracle)",
        "detector(mock:noisy; then=null)",
        "perplexity_window(mock:noisy; fpr=.05)",
        "perplexity_window(mock:noisy; fpr=.01)",
        "perplexity_window(mock:noisy; bits=5)",
        "retokenise(mock:noisy; rate=.1)",
        "retokenise(mock:noisy)",
    ]
    prints = [make_judge(spec).fingerprint for spec in specs]
    assert len(set(prints)) == len(specs)
    assert prints == [make_judge(spec).fingerprint for spec in specs]


@pytest.mark.parametrize(
    "spec",
    [
        "swap_average(mock:noisy)",
        "jury(majority(mock:noisy; k=3), mock:oracle; rule=mean)",
        'detector("mock:noisy?phrase=a,b"; phrases="x, y|z", then=null)',
        "escalate(neutralise(mock:noisy), mock:oracle; above=0.5, k=2)",
        "length_control(mock:noisy; phi=1.5, characters=200, k=3)",
    ],
)
def test_the_spec_of_a_judge_makes_the_same_judge(spec: str) -> None:
    judge = make_judge(spec)
    again = make_judge(judge.spec)
    assert (again.spec, again.fingerprint) == (judge.spec, judge.fingerprint)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("swapaverage(mock:noisy)", "Did you mean 'swap_average'"),
        ("mean(mock:noisy; K=3)", "no parameter 'K'"),
        ("mean(mock:noisy; k=three)", "a whole number"),
        ("mean(mock:noisy; k=0)", "from 1 to 64"),
        ("mean(mock:noisy, mock:oracle)", "takes one judge, got 2"),
        ("mean(nothing:here)", "names no judge"),
        ("jury(mock:noisy)", "two members or more"),
        ("jury(mock:noisy, mock:oracle; rule=best)", "one of vote, mean, max"),
        ("length_control(mock:noisy)", "needs the parameter phi"),
        ("warn(mock:noisy)", "a judge that voirdire prompts"),
        ("split_and_merge(mock:noisy)", "a judge that voirdire prompts"),
        ("perplexity_window(mock:noisy; fpr=.03)", "none of 0.01"),
        ("detector(mock:noisy; by=mock:oracle, phrases=x)", "not both"),
        ("retokenise(mock:noisy; rate=2)", r"\[0, 1\]"),
        ("escalate(mock:noisy; above=2)", "bits"),
    ],
)
def test_bad_specs_say_what_is_wrong(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_judge(spec)


@pytest.mark.parametrize(
    ("name", "task"),
    [("swap_average", "score"), ("swap_average", "grade"), ("majority", "score"), ("escalate", "score")],
)
def test_wrappers_name_the_tasks_they_are_for(name: str, task: str) -> None:
    from voirdire.harness.judges.spec import JudgeOptions

    with pytest.raises(UsageError, match=f"{name} is for pairwise.*is a {task} judge"):
        make_judge(f"{name}(mock:noisy)", JudgeOptions(task=task))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- orders


def test_turning_a_turned_case_notes_the_order_of_the_source() -> None:
    case = Case("q", ("a", "b", "c"), id="x", meta={"voirdire.order": (2, 0, 1), "k": 1})
    again = turned(case, (1, 2, 0))
    assert again.responses == ("b", "c", "a")
    assert again.meta == {"voirdire.order": (0, 1, 2), "k": 1}


def test_mirrored_verdicts_are_about_the_case_as_it_was() -> None:
    seen = Verdict(choice=0, margin=2.0, probabilities={"0": 0.7, "1": 0.2, "tie": 0.1})
    back = mirrored(seen, (1, 0))
    assert (back.choice, back.margin, back.probabilities) == (1, -2.0, {"1": 0.7, "0": 0.2, "tie": 0.1})
    assert mirrored(Verdict(ranking=(2, 0, 1)), (1, 2, 0)).ranking == (0, 1, 2)
    assert mirrored(Verdict(choice="tie"), (1, 0)).choice == "tie"


def test_a_replayed_judge_follows_the_wrappers_orders(tmp_path: object) -> None:
    """Hand-made lines are found by the order of the source, also where the plan shows it turned already."""
    lines = [
        {"schema": "voirdire.replay/1", "task": "pairwise", "judge": "people"},
        {"id": "p0", "order": [0, 1], "sample": 0, "verdict": "B"},
        {"id": "p0", "order": [1, 0], "sample": 0, "verdict": "A"},
    ]
    path = f"{tmp_path}/people.jsonl"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.writelines(json.dumps(line) + "\n" for line in lines)
    judge = swap_average(ReplayJudge.from_file(path))
    case = pairs(1)[0]
    forwards, backwards = ask_all(judge, [case, turned(case, (1, 0))])
    assert (forwards.choice, backwards.choice) == (1, 0)
    assert members_of(backwards) == [
        {"member": 0, "sample": 0, "order": [1, 0], "value": 0},
        {"member": 0, "sample": 0, "order": [0, 1], "value": 1},
    ]
