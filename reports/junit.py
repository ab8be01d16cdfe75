"""`junit.xml`: a probe a test case, for the CI servers that read JUnit's format.

The file fits the schema that Jenkins' xUnit plugin enforces (junit-10.xsd), which the readers of Jenkins, GitLab and
Azure all accept. It allows properties on the suite only, so a number stands there as "authority.book.effect". Names
and case ids may be attackers' text: all of it passes `inert`, so that neither the XML nor a log that prints it nor a
bot that pastes it into a comment can be made to act.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from voirdire.harness.findings import Audit, Finding
from voirdire.reports.ci import (
    DISCRIMINATION,
    State,
    discrimination_message,
    discrimination_state,
    message,
    numbers,
    opening,
    state,
)
from voirdire.reports.formatting import known
from voirdire.reports.inert import inert

__all__ = ["junit"]

#: characters of one message; the numbers follow in the element's text
MESSAGE_LIMIT = 1000
#: characters of one line of numbers: a probe may have many counter-examples
LINE_LIMIT = 400

#: the element that says so, and the word in front of its message where the tag alone would not tell
_ELEMENT: dict[State, tuple[str, str]] = {
    "regressed": ("failure", ""),
    "violated": ("failure", ""),
    "unreachable": ("error", ""),
    "open": ("skipped", "inconclusive: "),
    "known": ("skipped", "violated, as in the baseline: "),
    "not_worse": ("skipped", "inconclusive: "),
    "not_applicable": ("skipped", "not applicable: "),
}
_TEXTS = ("decision", "reason", "regression", "regression_reason", "estimand")
_NUMBERS = (
    *(
        "effect",
        "low",
        "high",
        "level",
        "tolerance",
        "min_drop",
        "p",
        "p_adjusted",
        "n",
        "samples",
        "more_cases_needed",
    ),
    *("flip_rate", "retest_flip_rate", "neutral_flip_rate", "sham_effect"),
    *("baseline_effect", "change", "change_low", "change_high", "margin"),
)


def junit(audit: Audit) -> str:
    """The JUnit document of `audit`, to be stored as UTF-8; the same audit gives the same text.

    Regressed and violated probes are failures. Inconclusive ones, those that do not apply and those that were violated
    in the baseline already are skipped and say why, and how many more cases would decide. A probe that could not be
    asked about is an error. Two more test cases keep the colour of a build honest: "discrimination", since a judge that
    holds every probe but cannot tell good from bad must not look green, and "audit" where the run itself failed and no
    probe says so.
    """
    suite = ElementTree.Element("testsuite", name=inert(f"voirdire {audit.judge_name}", LINE_LIMIT))
    _properties(suite, audit)
    for finding in audit.findings.values():
        test = _test(suite, finding.family, finding.probe)
        _outcome(test, state(finding, audit), message(finding, audit), numbers(finding))
    discrimination = discrimination_state(audit)
    if discrimination != "not_applicable":
        _outcome(_test(suite, "judge", DISCRIMINATION), discrimination, discrimination_message(audit))
    if audit.verdict == "error" and suite.find("testcase/error") is None:
        _outcome(_test(suite, "judge", "audit"), "unreachable", " ".join(opening(audit).sentences))
    _totals(suite, audit)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _properties(suite: ElementTree.Element, audit: Audit) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    run = {
        "verdict": audit.verdict,
        "judge": audit.judge_spec,
        "fingerprint": audit.fingerprint,
        "suite": audit.suite,
        "cases": str(audit.cases_n),
        "seed": str(audit.seed),
    }
    for name, text in run.items():
        _property(properties, name, text)
    for finding in audit.findings.values():
        for name, text in _values(finding):
            _property(properties, f"{finding.probe}.{name}", text)


def _values(finding: Finding) -> list[tuple[str, str]]:
    texts = [(name, getattr(finding, name)) for name in _TEXTS]
    figures = [(name, getattr(finding, name)) for name in _NUMBERS]
    return [(n, str(v)) for n, v in texts if v] + [(n, str(v)) for n, v in figures if known(v)]


def _property(properties: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(properties, "property", name=inert(name, LINE_LIMIT), value=inert(text, LINE_LIMIT))


def _test(suite: ElementTree.Element, family: str, name: str) -> ElementTree.Element:
    # the dot makes "voirdire" the package under which Jenkins groups: a user's own tests may have a class "order"
    classname = inert(f"voirdire.{family}", LINE_LIMIT)
    return ElementTree.SubElement(suite, "testcase", classname=classname, name=inert(name, LINE_LIMIT))


def _outcome(test: ElementTree.Element, what: State, text: str, figures: Sequence[tuple[str, str]] = ()) -> None:
    """The element that says how `test` ended; a test that holds has none."""
    if what not in _ELEMENT:
        return
    tag, prefix = _ELEMENT[what]
    said = inert(prefix + text, MESSAGE_LIMIT)
    # the message twice: some servers show the attribute, some the element's text
    lines = [said, *(inert(f"{name}: {value}", LINE_LIMIT) for name, value in figures)]
    element = ElementTree.SubElement(test, tag, type=what, message=said)
    element.text = "\n" + "\n".join(lines) + "\n"


def _totals(suite: ElementTree.Element, audit: Audit) -> None:
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(test.find(tag) is not None for test in tests)))
    if known(audit.calls.seconds):
        suite.set("time", f"{max(0.0, audit.calls.seconds):.3f}")
    # without its zone, as JUnit writes it (UTC is understood)
    moment = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", audit.created)
    if moment:
        suite.set("timestamp", moment.group())
