"""`voirdire replay` in words: pinned texts, 80 columns, inert names, nothing unknown printed as a number."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema

from voirdire.harness.observations import (
    Agreement,
    Between,
    Intervention,
    JudgeObservations,
    Observations,
    Odds,
    PairAgreement,
    Position,
    Preference,
    Stability,
)
from voirdire.harness.verdicts import Scale
from voirdire.reports.observed_markdown import observed_markdown
from voirdire.reports.observed_text import observed_lines, observed_text
from voirdire.reports.observed_write import committed_schema, document_text

PAIRS = JudgeObservations(
    judge="openai:gpt-5-mini",
    source="log.jsonl",
    task="pairwise",
    scale=Scale(),
    verdicts=800,
    cases=400,
    nulls={"unparsed": 52, "refused": 3},
    preferences=(
        Preference(
            "first slot", "paired", "preference", "", 0.31, 0.24, 0.37, 0.95, 0.1, 1e-9, 5e-9, 390, 0.65, 0.62, 0.69
        ),
        Preference(
            "longer", "labels", "preference", "", 0.22, 0.15, 0.3, 0.95, 0.1, 1e-4, 4e-4, 361, 0.64, 0.6, 0.68,
            Odds(1.42, 1.2, 1.71, "doubling of length"), 0.23,
            metrics={"proba_prefer_longer": 0.66, "verbosity_bias": 0.25},
        ),
        Preference(
            "list", "raw", "association", "needs labels: what it prefers may be better", 0.3, 0.18, 0.41, 0.95, 0.1,
            1e-3, 3e-3, 90, 0.65, 0.59, 0.7, Odds(2.1, 1.3, 3.4, "having a list"),
        ),
        Preference("formatting", "labels", "open", "", 0.05, -0.12, 0.21, 0.95, 0.1, 0.6, 1.0, 80, 0.55, 0.44, 0.66),
        Preference("model gpt-5", "labels", "none", "", 0.01, -0.05, 0.06, 0.95, 0.1, 1.0, 1.0, 300, 0.5, 0.45, 0.55),
        Preference("own family (OpenAI)", "raw", "not_measured", "it always goes with the slot or another feature"),
    ),
    position=Position(390, 0.71, 0.27, 0.02, 0.5),
    stability=Stability(400, 3, 0.09, 0.07, 0.12, 0.88, 0.95, 0.09, 0.82),
    agreement=Agreement(745, 55, 0.81, 0.78, 0.84, 0.62),
    models_left_out=2,
)  # fmt: skip
SCORES = JudgeObservations(
    judge="scorer",
    source="scores.jsonl",
    task="score",
    scale=Scale(1, 5),
    verdicts=300,
    cases=300,
    preferences=(
        Preference(
            "longer", "labels", "preference", "", 0.19, 0.14, 0.25, 0.95, 0.1, 1e-6, 1e-6, 300,
            step="from 40 to 900 characters",
        ),
        Preference("list", "raw", "not_measured", "no two answers to one question differ in it"),
    ),
    stability=Stability(10, 2, 0.0, 0.0, 0.31, 1.0, 1.0, 0.0, None),
    agreement=Agreement(300, 0, kappa=0.4, pearson=-0.12, spearman=0.5, bias=0.1, bias_low=0.05, bias_high=0.15),
)  # fmt: skip
NEVER = JudgeObservations("mute", "log.jsonl", "pairwise", Scale(), 8, 8, {"error": 8}, agreement=Agreement(0, 8))
FOUND = Observations(
    created="2026-01-01T00:00:00Z",
    sources=("log.jsonl", "scores.jsonl"),
    cases=700,
    labelled=650,
    alpha=0.05,
    tolerance=0.1,
    judges=(PAIRS, SCORES, NEVER),
    between=(
        Between(
            "pairwise", ("openai:gpt-5-mini", "other", "third"), 390, 0.55, "nominal",
            (
                PairAgreement("openai:gpt-5-mini", "other", 390, 0.8, 0.6, 0.31),
                PairAgreement("other", "third", 9, None, None),
            ),
            1.8,
        ),
    ),
    interventions=(
        Intervention(
            "length", ("verbosity.filler", "verbosity.repeat"), 1516, 200,
            "voirdire audit --judge JUDGE --cases log:log.jsonl --probes verbosity.filler --probes verbosity.repeat "
            "--limit 200",
        ),
        Intervention("noise", ("stability.retest",), None, 0, ""),
    ),
    notes=("3 of 700 records: a response is empty and is kept so (line 4, line 9, line 17).",),
)  # fmt: skip


def test_exact(expected) -> None:
    expected("observed.txt", observed_text(FOUND))
    expected("observed.md", observed_markdown(FOUND))


def test_no_line_is_longer_than_a_terminal() -> None:
    assert max(map(len, observed_text(FOUND).splitlines())) <= 80


def test_the_document_follows_its_schema() -> None:
    data = json.loads(document_text(FOUND))
    jsonschema.validate(data, committed_schema(), cls=jsonschema.Draft202012Validator)
    assert data["judges"][0]["preferences"][1]["odds"]["unit"] == "doubling of length"
    assert json.loads(document_text(FOUND, ascii=True)) == data
    nan = replace(FOUND, judges=(replace(PAIRS, position=Position(3, float("nan"))),))
    assert json.loads(document_text(nan))["judges"][0]["position"]["consistency"] is None


def test_one_line_a_judge() -> None:
    lines = observed_lines(FOUND).splitlines()
    assert lines[0] == (
        "openai:gpt-5-mini: Goes for the first slot (+.31), for longer answers (+.22). Also seen, but perhaps "
        "quality: for answers with a list (+.30)."
    )
    assert lines[2] == "mute: It never gave a verdict."


def test_names_cannot_act_anywhere() -> None:
    evil = "x\u202e<script>\n::error::[a](http://b) @octocat |`"
    hostile = replace(
        FOUND,
        sources=(evil,),
        notes=(evil,),
        judges=tuple(
            replace(j, judge=evil, preferences=tuple(replace(p, name=f"model {evil}") for p in j.preferences))
            for j in FOUND.judges
        ),
        between=(
            replace(FOUND.between[0], judges=(evil, evil), pairs=(PairAgreement(evil, evil, 99, 0.5, 0.1, 0.2),)),
        ),
        interventions=(replace(FOUND.interventions[0], command=f"voirdire {evil}"),),
    )
    page = observed_markdown(hostile)
    assert "<script" not in page
    assert "@octocat" not in page
    assert "](" not in page.replace("\\](", "")
    assert not any(line.lstrip().startswith("::") for line in page.splitlines())
    text = observed_text(hostile)
    assert "\u202e" not in text + page
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
