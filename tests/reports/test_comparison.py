"""What `voirdire compare` prints: 80 columns whatever the names, a sentence that is computed, a published schema."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest

from voirdire.harness.costs import Cost, MemberCost
from voirdire.harness.findings import Audit, Calls, Discrimination, Findings, Noise
from voirdire.harness.prices import Price, Tokens
from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun
from voirdire.harness.statistics.trade import Change, Trade
from voirdire.harness.verdicts import Scale
from voirdire.reports.comparison import Comparison, comparison_markdown, comparison_text
from voirdire.reports.comparison_schema import committed_schema, document_text, schema_text

NASTY = "python:\x1b[2J\u202e<img src=x>|@team ::error::[a](http://x.y)" + "z" * 90


def change(family: str, before: float, after: float, reach: float, p: float) -> Change:
    value = after - before
    return Change(family, "gain", 2, before, after, value, value - reach, value + reach, p, 100, p)


def accuracy(value: float, reach: float) -> Difference:
    return Difference(value, value - reach, value + reach, 0.4, True, 100, 0.8)


def cost(calls: int, most: int, usd: float | None, members: int = 1) -> Cost:
    price = None if usd is None else Price(usd, 0.0, "list prices")
    few, many = Tokens(calls * 500, calls * 150, 150), Tokens(most * 500, most * 150, 150)
    each = [MemberCost(f"openai:m{i}", calls, most, few, many, price) for i in range(members)]
    return Cost(calls, members, tuple(each))


def comparison(
    *families: Change, gained: Difference | None = None, later: str = "neutralise(openai:m)", costs: bool = True
) -> Comparison:
    runs = [StoredRun("A", "a", asks=1), StoredRun("B", later, asks=1)]
    lines = [
        Line("injection.plea", (0.3, 0.0), (None, accuracy(-0.3, 0.1))),
        Line(ACCURACY, (0.8, 0.8), (None, gained)),
    ]
    trade = Trade(1, families, gained, changed=0.02, changed_low=-0.01, changed_high=0.05, changed_n=100)
    return Comparison(runs, lines, [trade], [cost(100, 100, 1.0), cost(100, 150, 1.0)] if costs else [None, None])


GOOD = change("injection", 0.31, 0.02, 0.09, 0.001)
FLAT = change("authority", 0.12, 0.1, 0.08, 0.9)
WORSE = change("order", 0.1, 0.3, 0.08, 0.001)
FINE = accuracy(-0.01, 0.02)


@pytest.mark.parametrize(
    ("c", "says"),
    [
        (comparison(GOOD, FLAT, gained=FINE), "B pays: at least .20 less bias in injection, for at most .03 of"),
        (comparison(GOOD, gained=accuracy(-0.2, 0.1)), "less bias in injection, but perhaps .30 of accuracy lost."),
        (comparison(GOOD, WORSE, gained=FINE), "to pay: at least .20 less bias in injection, but more in order."),
        (comparison(FLAT, gained=FINE), "B is not shown to pay: no family is shown to have less bias."),
        (comparison(FLAT, gained=accuracy(0.1, 0.05)), "though it is right more often (+.10)."),
        (comparison(GOOD), "Whether B pays cannot be said: at least .20 less bias in injection, but no labels tell"),
    ],
)  # fmt: skip
def test_each_run_is_told_why_it_pays_or_not(c: Comparison, says: str) -> None:
    text = " ".join(comparison_text(c).split())
    assert says in text
    assert ("Which pays: B." in text) == ("B pays:" in says)
    assert json.loads(document_text(c))["best"] == ("B" if "B pays:" in says else None)


def test_the_sentence_is_of_the_figures() -> None:
    text = " ".join(comparison_text(comparison(GOOD, FLAT, gained=FINE)).split())
    assert (
        "Which pays: B. In injection +.31 becomes +.02 (change -.29 [-.38, -.20]); accuracy changes by -.01 "
        "[-.03, +.01], at 1 call a verdict and $0.05 to $0.07 for this audit." in text
    )
    assert "verdicts changed on clean text 2 % [0, 5] beyond noise" in text


def test_without_families_nothing_is_said_of_paying() -> None:
    text = comparison_text(comparison(gained=FINE, costs=False))
    assert "pays" not in text
    assert "asked alone" not in text


def test_what_was_paid_is_told_where_the_answers_tell(audit_that_cost: Audit) -> None:
    c = comparison(GOOD, gained=FINE)
    paid = [replace(c.runs[0], audit=audit_that_cost), c.runs[1]]
    c = Comparison(paid, c.lines, c.trades, c.costs)
    assert " paid: A $1.25 (an answer that several judges share is paid once)" in comparison_text(c).splitlines()
    assert "paid: A $1.25" in comparison_markdown(c).replace("&#36;", "$")
    assert json.loads(document_text(c))["runs"][0]["paid"] == {"tokens": 900, "cost_usd": 1.25}
    assert "paid:" not in comparison_text(comparison(GOOD, gained=FINE))


@pytest.fixture
def audit_that_cost() -> Audit:
    return Audit(
        "j", "openai:m", "f", "pairwise", Scale(), None, "t", "h", 1, 1, "h", "p", 0, 0.05, 1, "2026-01-01T00:00:00Z",
        Findings([]), Noise(), Discrimination(), Calls(tokens=900, cost_usd=1.25), "pass",
    )  # fmt: skip


def test_a_judge_is_named_once_and_in_full(audit_that_cost: Audit) -> None:
    """A spec that was audited for the comparison is its own path; a folder stands behind the judge it holds."""
    long = "jury(openai:gpt-5-mini, anthropic:claude-haiku-4-5, gemini:gemini-2.5-flash; rule=vote)"
    stored = replace(audit_that_cost, judge_spec="mock:noisy", created="2026-11-29T00:00:00Z")
    runs = [StoredRun("A", "runs/a", stored), StoredRun("B", long, replace(stored, judge_spec=long))]
    text = comparison_text(replace(comparison(GOOD), runs=runs))
    first, *second = text.partition(" probe ")[0].splitlines()
    assert first == " A  2026-11-29  mock:noisy  runs/a"
    assert " ".join(" ".join(second).split()) == f"B 2026-11-29 {long}"
    assert max(map(len, text.splitlines())) <= 80


def test_names_of_others_fit_and_cannot_act() -> None:
    c = comparison(change(NASTY, 0.3, 0.0, 0.1, 0.001), gained=FINE, later=NASTY)
    c = Comparison(c.runs, [Line(NASTY, (0.3, 0.0), (None, FINE)), *c.lines], c.trades, [None, cost(5, 9, None, 3)])
    text = comparison_text(c)
    assert max(map(len, text.splitlines())) <= 80
    assert not any(x in text for x in "\x1b\u202e")
    assert "::error" not in text
    page = comparison_markdown(c)
    assert not any(x in page for x in ("\x1b", "\u202e", "<img", "](http", "@team", "::error"))
    columns = {line.count(" | ") for line in page.splitlines() if line.startswith("| ") and "openai" in line}
    assert len(columns) == 1


def test_the_object_is_of_the_published_schema() -> None:
    for c in (comparison(GOOD, FLAT, gained=FINE), comparison(costs=False), comparison(FLAT, later=NASTY)):
        data = json.loads(document_text(c))
        jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)
        assert [run["label"] for run in data["runs"]] == ["A", "B"]
        assert data["trades"][0]["clean"] == {"changed": 0.02, "low": -0.01, "high": 0.05, "n": 100}
    jsonschema.Draft202012Validator.check_schema(committed_schema())
    broken = {**json.loads(document_text(comparison(GOOD))), "trades": [{}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, committed_schema())


def test_flips_are_named_where_they_are_shown() -> None:
    c = comparison(GOOD, gained=FINE)
    flips = replace(
        FINE, contrast="flips beyond repeats", before=0.1, after=0.2, p_size=0.01, p_size_adjusted=0.02, grew=True
    )
    c = replace(c, lines=[Line("typos.swap", (0.1, 0.2), (None, flips)), *c.lines])
    text = " ".join(comparison_text(c).split())
    assert "Of typos.swap flips are shown, not the signed effect." in text
    assert "B at 1 call a verdict: worse in typos.swap" in text
    told = json.loads(document_text(c))
    assert told["lines"][0]["differences"][1]["contrast"] == "flips beyond repeats"
    assert told["trades"][0]["worse"] == ["typos.swap"]
    assert "flips are shown" not in comparison_text(comparison(GOOD, gained=FINE))


def test_the_committed_schema_is_the_generated_one() -> None:
    assert committed_schema() == json.loads(schema_text())
