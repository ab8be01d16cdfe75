"""What a judge made of judges would cost: each member by its own calls, prompt and price."""

from __future__ import annotations

import asyncio
import json

import pytest

from voirdire.harness.costs import Cost, cost_of
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.plan import PlannedCall, build_plan
from voirdire.harness.prices import load_prices
from voirdire.harness.probes import Suite
from voirdire.harness.verdicts import Scale
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.rows import PROBES

SMALL, LARGE = "openai:gpt-5-mini", "openai:gpt-4o"


def judge(spec: str) -> Judge:
    return make_judge(spec, JudgeOptions(environ={"OPENAI_API_KEY": "sk-x"}))


def plan() -> list[PlannedCall]:
    suite = Suite("t", "t", (PROBES.get("order.swap"), PROBES.get("injection.plea")), samples=2)
    cases = builtin_cases("pairwise")[:12]
    return build_plan(suite, cases, task="pairwise", scale=Scale(), followups=FollowUps()).calls


def cost(spec: str) -> Cost:
    return asyncio.run(cost_of(plan(), judge(spec), load_prices()))


def test_a_plain_judge_is_one_entry_with_the_plan_as_it_is() -> None:
    found = cost(SMALL)
    assert [m.judge for m in found.members] == [SMALL]
    assert found.calls == found.most_calls == found.verdicts == len(plan())
    assert found.cost_usd == pytest.approx((found.tokens.input * 0.25 + found.tokens.output * 2) / 1e6)


@pytest.mark.parametrize(
    ("wrapper", "times"), [("swap_average({})", 1), ("majority({}; k=5)", 5), ("mean(swap_average({}); k=3)", 3)]
)
def test_money_goes_with_the_calls_that_are_added(wrapper: str, times: int) -> None:
    bare, wrapped = cost(SMALL), cost(wrapper.format(SMALL))
    assert wrapped.calls == times * bare.calls
    assert bare.cost_usd is not None
    assert wrapped.cost_usd == pytest.approx(times * bare.cost_usd, rel=0.02)


def test_a_longer_prompt_costs_its_tokens_at_the_price_of_its_model() -> None:
    bare, warned = cost(LARGE), cost(f"warn({LARGE})")
    assert warned.calls == bare.calls
    assert bare.cost_usd is not None
    assert warned.cost_usd is not None
    # the warning has some 70 tokens, at $2.5 a million
    assert (warned.cost_usd - bare.cost_usd) / bare.calls == pytest.approx(70 * 2.5e-6, rel=0.3)


def test_a_jury_is_the_sum_of_its_members_and_one_unknown_price_makes_it_unknown() -> None:
    one, other, both = cost(SMALL), cost(LARGE), cost(f"jury({SMALL}, {LARGE})")
    assert one.cost_usd is not None
    assert other.cost_usd is not None
    assert both.cost_usd == pytest.approx(one.cost_usd + other.cost_usd)
    assert both.price is None
    assert both.a_verdict == 2
    unknown = cost(f"jury({SMALL}, openai:gpt-99)")
    assert unknown.cost_usd is None
    assert [m.cost_usd is None for m in unknown.members] == [False, True]


def test_a_stronger_judge_is_paid_from_nothing_to_every_verdict() -> None:
    found = cost(f"escalate({SMALL}, {LARGE}; k=2)")
    weak, strong = found.members
    assert weak.calls == weak.most_calls == 2 * len(plan())
    assert strong.calls == 0 < strong.most_calls == len(plan())
    assert found.cost_usd is not None
    assert found.most_cost_usd is not None
    assert found.cost_usd < found.most_cost_usd


def test_the_plan_shows_it_and_prints_it_as_json(voirdire_plan) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(voirdire_plan("--judge", f"jury({SMALL}, {LARGE})", "--suite", "quick", "--json"))
    assert data["asked"] == 2 * data["planned"] == sum(m["calls"] for m in data["members"])
    assert data["cost_usd"] == pytest.approx(sum(m["cost_usd"] for m in data["members"]))
    page = voirdire_plan("--judge", f"jury({SMALL}, {LARGE})", "--suite", "quick")
    assert "the sum of the judges below" in page
    assert f" {LARGE} " in page


@pytest.fixture
def voirdire_plan(monkeypatch, tmp_path, capsys):  # type: ignore[no-untyped-def]
    from voirdire.cli import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")

    def go(*arguments: str) -> str:
        assert run(["plan", *arguments]) == 0
        return str(capsys.readouterr().out)

    return go
