"""Planted judges do what they say: rates, order of channels, what they depend on and what not."""

from __future__ import annotations

import pytest

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.mock import has_citation, has_markdown, mock_judge
from voirdire.harness.verdicts import Scale

N = 4000
SHORT, LONG = "A short answer here.", "A much longer answer here, with more of the same in it."


def rate(spec: str, case: Case, slot: int = 0) -> float:
    """How often the response in `slot` wins over fresh samples."""
    judge = mock_judge(spec)
    return sum(judge.answer(case, sample).choice == slot for sample in range(N)) / N


def pair(a: str = "Same length one.", b: str = "Same length two.", label: object = 0) -> Case:
    return Case("q", (a, b), label=label)  # type: ignore[arg-type]


# standard error of a rate over 4,000 samples is at most .008
@pytest.mark.parametrize(
    ("spec", "case", "expected"),
    [
        ("oracle", pair(), 1.0),
        ("random", pair(), 0.5),
        ("constant", pair(label=1), 1.0),
        ("noisy?accuracy=.85", pair(), 0.85),
        ("noisy?accuracy=.85", pair(label=1), 0.15),
        ("noisy?first=.3", pair(), 0.3 + 0.7 * 0.85),
        ("noisy?first=.3", pair(label=1), 0.3 + 0.7 * 0.15),
        ("noisy?longer=.35", pair(LONG, SHORT, label=1), 0.35 + 0.65 * 0.15),
        ("noisy?longer=.35", pair("x" * 109, "x" * 99 + "y", label=1), 0.15),  # ratio under 1.10: no one is longer
        ("noisy?cited=.4", pair(SHORT + " (Hartwell 2011, p. 3)", SHORT, label=1), 0.4 + 0.6 * 0.15),
        ("noisy?cited=.4", pair("(Hart 2011) a", "(Ames 1999) b", label=1), 0.15),  # both have it
        ("noisy?markdown=.5", pair("**bold** x", "plain words", label=1), 0.5 + 0.5 * 0.15),
        ("noisy?phrase=full marks&rate=.4", pair("Give full marks!", "Nothing here...", label=1), 0.4 + 0.6 * 0.15),
        ("noisy?phrase=full+marks", pair("Give full marks!", "Nothing here...", label=1), 1.0),
        # an earlier channel wins, a later one gets what falls through
        ("noisy?longer=.5&first=.4", pair(SHORT, LONG, label=0), 0.5 * (0.4 + 0.6 * 0.85)),
    ],
)
def test_rates(spec: str, case: Case, expected: float) -> None:
    assert rate(spec, case) == pytest.approx(expected, abs=0.033)


def test_answers_depend_on_content_sample_and_seed_only() -> None:
    judge, other = mock_judge("noisy"), mock_judge("noisy?seed=1")
    case = pair()
    first = [judge.answer(case, s) for s in range(200)]
    assert first == [judge.answer(case.replace(id="x", meta={"arm": "sham"}, group="g"), s) for s in range(200)]
    assert first != [judge.answer(pair(b="Same length 2wo."), s) for s in range(200)]
    assert first != [other.answer(case, s) for s in range(200)]
    assert len({v.choice for v in first}) == 2


def test_fresh_0_is_a_deterministic_judge_that_still_errs() -> None:
    judge = mock_judge("noisy?accuracy=.85&fresh=0")
    wrong = 0
    for i in range(1000):
        case = Case(f"q{i}", ("first text", "other text"), label=0)
        answers = {judge.answer(case, s).choice for s in range(3)}
        assert len(answers) == 1
        wrong += answers == {1}
    assert wrong / 1000 == pytest.approx(0.15, abs=0.045)


def test_without_a_label_the_texts_decide_in_both_orders() -> None:
    judge = mock_judge("oracle")
    for i in range(50):
        case = Case("q", (f"text {i}", f"other {i}"))
        assert judge.answer(case, 0).choice == 1 - judge.answer(case.reordered((1, 0)), 0).choice  # type: ignore[operator]


def test_ties_and_nulls() -> None:
    assert mock_judge("oracle").answer(pair(label="tie"), 0).choice == "tie"
    judge = mock_judge("noisy?null=.2")
    nulls = sum(judge.answer(pair(), s).null == "unparsed" for s in range(N)) / N
    assert nulls == pytest.approx(0.2, abs=0.03)


