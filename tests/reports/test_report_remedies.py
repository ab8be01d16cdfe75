"""What is recommended was measured, here or in a stored run; all else says how to measure it and what that costs."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import build_audits as build
import pytest

from voirdire.cli import run
from voirdire.harness.findings import Audit, Discrimination
from voirdire.harness.statistics.remedies import remedies
from voirdire.harness.statistics.side_by_side import StoredRun
from voirdire.reports.remedies import averaging, price, recommended, to_measure
from voirdire.reports.words import advice
from voirdire.reports.write import read, write

RECOMMENDED = "Recommended, since measured"


def swapped(gain: float | None, low: float | None, high: float | None) -> Audit:
    dial = Discrimination(0.8, 0.75, 0.85, 200, 0.6, "holds", "accuracy", 0.9, gain, low, high)
    return dataclasses.replace(build.fail(), discrimination=dial)


def remedied(**changes: Any) -> Audit:
    """The failing audit with one stored run that measured a remedy against its citations."""
    probe = {"probe": "authority.book", "before": 0.21, "after": 0.04, "change": -0.17, "low": -0.25, "high": -0.09,
             "paired": True, "better": True}  # fmt: skip
    right = {"change": 0.01, "low": -0.02, "high": 0.04, "paired": True}
    entry = {"judge": "sandwich(openai:gpt-5-mini)", "path": "after", "asks": 1, "accuracy": right, "probes": [probe]}
    for name, value in changes.items():
        (probe if name in probe else entry)[name] = value
    audit = build.fail()
    return dataclasses.replace(audit, metrics={**audit.metrics, "remedies": [entry]})


def surface(audit: Audit) -> str:
    return next(text for text in advice(audit) if text.startswith("Surface:"))


# ------------------------------------------------------------------------------------------------------ in this run


def test_averaging_is_worth_it_only_if_its_interval_says_so() -> None:
    assert averaging(swapped(0.1, 0.07, 0.13)).endswith("(+.10 [+.07, +.13], case by case), so it is worth its price.")
    assert "not shown to change accuracy" in averaging(swapped(0.02, -0.01, 0.05))
    assert "so it costs accuracy" in averaging(swapped(-0.05, -0.08, -0.02))
    assert "its interval is not known" in averaging(swapped(None, None, None))
    assert averaging(build.score_run()) == ""


# ------------------------------------------------------------------------------------------------------- stored runs


def test_a_measured_remedy_is_recommended_and_comes_first() -> None:
    first = advice(remedied())[0]
    assert first == (
        "Surface: Recommended, since measured: `sandwich(openai:gpt-5-mini)` takes authority.book from +.21 to +.04 "
        "(change -.17 [-.25, -.09], the same cases), for an accuracy of +.01 [-.02, +.04], at up to 1 call a verdict."
    )


def test_one_that_is_not_shown_to_help_is_not() -> None:
    told = surface(remedied(better=False, low=-0.25, high=0.02))
    assert RECOMMENDED not in told
    assert "Whether it helps is unknown until measured" in told
    assert told.endswith("Measured and not shown to help: `sandwich(openai:gpt-5-mini)`.")


def test_one_that_costs_accuracy_is_weighed_not_recommended() -> None:
    told = surface(remedied(accuracy={"change": -0.1, "low": -0.15, "high": -0.05, "paired": True}))
    assert RECOMMENDED not in told
    assert "it costs accuracy (-.10 [-.15, -.05])" in told
    assert "what it does to accuracy is not known" in surface(remedied(accuracy=None))


def test_without_a_run_nothing_is_recommended() -> None:
    for name in ("fail", "ok", "inconclusive", "error_run", "score_run", "hostile"):
        assert RECOMMENDED not in " ".join(advice(getattr(build, name)()))


def test_a_remedy_against_something_else_is_no_remedy() -> None:
    assert recommended(remedied(probe="order.swap"), [build.fail().findings["authority.book"]]) == ""


def test_names_of_stored_judges_are_text() -> None:
    told = surface(remedied(judge="x`<script>`\n::error::y\u202e"))
    assert told.count("`") == 2
    assert "\n" not in told
    assert "\u202e" not in told


def test_nonsense_among_the_metrics_is_passed_over() -> None:
    audit = build.fail()
    for nonsense in ("text", 3, {"a": 1}, [1, "x"], None):
        assert advice(dataclasses.replace(audit, metrics={"remedies": nonsense})) == advice(audit)


# ----------------------------------------------------------------------------------------------------- not measured


def test_what_measuring_costs_is_at_this_runs_price() -> None:
    audit = build.fail()
    assert price(audit) == "(up to 6,412 more calls, about $3.87)"
    assert price(dataclasses.replace(audit, calls=dataclasses.replace(audit.calls, cost_usd=None))) == (
        "(up to 6,412 more calls)"
    )
    told = to_measure(audit, "attack")
    assert "'neutralise(openai:gpt-5-mini)' 'delimit(openai:gpt-5-mini)'" in told
    assert told.endswith("(up to 12,824 more calls, about $7.74)")
    assert "--cases cases.jsonl" in told


def test_only_what_fits_the_judge_is_named() -> None:
    score = build.score_run()
    assert to_measure(score, "order") == ""
    assert to_measure(score, "stable") == ""  # a vote needs verdicts that can be counted
    assert to_measure(build.fail(), "surface", {"authority"}) == ""
    assert "strip_markup(" in to_measure(build.fail(), "surface", {"format"})


def test_commands_of_the_advice_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Every judge that an advice tells to compare can be made of the grammar, and the options exist."""
    from voirdire.harness.judges.grammar import is_wrapper, leaves

    told = " ".join(to_measure(build.fail(), topic, {"format"}) for topic in ("order", "attack", "surface", "stable"))
    specs = re.findall(r"'([^']*)'", told)
    assert len(specs) == 5
    assert all(is_wrapper(spec) and leaves(spec) == ["openai:gpt-5-mini"] for spec in specs)


