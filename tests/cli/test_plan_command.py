"""`voirdire plan`: it spends nothing, unknown prices stay unknown, and its page fits 80 columns.

The snapshots are of `plan_text` on fixed figures; VOIRDIRE_UPDATE_EXPECTED=1 rewrites them.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from voirdire._compose import AuditRequest, prepare
from voirdire.cli.plan import document, forecast
from voirdire.harness.costs import MemberCost
from voirdire.harness.judges.base import Message, Reply
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import default_protocol
from voirdire.harness.prices import Price, Tokens, load_prices
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.power import NoiseModel
from voirdire.harness.verdicts import Scale
from voirdire.reports.plan_text import Forecast, Needed, ProbeForecast, plan_text

EXPECTED = Path(__file__).with_name("expected")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening any connection, or asking an OpenAI judge, fails the test."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a plan must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def as_json(ran: Any) -> dict[str, Any]:
    assert ran.code == 0, ran.all
    data: dict[str, Any] = json.loads(ran.out)
    return data


# -------------------------------------------------------------------------------------------------- the whole command


def test_a_priced_model_is_planned_without_asking_it(voirdire, no_network) -> None:
    ran = voirdire("plan", "--judge", "openai:gpt-5-mini", "--suite", "quick", "--limit", "30", "--rate", "600/min")
    assert ran.code == 0
    assert ran.out.startswith("voirdire 0.1.0 · judge openai:gpt-5-mini\nsuite quick · pairwise · 30 built-in cases")
    assert "list prices of 2026-11" in " ".join(ran.out.split())
    assert "check your provider" in " ".join(ran.out.split())
    assert "10 calls a second" in ran.out
    assert "authority.book" in ran.out
    assert "\nadvice    Take about" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not list(Path().iterdir())  # no report, no cache


def test_the_figures_are_those_of_an_audit(voirdire, no_network) -> None:
    common = ("--judge", "mock:noisy", "--suite", "quick", "--limit", "12", "--samples", "2")
    plan = as_json(voirdire("plan", *common, "--rate", "2/s", "--json"))
    assert voirdire("audit", *common, "--out", "r").code == 0
    audit = json.loads(Path("r/audit.json").read_text())
    assert plan["schema"] == "voirdire.plan/1"
    assert plan["planned"] == plan["asked"] == audit["calls"]["made"]
    assert plan["shared"] + sum(p["calls"] for p in plan["probes"]) == plan["planned"]
    assert plan["seconds"] == plan["asked"] / 2
    assert {p["probe"]: p["cases"] for p in plan["probes"]} == {f["probe"]: f["n"] for f in audit["findings"]}
    assert plan["tests"] == 6
    assert plan["cost_usd"] == 0
    assert plan["tokens"]["total"] == plan["tokens"]["input"] + plan["tokens"]["output"]
    for row in plan["probes"]:
        assert 0 <= row["clean_holds"] <= 1
        assert row["relation"] != "RETEST" or row["smallest_effect"] is None
    assert [n["samples"] for n in plan["needed"]] == [2, 3]


def test_an_unknown_price_stays_unknown(voirdire, no_network) -> None:
    for spec in ("openai:gpt-9", "python:judge_of_nobody.py:judge"):
        Path("judge_of_nobody.py").write_text("def judge(case):\n    raise AssertionError('asked')\n")
        arguments = ("plan", "--judge", spec, "--task", "pairwise", "--suite", "demo", "--limit", "2")
        data = as_json(voirdire(*arguments, "--json"))
        assert data["price"] is None
        assert data["cost_usd"] is None
        text = voirdire(*arguments).out
        assert "price unknown" in text
        assert "$0" not in text


def test_a_price_file_prices_any_judge(voirdire, no_network) -> None:
    Path("p.toml").write_text('as_of = "2027-01"\n[[price]]\nmodels = ["gpt-9"]\ninput = 4\noutput = 10\n')
    data = as_json(voirdire("plan", "-j", "openai:gpt-9", "-s", "demo", "-n", "2", "--prices", "p.toml", "--json"))
    assert data["cost_usd"] == pytest.approx((data["tokens"]["input"] * 4 + data["tokens"]["output"] * 10) / 1e6)
    assert data["price"]["as_of"] == "2027-01"


def test_noise_and_accuracy_are_assumptions_one_may_change(voirdire) -> None:
    def least(*options: str) -> float:
        arguments = ("plan", "-j", "mock:noisy", "-s", "quick", "-p", "authority.book", *options, "--json")
        effect = as_json(voirdire(*arguments))["probes"][0]["smallest_effect"]
        assert isinstance(effect, float)
        return effect

    assert least("--accuracy", ".99") < least("--noise", ".1") < least() == least("--accuracy", ".85")
    assert least("--samples", "4") < least()


def test_no_noise_means_that_samples_do_not_help(voirdire) -> None:
    out = voirdire("plan", "-j", "mock:noisy", "-s", "quick", "-n", "20", "--noise", "0").out
    assert "no noise between repeats" in out
    assert "more samples do not help" in " ".join(out.split())


@pytest.mark.parametrize(("task", "missing"), [("score", "order.swap"), ("grade", "degradation.truncation")])
def test_other_tasks(voirdire, task: str, missing: str) -> None:
    data = as_json(voirdire("plan", "-j", "mock:noisy", "--task", task, "-s", "quick", "-n", "20", "--json"))
    rows = {row["probe"]: row for row in data["probes"]}
    assert rows[missing]["cases"] == 0
    assert rows[missing]["reason"]
    assert rows[missing]["clean_holds"] is None
    assert rows["stability.retest"]["clean_holds"] > 0.5
    assert (data["accuracy"] is None) == (task == "score")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--judge", "opnai:gpt"], ["'openai'"]),
        (["--cases", "missing.jsonl"], ["missing.jsonl"]),
        (["--suite", "quik"], ["'quick'"]),
        (["--probes", "authority.bok"], ["'authority.book'"]),
        (["--samples", "0"], ["--samples 0"]),
        (["--limit", "0"], ["--limit 0"]),
        (["--task", "pairwize"], ["'pairwise'"]),
        (["--scale", "3"], ["--scale '3'"]),
        (["--param", "x"], ["k=v"]),
        (["--tolerance", "2"], ["--tolerance 2"]),
        (["--alpha", "0"], ["--alpha 0"]),
        (["--accuracy", ".3"], ["--accuracy 0.3", "[.5, 1]"]),
        (["--accuracy", "85"], ["--accuracy 85"]),
        (["--noise", ".7"], ["--noise 0.7", "[0, .5]"]),
        (["--noise", ".4", "--accuracy", ".9"], ["cannot both be true", "0.72"]),
        (["--task", "score", "--accuracy", ".9"], ["--accuracy", "--noise"]),
        (["--rate", "fast"], ["--rate 'fast'", "600/min"]),
        (["--rate", "0"], ["--rate '0'"]),
        (["--prices", "none.toml"], ["none.toml"]),
        (["--no-such-option"], ["--no-such-option"]),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) and x and x[0].startswith("--") else None,
)
def test_bad_input(voirdire, arguments: list[str], words: list[str]) -> None:
    judge = [] if "--judge" in arguments else ["--judge", "mock:noisy"]
    ran = voirdire("plan", *judge, *arguments)
    assert ran.code == 2
    for word in words:
        assert word in ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.all


@pytest.mark.parametrize(
    "arguments",
    [
        ["--limit", "1"],
        ["--tolerance", "0"],
        ["--tolerance", ".95"],
        ["--noise", ".5"],
        ["--accuracy", "1"],
        ["--samples", "20", "--limit", "5"],
        ["--strict", "--limit", "8"],
        ["--probes", "stability.retest"],
        ["--task", "grade", "--probes", "degradation.truncation"],
    ],
    ids=" ".join,
)
def test_extremes_still_give_a_page(voirdire, arguments: list[str]) -> None:
    ran = voirdire("plan", "--judge", "mock:noisy", "--suite", "demo", *arguments)
    assert ran.code == 0, ran.err
    assert "\nadvice" in ran.out
    assert "nan" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


# ----------------------------------------------------------------------------------------------- a deterministic judge


@dataclass(frozen=True)
class OneToken:
    """A model like the local ones: one token, the same every time."""

    name: str = "local:tiny"
    paid: bool = False
    concurrency: int | None = 1
    deterministic: bool = True
    first_token_only: bool = True

    @property
    def identity(self) -> Mapping[str, object]:
        return {"provider": "local"}

    async def complete(self, messages: list[Message], *, sample: int) -> Reply:
        raise AssertionError("asked")

    async def aclose(self) -> None:
        return None


def test_repeats_of_a_deterministic_judge_are_not_counted_as_asked() -> None:
    judge = PromptedJudge(OneToken(), default_protocol("pairwise", Scale(), one_token=True))
    prepared = prepare("pairwise", Scale(), AuditRequest(suite="quick", limit=10, samples=3))
    result = forecast(judge, prepared, NoiseModel.deterministic(), load_prices(), calls_per_second=1.0)
    contents = {call.content for call in prepared.plan.calls}
    assert result.asked == len(contents) < result.planned
    assert result.shared + sum(p.calls for p in result.probes) == result.asked == result.seconds
    assert result.tokens.per_reply == 1
    assert result.tokens.output == result.asked
    assert result.cost_usd == 0
    assert len(result.needed) == 1  # with more samples nothing would change
    page = plan_text(result, version="0")
    assert f"{result.asked:,} of the {result.planned:,} planned" in page
    assert json.loads(json.dumps(document(result)))["deterministic"] is True


# ------------------------------------------------------------------------------------------------------------- the page

PROBES = (
    ProbeForecast("stability.retest", Relation.RETEST, 0, 200, None, 0.9999),
    ProbeForecast("order.swap", Relation.EQUIVARIANT, 0, 200, 0.2134, 0.871),
    ProbeForecast("authority.book", Relation.NO_GAIN, 1600, 200, 0.2261, 0.992),
    ProbeForecast("degradation.number", Relation.MUST_DROP, 380, 95, -0.214, 1.0),
    ProbeForecast("layout.table", Relation.INVARIANT, 0, 0, reason="the answer holds no table"),
)
NOISY = Forecast(
    judge="openai:gpt-5-mini",
    suite="standard",
    task="pairwise",
    cases=200,
    built_in=False,
    samples=1,
    alpha=0.05,
    tolerance=0.10,
    tests=16,
    planned=3180,
    asked=3180,
    most_asked=3180,
    shared=1200,
    tokens=Tokens(1_734_567, 3_180_000, 1000),
    price=Price(0.25, 2.0, "list prices", "2026-11", "an estimate: check your provider"),
    cost_usd=6.79,
    most_cost_usd=6.79,
    members=(),
    a_verdict=1,
    calls_per_second=10.0,
    seconds=318.0,
    deterministic=False,
    accuracy=0.85,
    flip_rate=0.255,
    sensitivity=0.0,
    power=0.8,
    effect=0.2,
    probes=PROBES,
    clean_passes_all=0.86,
    needed=(Needed(1, 121, 316), Needed(3, 64, 233)),
)
FIRM = replace(
    NOISY,
    judge="local:smollm2",
    built_in=True,
    asked=1590,
    tokens=Tokens(734_567, 1590, 1),
    price=Price(0.0, 0.0, "no provider is asked"),
    cost_usd=0.0,
    most_cost_usd=0.0,
    calls_per_second=None,
    seconds=None,
    deterministic=True,
    flip_rate=0.0,
    sensitivity=0.02,
    clean_passes_all=0.001,
    needed=(Needed(1, 117, 188),),
)
WEAK, STRONG = Price(0.25, 2.0, "list prices", "2026-11"), Price(2.5, 10.0, "list prices", "2026-11")
TORN = replace(
    NOISY,
    judge="escalate(openai:gpt-5-mini, openai:gpt-4o; above=0.9, k=3)",
    asked=9540,
    most_asked=12720,
    tokens=Tokens(5_200_000, 9_540_000, 1000),
    price=None,
    cost_usd=20.4,
    most_cost_usd=29.5,
    members=(
        MemberCost(
            "openai:gpt-5-mini",
            9540,
            9540,
            Tokens(5_200_000, 9_540_000, 1000),
            Tokens(5_200_000, 9_540_000, 1000),
            WEAK,
        ),
        MemberCost("openai:gpt-4o", 0, 3180, Tokens(0, 0, 150), Tokens(1_734_567, 477_000, 150), STRONG),
        MemberCost("python:" + "x" * 60, 5, 5, Tokens(900, 100, 150), Tokens(900, 100, 150), None),
    ),
    a_verdict=7,
)
PAGES = {
    "wrapped": TORN,
    "noisy": replace(NOISY, cases=240),
    "deterministic": replace(FIRM, cases=136),
    "enough": replace(NOISY, cases=400, cost_usd=1234.5, most_cost_usd=1234.5),
    "unpriced_score": replace(
        NOISY, judge="python:mine:judge", task="score", price=None, cost_usd=None, accuracy=None, flip_rate=0.11
    ),
    "hopeless": replace(
        NOISY, tolerance=0.01, needed=(Needed(1, None, 40, "order.swap"), Needed(3, 9001, 40)), clean_passes_all=None
    ),
    "nothing_applies": replace(NOISY, probes=PROBES[-1:], needed=(), clean_passes_all=None),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page(name: str) -> None:
    page = plan_text(PAGES[name], version="0.1.0")
    assert max(map(len, page.splitlines())) <= 80
    path = EXPECTED / f"plan_{name}.txt"
    if os.environ.get("VOIRDIRE_UPDATE_EXPECTED"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(page, encoding="utf-8", newline="\n")
    assert page == path.read_text(encoding="utf-8")


def test_names_of_others_cannot_act_on_the_terminal() -> None:
    page = plan_text(
        replace(
            NOISY, judge="python:\x1b[2Jx\u202e.py:j", suite="a\nb\x1b", probes=(replace(PROBES[1], probe="x\x07"),)
        ),
        version="0",
    )
    assert not any(c in page for c in "\x1b\u202e\x07")
    assert "a b" in page
