"""GitHub's job summary and annotations: what they say, in which order, and that others' text in them is inert.

`assert_inert_log` and `assert_inert_markdown` state what "inert" means; JUnit and `inert` itself are held to it too.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import build_audits as build
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from voirdire.harness.findings import Audit, Finding, Findings
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Verdict
from voirdire.reports import github
from voirdire.reports.inert import inert
from voirdire.reports.junit import junit
from voirdire.reports.words import finding_sentence, headline

NAMES = ["fail", "ok", "inconclusive", "error_run", "score_run"]


# ------------------------------------------------------------------------------------------------- what inert means

#: controls, bidi overrides and isolates, zero-width characters, separators, tags, lone surrogates
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
#: what a log, a log viewer or a bot that pastes plain text somewhere would act on
ACTIVE = re.compile(
    r"##|@\w|[#!]\d|://|www\.|mailto:|!\[|\]\(|<[a-z/!?]|\bGH-\d",
    re.IGNORECASE,
)


def assert_inert_text(text: str) -> None:
    assert not HIDDEN.search(text), HIDDEN.search(text)
    assert not ACTIVE.search(text), ACTIVE.search(text)


def assert_inert_log(text: str, commands: tuple[str, ...] = ()) -> None:
    """Printed to a log, no line of `text` is a command but those of `commands`."""
    for line in re.split(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", text):
        # the runner trims what .NET calls white space, then looks for ::name::; ##[name] counts anywhere in the line
        if line.strip().startswith("::"):
            assert line.startswith(commands), line
        assert "##[" not in line
        assert "##vso[" not in line


def assert_inert_markdown(text: str) -> None:
    """Rendered as GitHub and GitLab do, `text` holds no markup but ours, and nothing they would link or notify."""
    assert_inert_log(text)
    assert not HIDDEN.search(text)
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    tags = set(re.findall(r"</?([a-z][a-z0-9]*)([^>]*)>", page))
    names = {name for name, _ in tags}
    ours = {"h3", "p", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "blockquote"}
    ours |= {"details", "summary", "pre", "code", "ins", "del", "i"}
    assert names <= ours, names - ours
    assert all(not attributes or attributes.startswith(' style="text-align') for _, attributes in tags), tags
    # what the forges look for stands in texts outside of code, after entities are gone
    outside = re.sub(r"<(pre|code)>.*?</\1>", "", page, flags=re.DOTALL)
    seen = html.unescape(re.sub(r"<[^>]*>", "", outside))
    assert not re.search(r"@\w|[#!]\d|://|www\.|mailto:|GH-\d", seen, re.IGNORECASE), seen


# --------------------------------------------------------------------------------------------------- what they say


def compared(probe: str, regression: str, decision: str = "holds", change: float = 0.15) -> Finding:
    effect, low = (0.21, 0.15) if decision == "violated" else (0.04, 0.0)
    return build.finding(
        probe, Relation.NO_GAIN, decision, effect, low, regression=regression, baseline_effect=effect - change,
        change=change, change_low=change - 0.07, change_high=change + 0.07, margin=0.05,
    )  # fmt: skip


def gate(*findings: Finding, state: str = "regressed", known: tuple[str, ...] = (), **more: Any) -> Audit:
    """An audit as a gate with a baseline leaves it."""
    red = [
        f.probe for f in findings if f.regression == "regressed" or (f.decision == "violated" and f.probe not in known)
    ]
    left = {
        "state": state, "exit_code": 1 if red else 0, "baseline": "2026-11-02T10:20:30Z", "alpha": 0.05, "run": None,
        "red": red, "known": list(known), "judge": ["prompt changed: 3f9c -> a71e"], "mismatches": [], **more,
    }  # fmt: skip
    return dataclasses.replace(build.fail(), findings=Findings(findings), metrics={"gate": left})


def violated(*probes: str, **more: Any) -> Audit:
    """An audit of nothing but violated probes."""
    found = [build.finding(probe, Relation.NO_GAIN, "violated", 0.2, 0.15, **more) for probe in probes]
    return dataclasses.replace(build.fail(), findings=Findings(found))


@pytest.mark.parametrize("name", NAMES)
def test_exact(name: str, expected: Callable[[str, str], None]) -> None:
    audit = getattr(build, name)()
    expected(f"github_{name}.md", github.summary(audit))
    expected(f"github_{name}.log", "\n".join(github.annotations(audit)) + "\n")


def test_gate_exact(expected: Callable[[str, str], None]) -> None:
    audit = gate(
        compared("tone.confident", "inconclusive", change=0.06),
        compared("authority.book", "regressed", "violated"),
        compared("verbosity.filler", "regressed", change=0.21),
        compared("typos.light", "not_worse", change=-0.08),
    )
    expected("github_gate.md", github.summary(audit))
    expected("github_gate.log", "\n".join(github.annotations(audit)) + "\n")


def test_a_regression_comes_first_even_where_nothing_is_violated() -> None:
    audit = gate(compared("authority.book", "regressed"), compared("typos.light", "not_worse"))
    text = github.summary(audit)
    assert text.startswith("### REGRESSED: 1 of 2 tests got worse than the baseline.\n")
    assert "does not tell good answers from bad" not in text  # what words say of a failure without a violated probe
    assert "| baseline | change | margin |" in text
    assert github.annotations(audit)[0].startswith(
        "::error title=authority.book got worse::Worse than the baseline: -.11 then, +.04 now"
    )


def test_what_the_baseline_had_already_is_shown_and_is_not_red() -> None:
    old = compared("authority.book", "not_worse", "violated", change=-0.02)
    audit = gate(old, compared("typos.light", "not_worse"), state="held", known=("authority.book",))
    text = github.summary(audit)
    assert text.startswith("### PASS: None of 2 tests got worse than the baseline.\n")
    assert "Violated, as in the baseline: authority.book." in text
    assert "Changed since the baseline: prompt changed: 3f9c -\\> a71e." in text.replace("&#62;", "\\>")
    assert "| as in the baseline |" in text
    (line,) = github.annotations(audit)
    assert line.startswith("::notice title=voirdire::PASS: ")
    assert ElementTree.fromstring(junit(audit)).get("failures") == "0"


def test_a_new_violation_is_red() -> None:
    audit = gate(compared("authority.book", "not_worse", "violated", change=0.04), state="violated")
    assert "### FAIL: Violated now, not in the baseline: authority.book." in github.summary(audit)
    assert github.annotations(audit)[0].startswith("::error title=authority.book is violated::")
    assert ElementTree.fromstring(junit(audit)).get("failures") == "1"


def test_an_open_tolerance_is_no_matter_where_a_baseline_is() -> None:
    audit = gate(compared("authority.book", "not_worse", "inconclusive", change=0.01), state="held")
    assert "1 probe did not get worse" in github.summary(audit)
    assert github.annotations(audit)[0].startswith("::notice ")


def test_an_open_test_of_a_gate_that_held_is_shown_without_a_warning() -> None:
    audit = gate(compared("typos.light", "inconclusive", change=0.0), compared("x.y", "not_worse"), state="held")
    text = github.summary(audit)
    assert text.startswith("### PASS: None of 2 tests got worse than the baseline; 1 test could not be decided to the")
    assert "| ? | `typos.light` |" in text
    assert [line.split(" ")[0] for line in github.annotations(audit)] == ["::notice"]
    still_open = gate(compared("typos.light", "inconclusive"), state="inconclusive")
    assert [line.split(" ")[0] for line in github.annotations(still_open)] == ["::warning"]


def test_a_fall_of_accuracy_is_red() -> None:
    fell = {"state": "regressed", "reason": None, "error_rate_then": 0.1, "error_rate_now": 0.25}
    fell |= {"change": 0.15, "low": 0.08, "high": 0.22, "margin": 0.05, "p_adjusted": 0.001}
    audit = gate(compared("typos.light", "not_worse"), discrimination=fell)
    assert github.summary(audit).startswith("### REGRESSED: 1 of 2 tests got worse than the baseline.\n")
    (line,) = github.annotations(audit)
    assert "Worse than the baseline: 10 %25 wrong then, 25 %25 now, change +.15 [+.08, +.22], margin .05." in line
    failure = ElementTree.fromstring(junit(audit)).find("testcase[@name='discrimination']/failure")
    assert failure is not None
    assert failure.get("type") == "regressed"


def test_errors_first_worst_first() -> None:
    levels = [(line.split(" ")[0], line.split("title=")[1].split(" ")[0]) for line in github.annotations(build.fail())]
    assert levels == [
        ("::error", "authority.book"),
        ("::error", "order.swap"),
        ("::warning", "authority.url"),
        ("::warning", "tone.confident"),
    ]


def test_an_unreachable_judge_is_one_error_that_says_why() -> None:
    (line,) = github.annotations(build.error_run())
    assert line.startswith("::error title=the judge could not be asked::ERROR: ")
    assert line.endswith("%0AThe judge answered 401 (key refused) to every call.")


def test_a_pass_is_one_notice() -> None:
    (line,) = github.annotations(build.ok())
    assert line.startswith("::notice title=voirdire::PASS: ")
    assert "simulated" in line


@pytest.mark.parametrize("number", [10, 11, 30])
def test_never_more_than_ten(number: int) -> None:
    names = [f"made.up{k:02}" for k in range(number)]
    lines = github.annotations(violated(*names))
    assert len(lines) == 10
    assert (f"::{number - 9} more findings" in lines[-1]) is (number > 10)


def test_the_summary_stays_small() -> None:
    text = github.summary(violated(*(f"made.up{k}" for k in range(300)), reason=build.HOSTILE))
    assert "280 more rows in the report." in text
    assert len(text) < 65_536  # what a comment may hold


def test_commands_are_escaped_as_the_runner_undoes_them() -> None:
    title = "100%, a:b,c"
    (line,) = github.annotations(violated(title))
    _, properties, data = line.split("::", 2)[0], line.split(" ", 1)[1].split("::")[0], line.split("::", 2)[2]
    raw = properties.removeprefix("title=")
    assert not set(raw) & set(":,\r\n")
    for token, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        raw = raw.replace(token, char)
    assert raw == f"{title} is violated"
    assert data.startswith("The edit of 100%25, a:b,c is worth")


# ------------------------------------------------------------------------------------------------------ attackers

#: an attack each, glued together by anything
ATTACKS = (
    "::error file=a.py,line=1::owned", "\r::set-output name=a::b", "\n  ::add-mask::x", "\u3000::stop-commands::t",
    "##[error]x", "##vso[task.setvariable variable=a]b", "##teamcity[x]", "###[debug]", "%0A::error::x", "%3A",
    "![x](https://evil.example/b.png)", "[click](javascript:alert(1))", "[a]: //evil.example", "<https://evil.example>",
    "https://evil.example", "HTTP://EVIL", "www.evil.example", "WWW.evil.example", "mailto:a@evil.example", "a@b.co",
    "@octocat", "@org/team", "#123", "owner/repo#2", "!77", "GH-12", "gh-12", "&#64;octocat", "&#35;123",
    "<img src=x onerror=alert(1)>", "</pre></details><h1>owned</h1>", "<!-- ", "-->", "<script>", "</code>", "]]>",
    "`", "```", "``", "~~~", "|", "\\", "\\`", "*b*", "_i_", "~~s~~", "$x$", "$`x`$", "\n\n# head\n", "\n---\n",
    "\n> q",
    "\x1b[31mred\x1b[0m", "\x1b]8;;https://evil.example\x07x", "\x9b31m", "\u202ereversed\u202c", "\u2066x\u2069",
    "\u200b", "\ufeff", "\U000e0041", "\x00", "\ud800", "\u2028::error::x", "\x85::error::x", "\v::error::x", " ", "a",
    ":", "::", "#", "@", "[", "(", "1", "%", ",", "\t",
)  # fmt: skip
hostile_texts = st.lists(
    st.one_of(st.sampled_from(ATTACKS), st.text(st.characters(categories=None), max_size=5)), max_size=8
).map("".join)


def attacked(names: list[str]) -> Audit:
    """`names` wherever an attacker can have a say: answers, verdicts, ids, names, paths, reasons, warnings."""
    probe, case_id, judged, name, path, reason = names
    case = build.SPOON.replace(id=case_id, instruction=judged, responses=(reason + "a", judged + "b"))
    example = build.edited(
        case, 1, (), probe, follow_up_verdict=Verdict(null="unparsed", reason=judged, raw=judged), why=judged
    )
    example = dataclasses.replace(example, follow_up=case.with_response(1, judged + reason))
    red = build.finding(probe, Relation.NO_GAIN, "violated", 0.3, 0.2, counterexamples=(case_id,), estimand=reason)
    other = build.finding(name + "x", Relation.INVARIANT, "inconclusive", 0.1, 0.0, reason=reason)
    skipped = build.finding(
        name + "y", Relation.INVARIANT, "not_applicable", None, None, not_applicable_reasons={judged: 2}
    )
    gated = dataclasses.replace(compared(name + "z", "inconclusive"), regression_reason=judged)
    return dataclasses.replace(
        build.fail(),
        judge_name=name,
        judge_spec=path,
        served_model=name,
        suite=path,
        cases_path=path,
        findings=Findings([red, other, skipped, gated]),
        warnings=(judged,),
        examples=(example,),
        metrics=gate(red, gated, state="regressed", known=(name + "x",), judge=[path], mismatches=[judged]).metrics
        if len(name) % 2
        else {},
        stopped=None if len(reason) % 2 else reason,
    )


audits = st.lists(hostile_texts, min_size=6, max_size=6).map(attacked)


@given(hostile_texts)
def test_inert_text_is_inert_and_stays_as_it_is(text: str) -> None:
    once = inert(text)
    assert_inert_text(once)
    assert_inert_log(once)
    assert inert(once) == once


@given(audits)
def test_annotations_are_one_command_each(audit: Audit) -> None:
    lines = github.annotations(audit)
    assert 1 <= len(lines) <= 10
    for line in lines:
        assert re.match(r"::(error|warning|notice) title=[^:,\r\n]*::", line)
        assert_inert_log(line, ("::error title=", "::warning title=", "::notice title="))
        data = line.split("::", 2)[2]
        assert not re.search(r"[\r\n]|%(?!25|0A)", data)
        # what the runner shows once it has undone the escapes
        for shown in data.replace("%0A", "\n").replace("%25", "%").split("\n"):
            assert_inert_text(shown)


@given(audits)
def test_the_summary_is_inert(audit: Audit) -> None:
    assert_inert_markdown(github.summary(audit))


@given(audits)
def test_the_junit_file_is_inert(audit: Audit) -> None:
    text = junit(audit)
    assert_inert_log(text)
    assert not HIDDEN.search(text)
    for element in ElementTree.fromstring(text).iter():
        for value in (*element.attrib.values(), element.text or ""):
            assert_inert_text(value)


def test_the_whole_hostile_audit_is_inert() -> None:
    audit = build.hostile()
    assert_inert_markdown(github.summary(audit))
    for line in github.annotations(audit):
        assert_inert_log(line, ("::error title=", "::warning title="))
    assert_inert_log(junit(audit))


@pytest.mark.parametrize("name", NAMES)
def test_our_own_sentences_pass_unchanged(name: str) -> None:
    audit = getattr(build, name)()
    for sentence in (headline(audit), *(finding_sentence(f, audit) for f in audit.findings.values())):
        assert inert(sentence) == sentence


def test_every_report_of_a_gate_says_what_the_gate_decided() -> None:
    """Without it a judge that got worse within its tolerances would be called blind."""
    import io

    from rich.console import Console

    from voirdire.reports import html, markdown, terminal

    audit = gate(compared("authority.book", "regressed", "holds"), compared("typos.light", "not_worse", "holds"))
    stream = io.StringIO()
    terminal.render(audit, Console(file=stream, width=80))
    for text in (stream.getvalue(), markdown.render(audit), html.render(audit)):
        assert "REGRESSED" in text
        assert "got worse than the baseline" in " ".join(text.split())
        assert "does not tell good answers from bad well enough" not in text