# ------------------------------------------------------------------------------------------------------- end to end


def gate(judge: str, out: Path) -> None:
    options = ["--suite", "quick", "--limit", "100", "--cache", "none", "--quiet", "--samples", "1"]
    run(["gate", "--judge", judge, "--out", str(out), *options, "--probes", "order.swap", "--probes", "authority.book"])


def test_report_recommends_what_another_run_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    biased = "mock:noisy?accuracy=.9&first=.4"
    gate(biased, tmp_path / "before")
    gate(f"swap_average({biased})", tmp_path / "after")
    gate(f"{biased}&seed=7", tmp_path / "same")
    for other, helps in (("after", True), ("same", False)):
        arguments = ["report", str(tmp_path / "before"), "--with", str(tmp_path / other), "--out", str(tmp_path / "r")]
        assert run([*arguments, "--quiet", "--format", "md,html"]) == 0
        told = next(text for text in advice(read(tmp_path / "r")) if text.startswith("Order:"))
        assert (RECOMMENDED in told) is helps, told
        assert ("Measured and not shown to help" in told) is not helps
        # what was found lies in the run, so a later rendering says the same
        assert ("Recommended, since measured" in (tmp_path / "r" / "index.html").read_text("utf-8")) is helps


def test_a_judge_of_another_task_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(build.fail(), tmp_path / "a", ["json"])
    write(build.score_run(), tmp_path / "b", ["json"])
    assert run(["report", str(tmp_path / "a"), "--with", str(tmp_path / "b")]) == 2
    assert "is of a score judge" in capsys.readouterr().err


def test_runs_without_cases_in_common_are_compared_by_their_intervals() -> None:
    weaker = build.fail()
    found = dataclasses.replace(weaker.findings["authority.book"], effect=0.0, low=-0.05, high=0.05, decision="holds")
    other = dataclasses.replace(weaker, findings=type(weaker.findings)([found]))
    (entry,) = remedies(StoredRun("A", "a", build.fail()), [StoredRun("B", "b", other)])
    (probe,) = entry["probes"]
    assert (probe["probe"], probe["better"], probe["paired"]) == ("authority.book", True, False)