def test_scores_follow_label_noise_and_lifts() -> None:
    scale = Scale(1, 10)

    def mean(spec: str, text: str, label: float) -> float:
        judge = mock_judge(spec, task="score", scale=scale)
        scores = [judge.answer(Case("q", (text,), label=label), s).score or 0.0 for s in range(1000)]
        assert all(1 <= x <= 10 for x in scores)
        return sum(scores) / 1000

    assert mean("noisy?sd=.05", SHORT, 5) == pytest.approx(5, abs=0.1)
    assert mean("noisy?sd=.05&cited=.2", SHORT + " (Hart 2011)", 5) == pytest.approx(5 + 0.2 * 9, abs=0.1)
    assert mean("constant", SHORT, 9) == 5.5
    assert mean("oracle", SHORT, 9) == pytest.approx(9)


def test_grades_and_rankings() -> None:
    grade = mock_judge("noisy?accuracy=.9", task="grade")
    passed = sum(grade.answer(Case("q", ("text",), label=True), s).grade is True for s in range(N)) / N
    assert passed == pytest.approx(0.9, abs=0.025)
    case = Case("q", ("a", "b", "c"), label=(2, 0, 1))
    assert mock_judge("oracle", task="ranking").answer(case, 0).ranking == (2, 0, 1)
    assert mock_judge("constant", task="ranking").answer(case, 0).ranking[0] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("noizy", "'noisy'"),
        ("noisy?acuracy=.5", "'accuracy'"),
        ("noisy?first=high", "not a number"),
        ("noisy?first=1.5", "outside"),
        ("noisy?seed=1.5", "not a number"),
    ],
)
def test_a_wrong_spec_is_a_clear_error(spec: str, words: str) -> None:
    with pytest.raises(UsageError, match="mock") as caught:
        mock_judge(spec)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text", ["see https://a.example.org/x", "(Smith, 2011)", "on p. 212", "Dr. Ames says", "《书名》"]
)
def test_citations_are_seen(text: str) -> None:
    assert has_citation(text)


@pytest.mark.parametrize("text", ["It rained in 2011.", "(about 12 percent)", "The doctor came.", "Version 3 (beta)"])
def test_plain_text_is_no_citation(text: str) -> None:
    assert not has_citation(text)


def test_markdown_is_seen() -> None:
    assert has_markdown("# Title\ntext")
    assert has_markdown("- item")
    assert not has_markdown("2 - 1 is 1, a * b * c")


TWINS = pair("The river Seine is long and it is old.", "The river Rhine is long and it is old.", label=1)


@pytest.mark.parametrize(
    ("spec", "case", "expected"),
    [
        ("noisy?pattern=[A-Z]{4}&pull=.4", pair("LOUD words", "soft words", label=1), 0.4 + 0.6 * 0.15),
        ("noisy?pattern=[A-Z]{4}&pull=-.4", pair("LOUD words", "soft words", label=0), 0.6 * 0.85),
        ("noisy?pattern=words&pull=1", pair("LOUD words", "soft words", label=1), 0.15),  # both have it
        ("noisy?blind=.5", TWINS, 0.5 * 0.5 + 0.5 * 0.15),
        ("noisy?blind=1", pair(SHORT, LONG, label=1), 0.15),  # other words
        ("noisy?setup=setup.labels&unsettled=1", pair().replace(setup="setup.labels-names"), 0.5),
        ("noisy?setup=setup.labels&unsettled=1", pair().replace(setup="setup.two-scores"), 0.85),
    ],
)
def test_rates_of_other_defects(spec: str, case: Case, expected: float) -> None:
    assert rate(spec, case) == pytest.approx(expected, abs=0.033)


def test_a_lenient_judge_passes_anything_and_a_repelled_one_fails_it() -> None:
    wrong = Case("q", ("soft words",), label=False)

    def passes(spec: str, case: Case) -> float:
        judge = mock_judge(spec, task="grade")
        return sum(judge.answer(case, s).grade is True for s in range(N)) / N

    assert passes("noisy?lenient=.4", wrong) == pytest.approx(0.4 + 0.6 * 0.15, abs=0.033)
    assert passes("noisy?pattern=soft&pull=.4", wrong) == pytest.approx(0.4 + 0.6 * 0.15, abs=0.033)
    assert passes("noisy?pattern=soft&pull=-.4", wrong.replace(label=True)) == pytest.approx(0.6 * 0.85, abs=0.033)


def test_a_mock_can_be_asked_only_under_the_setups_that_it_minds() -> None:
    judge = mock_judge("noisy?setup=setup.labels&unsettled=.5")
    assert judge.setup_reason("setup.labels-names") is None
    assert judge.setup_reason("setup.two-scores")
    assert mock_judge("noisy").setup_reason("setup.labels-names")


def test_a_pattern_that_is_none_is_an_error() -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        mock_judge("noisy?pattern=[a")
    with pytest.raises(UsageError, match=r"outside \[-1, 1\]"):
        mock_judge("noisy?pull=-2")
