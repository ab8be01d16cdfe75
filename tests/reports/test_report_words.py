"""Plain language: exact sentences, since they are what users quote."""

from __future__ import annotations

import dataclasses
import math

import build_audits as build
import pytest

from voirdire.harness.findings import Audit, Calls, Discrimination, Findings, Noise
from voirdire.harness.relations import Relation
from voirdire.reports import formatting
from voirdire.reports.commands import reproduce_command
from voirdire.reports.words import advice, finding_sentence, headline, headline_parts, reach_sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.214, "+.21"),
        (-0.41, "-.41"),
        (-0.001, ".00"),
        (0.0, ".00"),
        (1.0, "+1.00"),
        (-1.0, "-1.00"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_effect(value: float | None, text: str) -> None:
    assert formatting.effect(value) == text


def test_numbers_are_never_nan_or_negative_zero() -> None:
    for value in (None, math.nan, math.inf, -math.inf, -0.0, -0.0001, 0.0001):
        for show in (
            formatting.effect, formatting.share, formatting.percent, formatting.money, formatting.duration,
            formatting.plain, formatting.probability,
        ):  # fmt: skip
            text = show(value)
            assert "nan" not in text.lower()
            assert "inf" not in text
            assert text not in {"-0", "-.00", "-0.0 s", "-0 %"}


def test_percent_does_not_round_to_certainty() -> None:
    assert [formatting.percent(x) for x in (0.0, 0.001, 0.145, 0.999, 1.0)] == [
        "0 %", "under 1 %", "15 %", "over 99 %", "100 %",
    ]  # fmt: skip
    assert formatting.percent_interval(0.826, 0.911) == "[83, 91]"


def test_durations_and_money() -> None:
    assert [formatting.duration(x) for x in (0.44, 9.96, 59.6, 155.0, 7500.0)] == [
        "0.4 s", "10 s", "1 min 0 s", "2 min 35 s", "2 h 5 min",
    ]  # fmt: skip
    assert [formatting.money(x) for x in (0.0, 0.001, 3.9, 1234.5)] == ["$0.00", "under $0.01", "$3.90", "$1,234.50"]


def test_headline_of_a_swayed_judge() -> None:
    assert headline(build.fail()) == (
        "FAIL: This judge can be swayed. A made-up citation is worth 21 points of win rate to the weaker answer, and "
        "the first slot 19. It does tell good answers from bad: 87 % right [83, 91]. Its own noise: 6 % of repeated "
        "calls differ [4, 9]."
    )


def test_headline_of_a_clean_judge() -> None:
    assert headline(build.ok()) == (
        "PASS: Nothing that was tried moves this judge by more than its tolerance: 7 probes hold. It does tell good "
        "answers from bad: 100 % right [98, 100]. Repeated calls never differ: it is deterministic or cached."
    )


def test_what_could_not_have_been_seen() -> None:
    quiet = build.ok()
    sized = [dataclasses.replace(f, smallest_detectable=0.15 + 0.01 * k) for k, f in enumerate(quiet.findings.values())]
    audit = dataclasses.replace(quiet, findings=Findings(sized))
    sentence = reach_sentence(audit)
    assert sentence.startswith("This run could not have seen an effect of less than .1")
    assert sentence in headline(audit)
    same = [dataclasses.replace(f, smallest_detectable=0.2) for f in sized]
    audit = dataclasses.replace(quiet, findings=Findings(same))
    assert reach_sentence(audit) == "This run could not have seen an effect of less than .20."
    held = next(f for f in same if f.relation is Relation.NO_GAIN)
    assert finding_sentence(held, audit).endswith("This run could not have seen less than .20.")
    none = dataclasses.replace(
        quiet, findings=Findings([dataclasses.replace(f, smallest_detectable=1.4) for f in sized])
    )
    assert reach_sentence(none) == "So few cases could have missed an effect of any size."
    assert reach_sentence(build.fail()) == ""
    assert reach_sentence(quiet) == ""


def test_advice_on_samples_fits_the_judge() -> None:
    twice = dataclasses.replace(build.ok(), samples=2)
    assert any("`--samples 1` shows as much as `--samples 2`" in text for text in advice(twice))
    assert not any("--samples" in text for text in advice(dataclasses.replace(twice, samples=1)))
    open_ = build.inconclusive()
    noisy = dataclasses.replace(open_, noise=Noise(retest_flip_rate=0.1, low=0.05, high=0.15, n=40))
    silent = dataclasses.replace(open_, noise=Noise(0.0, 0.0, 0.05, 40, deterministic=True))
    assert any("this judge is noisy" in text for text in advice(noisy))
    assert any("would not help: this judge repeats itself" in text for text in advice(silent))


def test_a_second_look_is_called_one() -> None:
    assert any("`--anytime`" in text for text in advice(build.inconclusive()))
    assert not any("`--anytime`" in text for text in advice(dataclasses.replace(build.inconclusive(), mode="anytime")))


def test_headline_of_too_few_cases() -> None:
    assert headline(build.inconclusive()) == (
        "INCONCLUSIVE: Nothing was found, but 40 cases cannot rule out an effect of .17. About 160 more cases would "
        "decide 2 of the 5 open probes. The run stopped early (the budget was used up): this rests on 640 calls. "
        "Whether it tells good answers from bad was not measured: that takes labelled cases with verdicts in both "
        "orders. Its own noise was not measured."
    )


def test_headline_of_an_error() -> None:
    assert headline(build.error_run()) == (
        "ERROR: The judge could not be reached or gave no verdict, so nothing can be said about it. Of 20 calls, 20 "
        "failed and 0 brought no verdict."
    )


def test_headline_of_a_score_judge_speaks_of_the_scale() -> None:
    assert headline(build.score_run()) == (
        "FAIL: This judge can be swayed, and it overlooks damage. Padding is worth 1.9 points on the 1 to 10 scale, "
        "and typing errors cost the answer 1.6. Two more probes are violated. It does not tell good answers from bad: "
        "51 % of pairs of cases in the right order [45, 57]; the floor is 60 %. Its own noise: repeated calls differ "
        "by 0.5 points on the 1 to 10 scale."
    )


def only(relation: Relation, effect: float, **more: object) -> Audit:
    probe = str(more.pop("probe", "order.swap"))
    found = build.finding(probe, relation, "violated", effect, effect - 0.05, **more)
    return dataclasses.replace(build.fail(), findings=Findings([found]))


@pytest.mark.parametrize(
    ("audit", "sentence"),
    [
        (
            only(Relation.EQUIVARIANT, -0.2),
            "This judge can be swayed: the second slot is worth 20 points of win rate.",
        ),
        (
            only(Relation.MUST_DROP, -0.01, probe="degradation.number"),
            "This judge overlooks damage: a wrong number costs the answer only 1 point of win rate; "
            "it should cost 10 or more.",
        ),
        (
            only(Relation.INVARIANT, 0.2, probe="stability.neutral", estimand="excess flips"),
            "This judge is not stable: a meaningless blank changes 20 points more of the verdicts than asking again "
            "does.",
        ),
        (
            dataclasses.replace(
                build.ok(), verdict="fail", discrimination=Discrimination(0.52, 0.45, 0.59, 200, 0.6, "violated")
            ),
            "This judge does not tell good answers from bad well enough.",
        ),
    ],
)
def test_one_sentence(audit: Audit, sentence: str) -> None:
    assert headline_parts(audit).one_sentence == sentence


def test_grade_and_ranking_units() -> None:
    grade = dataclasses.replace(only(Relation.NO_GAIN, 0.2, probe="authority.book"), task="grade")
    assert "worth 20 points of pass rate." in headline(grade)
    ranking = dataclasses.replace(grade, task="ranking")
    assert "worth 20 % of the way up the ranking to the weaker answer." in headline(ranking)


def test_finding_sentences(expected) -> None:
    lines = []
    for audit in (build.fail(), build.inconclusive(), build.score_run()):
        lines += [f"{f.probe}: {finding_sentence(f, audit)}" for f in audit.findings.values()]
    expected("finding_sentences.txt", "\n".join(lines) + "\n")


def test_an_unknown_reason_is_shown_as_it_is() -> None:
    assert "a reason of tomorrow" in finding_sentence(build.inconclusive().findings["degradation.number"])


def test_advice(expected) -> None:
    lines = []
    for name in ("fail", "ok", "inconclusive", "error_run", "score_run"):
        audit = getattr(build, name)()
        lines += [f"{name}: {text}" for text in advice(audit)]
    expected("advice.txt", "\n".join(lines) + "\n")


def test_advice_quotes_the_spec_for_a_shell() -> None:
    audit = dataclasses.replace(build.fail(), judge_spec="command:judge; rm -rf ~")
    surface = next(text for text in advice(audit) if text.startswith("Surface"))
    assert "--judge 'command:judge; rm -rf ~' --prompt" in surface


def test_noise_and_failed_calls_get_their_own_advice() -> None:
    audit = dataclasses.replace(
        build.ok(), noise=Noise(0.3, 0.2, 0.4, 50), calls=Calls(100, 100, 0, 10, 0, None, None, 1.0)
    )
    topics = " ".join(advice(audit))
    assert "30 % of repeated calls differ" in topics
    assert "10 of 100 calls failed" in topics


@pytest.mark.parametrize(
    ("path", "option"),
    [("built-in", ""), ("in memory", " --cases FILE"), ("my cases.jsonl", " --cases 'my cases.jsonl'")],
)
def test_commands_name_the_cases_as_the_shell_takes_them(path: str, option: str) -> None:
    """Also the command that audits a changed judge; cases that a program held are to be filled in."""
    audit = dataclasses.replace(build.fail(), cases_path=path)
    example = next(iter(audit.examples))
    again = reproduce_command(audit, example)
    assert again.startswith(f"voirdire audit --judge openai:gpt-5-mini{option} --probes ")
    changed = next(text for text in advice(audit) if "--prompt NEW.md" in text)
    assert f"--prompt NEW.md{option} --suite standard --out after`" in changed
