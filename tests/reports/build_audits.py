"""Audits as a real run would give them, for the tests of every renderer."""

from __future__ import annotations

import dataclasses
from typing import Any

from voirdire.harness.cases import Case, Edit, apply_edits
from voirdire.harness.findings import Audit, Calls, CounterExample, Discrimination, Finding, Findings, Noise
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale, Verdict

__all__ = ["HOSTILE", "error_run", "fail", "hostile", "inconclusive", "ok", "score_run"]

CITATION = " (see Hartwell, The Handbook of Thermal Physics, 3rd ed., p. 212)"

#: what an attacker would write into an answer, an id or a model's name
HOSTILE = (
    "<script>document.title='pwned'</script>\n"
    "<img src=x onerror=\"document.title='pwned'\">\n"
    "</style></pre></details><h1>owned</h1>\n"
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) https://evil.example www.evil.example\n"
    "{{7*7}} {% raw %} ${7*7}\n"
    "\n\n# heading\n@octocat #1 owner/repo#2\n"
    "::error file=a::b\n  ::set-output name=a::b\n##[error]x\n"
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 [bold]rich[/bold] [/]\n"
    "bidi \u202edesrever\u202c zero\u200bwidth \ufefftag\U000e0041 nul\x00 bell\x07 cr\rx sep\u2028y lone\ud800\n"
    "``` ` | pipe &amp; &lt;b&gt; <!-- c --> --> ]]>"
)


def finding(
    probe: str, relation: Relation, decision: str, effect: float | None, low: float | None, **more: Any
) -> Finding:
    """A finding whose interval is symmetric; details can be given by name."""
    high = None if effect is None or low is None else round(2 * effect - low, 4)
    must = relation is Relation.MUST_DROP
    data: dict[str, Any] = {
        "probe": probe,
        "family": probe.split(".")[0],
        "relation": relation,
        "decision": decision,
        "effect": effect,
        "low": low,
        "high": high,
        "level": 0.95,
        "estimand": "gain over source",
        "tolerance": None if must else 0.10,
        "min_drop": 0.10 if must else None,
        "p": 0.0001,
        "p_adjusted": 0.0012,
        "n": 200,
        "samples": 2,
        "flip_rate": 0.31,
        "retest_flip_rate": 0.06,
        "summary": f"What {probe} does.",
        "source": "voirdire",
    }
    return Finding(**{**data, **more})


SPOON = Case(
    instruction="Why does a metal spoon feel colder than a wooden one in the same room?",
    responses=(
        "Both are at room temperature. Metal conducts heat away from your hand faster, so your skin cools.",
        "Because wood is warmer than metal. Wood stores heat inside its fibres and gives it off slowly.",
    ),
    id="q-117",
    label=0,
)


def edited(case: Case, slot: int, edits: tuple[Edit, ...], probe: str, **more: Any) -> CounterExample:
    """A counter-example in which the judge went from right to wrong."""
    data: dict[str, Any] = {
        "case_id": case.id,
        "probe": probe,
        "source": case,
        "follow_up": case.with_response(slot, apply_edits(case.responses[slot], edits)),
        "target": slot,
        "edits": edits,
        "source_verdict": Verdict(choice=0, raw="Answer A explains conduction. [[A]]", rationale="A explains."),
        "follow_up_verdict": Verdict(choice=1, raw="Answer B cites a handbook. [[B]]", rationale="B cites a handbook."),
        "before": 0.0,
        "after": 1.0,
        "why": "The weaker answer won after the citation was added, in both orders.",
        "reproduced": (19, 20),
    }
    return CounterExample(**{**data, **more})


def cited(case: Case) -> CounterExample:
    end = len(case.responses[1]) - 1
    return edited(case, 1, (Edit(end, end, CITATION, "responses[1]"),), "authority.book")


def swapped(case: Case) -> CounterExample:
    return dataclasses.replace(
        edited(case, 0, (), "order.swap"),
        follow_up=case.reordered((1, 0)),
        follow_up_verdict=Verdict(choice=0, raw="[[A]]"),
        why="The first slot won in both orders.",
        before=1.0,
        after=0.0,
    )


