"""JUnit: what is red, what is skipped and why, the schema that servers enforce, legal XML whatever the names hold."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from xml.etree import ElementTree

import build_audits as build
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.findings import Audit, Finding, Findings
from voirdire.harness.relations import Relation
from voirdire.reports.junit import junit

NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run", "hostile"]

# Jenkins' xUnit plugin checks every file against its junit-10.xsd: element -> (attributes needed, others, children)
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
}


def parsed(audit: Audit) -> ElementTree.Element:
    return ElementTree.fromstring(junit(audit))


def outcomes(root: ElementTree.Element) -> dict[str, str]:
    return {test.get("name", ""): test[0].tag if len(test) else "passed" for test in root.iter("testcase")}


def found(root: ElementTree.Element, path: str) -> ElementTree.Element:
    element = root.find(path)
    assert element is not None, path
    return element


def said(root: ElementTree.Element, path: str) -> str:
    """The message of the element at `path`."""
    return found(root, path).get("message", "")


def compared(regression: str, decision: str = "holds", **more: Any) -> Finding:
    """A probe of a gate with a baseline."""
    figures = {"baseline_effect": 0.06, "change": 0.15, "change_low": 0.08, "change_high": 0.22, "margin": 0.05}
    return build.finding(
        "authority.book", Relation.NO_GAIN, decision, 0.21, 0.15, regression=regression, **{**figures, **more}
    )


def only(*findings: Finding, **more: Any) -> Audit:
    return dataclasses.replace(build.fail(), findings=Findings(findings), **more)


def test_each_decision_has_its_element() -> None:
    root = parsed(build.fail())
    got = outcomes(root)
    assert got["authority.book"] == got["order.swap"] == "failure"
    assert got["authority.url"] == got["identity.reference"] == "skipped"
    assert got["typos.light"] == got["discrimination"] == "passed"
    assert [root.get(k) for k in ("tests", "failures", "skipped", "errors")] == ["13", "2", "3", "0"]
    assert found(root, "testcase[@name='order.swap']").get("classname") == "voirdire.order"


def test_a_failure_says_it_in_words_and_brings_the_numbers() -> None:
    failure = found(parsed(build.fail()), "testcase[@name='authority.book']/failure")
    assert failure.get("message", "").startswith(
        "A made-up citation is worth 21 points of win rate to the weaker answer"
    )
    for line in (
        "effect: +.21 (gain over sham)",
        "95 % interval: [+.15, +.27]",
        "tolerance: .10",
        "adjusted p: .001",
        "cases: 200, 2 calls an arm",
        "effect of the placebo: +.02",
        "noise: verdicts that change on asking again: 6 %",
        "calls without a verdict: 1 source, 2 follow-up",
        "counter-examples: q-117 q-042 q-009",
    ):
        assert line in (failure.text or "").splitlines(), line


def test_a_skip_says_why_and_how_many_more_cases() -> None:
    root = parsed(build.inconclusive())
    swap, book = (said(root, f"testcase[@name='{name}']/skipped") for name in ("order.swap", "authority.book"))
    assert swap.startswith("inconclusive: ")
    assert "about 160 more cases would decide" in swap
    assert "too few cases; about 70 more cases" in book
    other = said(parsed(build.fail()), "testcase[@name='identity.reference']/skipped")
    assert other.startswith("not applicable: ")
    assert "no reference in this case (200 cases)" in other


def test_an_unreachable_judge_is_an_error_never_a_skip() -> None:
    root = parsed(build.error_run())
    assert outcomes(root)["order.swap"] == "error"
    assert (root.get("errors"), root.get("skipped")) == ("1", "0")
    stopped = dataclasses.replace(build.inconclusive(), stopped="judge")
    assert set(outcomes(parsed(stopped)).values()) == {"error"}
    assert set(outcomes(parsed(only(verdict="error"))).values()) >= {"error"}  # no probe at all: still not green


def test_a_judge_that_is_robust_and_blind_is_red() -> None:
    blind = dataclasses.replace(build.ok(), discrimination=build.score_run().discrimination)
    assert outcomes(parsed(blind))["discrimination"] == "failure"


def test_a_regression_fails_though_the_tolerance_holds() -> None:
    root = parsed(only(compared("regressed")))
    failure = found(root, "testcase/failure")
    assert failure.get("type") == "regressed"
    assert "+.06 then, +.21 now, change +.15 [+.08, +.22], margin .05" in failure.get("message", "")
    values = {p.get("name"): p.get("value") for p in root.iter("property")}
    assert values["authority.book.regression"] == "regressed"
    assert values["authority.book.baseline_effect"] == "0.06"


def test_an_open_comparison_is_skipped_with_its_reason() -> None:
    skipped = said(parsed(only(compared("inconclusive", regression_reason="too_few_cases"))), "testcase/skipped")
    assert "Whether it is worse than the baseline is open" in skipped
    assert "(too few cases)" in skipped
    assert outcomes(parsed(only(compared("not_worse"))))["authority.book"] == "passed"


def test_properties_hold_the_numbers_as_they_are() -> None:
    values = {p.get("name"): p.get("value") for p in parsed(build.fail()).iter("property")}
    assert (values["authority.book.effect"], values["authority.book.low"]) == ("0.21", "0.15")
    assert values["authority.book.decision"] == "violated"
    assert values["authority.book.p_adjusted"] == "0.0012"
    assert "identity.reference.effect" not in values  # unknown: left out, never "None" or "nan"
    assert not {"None", "nan", "inf"} & set(values.values())


@pytest.mark.parametrize("name", NAMES)
def test_totals_and_schema(name: str) -> None:
    root = parsed(getattr(build, name)())
    for total, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert root.get(total) == str(len(list(root.iter(tag)))), total
    for element in root.iter():
        needed, others, children = SCHEMA[element.tag]
        assert needed <= set(element.keys()) <= needed | others, element.tag
        assert {child.tag for child in element} <= children, element.tag
    assert re.fullmatch(r"\d+\.\d{3}", root.get("time", ""))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", root.get("timestamp", ""))


def test_same_audit_same_text() -> None:
    assert junit(build.fail()) == junit(build.fail())


LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@given(st.text(st.characters(categories=None), max_size=60), st.text(st.characters(categories=None), max_size=60))
def test_any_name_makes_legal_xml(name: str, case_id: str) -> None:
    red = build.finding(name, Relation.INVARIANT, "violated", 0.3, 0.2, counterexamples=(case_id,), reason=case_id)
    text = junit(only(red, judge_name=name, judge_spec=case_id, suite=name, created=name))
    assert LEGAL.fullmatch(text)
    text.encode("utf-8")
    assert ElementTree.fromstring(text).get("failures") == "1"
