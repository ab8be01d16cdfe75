"""`findings.csv` for spreadsheets and `junit.xml` for CI servers.

Both hold only names, numbers and our own sentences; no judged text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from xml.etree import ElementTree

from voirdire.harness.findings import Audit, Finding
from voirdire.reports.formatting import known
from voirdire.reports.text import visible
from voirdire.reports.words import discrimination_sentence, finding_sentence, headline

__all__ = ["csv_text", "junit_text"]

#: a spreadsheet runs a cell that starts with one of these as a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_TEXT = ("probe", "family", "relation", "decision", "reason", "estimand", "target", "summary", "source")
_NUMBERS = (
    *("effect", "low", "high", "level", "tolerance", "min_drop", "p", "p_adjusted", "dose", "samples", "n"),
    *("errors", "not_applicable", "flip_rate", "retest_flip_rate", "neutral_flip_rate"),
    *("source_effect", "sham_effect", "more_cases_needed", "smallest_detectable"),
    *("baseline_effect", "change", "change_low", "change_high", "margin"),
)


def csv_text(audit: Audit) -> str:
    """One row a finding; unknown numbers are empty; text that a spreadsheet would run gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    nulls = ("source", "follow_up", "sham")
    writer.writerow([*_TEXT, *_NUMBERS, *(f"nulls_{arm}" for arm in nulls), "metrics", "chance", "counterexamples"])
    for finding in audit.findings.values():
        writer.writerow(
            [
                *(_cell(getattr(finding, name)) for name in _TEXT),
                *(_number(getattr(finding, name)) for name in _NUMBERS),
                *(finding.nulls.get(arm, 0) for arm in nulls),
                _cell(_named(finding.metrics)),
                _cell(_named(finding.chance)),
                _cell(" ".join(finding.counterexamples)),
            ]
        )
    return out.getvalue()


def _named(numbers: Mapping[str, float | None]) -> str:
    return json.dumps({k: v if known(v) else None for k, v in sorted(numbers.items())}, allow_nan=False)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return ("'" if text.startswith(_FORMULA) else "") + visible(text)


def _number(value: float | int | None) -> str:
    return str(value) if known(value) else ""


def junit_text(audit: Audit) -> str:
    """One test case a probe: violated is a failure, inconclusive and not applicable are skipped with their reason.

    Two more keep the colour of the build honest: "discrimination", since a judge that holds every probe but cannot
    tell good from bad must not look green, and "audit" where the run itself failed.
    """
    suite = ElementTree.Element("testsuite", name=visible(f"voirdire {audit.judge_name}"))
    for finding in audit.findings.values():
        _test(suite, finding.family, finding.probe, finding.decision, finding_sentence(finding, audit), finding)
    discrimination = audit.discrimination
    if discrimination.decision != "not_applicable":
        _test(suite, "judge", "discrimination", discrimination.decision, discrimination_sentence(audit))
    if audit.verdict == "error":
        test = ElementTree.SubElement(suite, "testcase", classname="voirdire.judge", name="audit")
        ElementTree.SubElement(test, "error", message=visible(headline(audit)))
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(test.find(tag) is not None for test in tests)))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _test(
    suite: ElementTree.Element, family: str, name: str, decision: str, sentence: str, finding: Finding | None = None
) -> None:
    test = ElementTree.SubElement(suite, "testcase", classname=visible(f"voirdire.{family}"), name=visible(name))
    if finding is not None:
        properties = ElementTree.SubElement(test, "properties")
        for key in ("effect", "low", "high", "tolerance", "min_drop", "p_adjusted", "n"):
            value = getattr(finding, key)
            if known(value):
                ElementTree.SubElement(properties, "property", name=key, value=str(value))
    if decision == "violated":
        ElementTree.SubElement(test, "failure", message=visible(sentence))
    elif decision in ("inconclusive", "not_applicable"):
        ElementTree.SubElement(test, "skipped", message=visible(f"{decision.replace('_', ' ')}: {sentence}"))