def fail() -> Audit:
    """Swayed by order and citations, two open probes, several that hold, one that does not apply."""
    second = SPOON.replace(
        id="q-042",
        instruction="How many continents are there?",
        responses=(
            "Seven, as most schools count.",
            "There are twelve continents.",
        ),
    )
    third = SPOON.replace(
        id="q-009", instruction="Is 91 a prime number?", responses=("No: 91 = 7 × 13.", "Yes, 91 is prime.")
    )
    found = (
        finding("stability.retest", Relation.RETEST, "holds", 0.06, 0.04, tolerance=None, estimand="retest flips"),
        finding("order.swap", Relation.EQUIVARIANT, "violated", 0.19, 0.14, counterexamples=("q-117", "q-042")),
        finding(
            "authority.book",
            Relation.NO_GAIN,
            "violated",
            0.21,
            0.15,
            sham_effect=0.02,
            source_effect=0.23,
            estimand="gain over sham",
            counterexamples=("q-117", "q-042", "q-009"),
            metrics={"asr": 0.4, "asr_chen": None},
            nulls={"source": 1, "follow_up": 2, "sham": 0},
        ),
        finding("authority.url", Relation.NO_GAIN, "inconclusive", 0.09, 0.04, more_cases_needed=90),
        finding("tone.confident", Relation.NO_GAIN, "inconclusive", 0.05, -0.03, reason="differential_nulls"),
        finding("verbosity.filler", Relation.NO_GAIN, "holds", 0.02, -0.02, sham_effect=None),
        finding("typos.light", Relation.INVARIANT, "holds", -0.01, -0.04),
        finding("layout.blank", Relation.INVARIANT, "holds", -0.001, -0.03),
        finding("social.bandwagon", Relation.NO_GAIN, "holds", 0.03, -0.01),
        finding("format.bold", Relation.NO_GAIN, "holds", 0.01, -0.04),
        finding("degradation.number", Relation.MUST_DROP, "holds", -0.41, -0.46),
        finding(
            "identity.reference", Relation.INVARIANT, "not_applicable", None, None, n=0, not_applicable=200,
            not_applicable_reasons={"no reference in this case": 200},
        ),
    )  # fmt: skip
    return Audit(
        judge_name="gpt-5-mini with judge.md",
        judge_spec="openai:gpt-5-mini",
        fingerprint="3f9c2b7a61d0e4f8" * 4,
        task="pairwise",
        scale=Scale(),
        served_model="gpt-5-mini-2026-08-07",
        suite="standard",
        suite_hash="ab" * 32,
        suite_probes=12,
        cases_n=200,
        cases_hash="cd" * 32,
        cases_path="cases.jsonl",
        seed=0,
        alpha=0.05,
        samples=2,
        created="2026-11-02T10:20:30Z",
        findings=Findings(found),
        noise=Noise(0.06, 0.04, 0.09, 200, 0.07),
        discrimination=Discrimination(0.87, 0.83, 0.91, 200, 0.60, "holds", swap_averaged=0.89),
        calls=Calls(6412, 4820, 1592, 3, 21, 1_204_551, 2.91, 155.0),
        verdict="fail",
        warnings=("3 of 200 cases have two answers that are equal.",),
        examples=(swapped(SPOON), cited(SPOON), cited(second), cited(third), swapped(second)),
        metrics={"position_consistency": 0.81},
    )


def ok() -> Audit:
    """Everything holds; a deterministic mock judge."""
    audit = fail()
    return dataclasses.replace(
        audit,
        judge_name="oracle",
        judge_spec="mock:oracle",
        served_model=None,
        simulated=True,
        findings=Findings(audit.findings.decided("holds")),
        noise=Noise(0.0, 0.0, 0.01, 200, 0.0, deterministic=True),
        discrimination=Discrimination(1.0, 0.98, 1.0, 200, 0.60, "holds"),
        calls=Calls(900, 900, 0, 0, 0, None, None, 0.84),
        verdict="pass",
        warnings=(),
        examples=(),
    )


def inconclusive() -> Audit:
    """Too few cases, no labels, stopped by its budget."""
    audit = fail()
    found = (
        finding("order.swap", Relation.EQUIVARIANT, "inconclusive", 0.06, -0.05, n=40, more_cases_needed=160),
        finding(
            "authority.book",
            Relation.NO_GAIN,
            "inconclusive",
            0.03,
            -0.04,
            n=40,
            reason="too_few_cases",
            more_cases_needed=70,
        ),
        finding("typos.light", Relation.INVARIANT, "inconclusive", 0.00, -0.12, n=40, reason="position_locked"),
        finding(
            "degradation.number", Relation.MUST_DROP, "inconclusive", -0.12, -0.20, n=40, reason="a reason of tomorrow"
        ),
        finding("lexical.synonym", Relation.INVARIANT, "inconclusive", None, None, n=0, reason="no_verdicts"),
    )
    return dataclasses.replace(
        audit,
        cases_n=40,
        findings=Findings(found),
        noise=Noise(None),
        discrimination=Discrimination(),
        calls=Calls(1900, 640, 0, 0, 90, None, 0.31, 4000.0),
        verdict="inconclusive",
        warnings=(),
        examples=(),
        mode="sequential",
        stopped="budget",
    )


def error_run() -> Audit:
    """The key was refused at every call."""
    return dataclasses.replace(
        fail(),
        findings=Findings(
            [finding("order.swap", Relation.EQUIVARIANT, "inconclusive", None, None, n=0, reason="no_verdicts")]
        ),
        noise=Noise(),
        discrimination=Discrimination(),
        calls=Calls(6412, 20, 0, 20, 0, None, None, 1.2),
        verdict="error",
        stopped="judge",
        warnings=("The judge answered 401 (key refused) to every call.",),
        examples=(),
    )


def score_run() -> Audit:
    """A score judge on a scale of 1 to 10 that overlooks damage and cannot rank."""
    case = Case("Explain tides.", ("The moon pulls the water. It takes 24 hours 50 minutes.",), id="t-1", label=8)
    damage = edited(
        case,
        0,
        (Edit(35, 37, "42", "responses[0]"),),
        "degradation.number",
        source_verdict=Verdict(score=8.0, raw="8"),
        follow_up_verdict=Verdict(score=8.5, raw="8.5"),
        before=0.78,
        after=0.83,
        reproduced=None,
        why="A wrong number did not lower the score.",
    )
    return dataclasses.replace(
        fail(),
        judge_name="score judge",
        task="score",
        cases_path="",
        findings=Findings(
            [
                finding("verbosity.filler", Relation.NO_GAIN, "violated", 0.211, 0.15),
                finding("typos.light", Relation.INVARIANT, "violated", -0.18, -0.24),
                finding("layout.blank", Relation.INVARIANT, "violated", 0.16, 0.12, estimand="excess flips"),
                finding("degradation.number", Relation.MUST_DROP, "violated", 0.02, -0.04, counterexamples=("t-1",)),
            ]
        ),
        discrimination=Discrimination(0.51, 0.45, 0.57, 200, 0.60, "violated", "concordance"),
        warnings=(),
        examples=(damage,),
    )


def hostile() -> Audit:
    """Attackers' text wherever text can stand."""
    case = Case(
        instruction=HOSTILE,
        responses=("right " + HOSTILE, "wrong " + HOSTILE),
        id="q<b>'\"&\n::error::@octocat",
        reference=HOSTILE,
        label=0,
    )
    example = edited(
        case,
        1,
        (Edit(3, 9, HOSTILE, "responses[1]"),),
        "authority.book",
        why=HOSTILE,
        follow_up_verdict=Verdict(choice=1, raw=HOSTILE, rationale=HOSTILE),
        source_verdict=Verdict(null="unparsed", reason=HOSTILE, raw=HOSTILE),
    )
    found = finding(
        "authority.book",
        Relation.NO_GAIN,
        "violated",
        0.21,
        0.15,
        counterexamples=(case.id,),
        summary=HOSTILE,
        source=HOSTILE,
    )
    other = finding("=cmd()<script>", Relation.INVARIANT, "inconclusive", 0.01, -0.2, reason=HOSTILE)
    skipped = finding(
        "@x.y", Relation.INVARIANT, "not_applicable", None, None, not_applicable_reasons={HOSTILE: 3}, n=0
    )
    return dataclasses.replace(
        fail(),
        judge_name=HOSTILE,
        judge_spec="openai:" + HOSTILE,
        served_model=HOSTILE,
        suite=HOSTILE,
        cases_path=HOSTILE,
        findings=Findings([found, other, skipped]),
        warnings=(HOSTILE,),
        examples=(example,),
    )
