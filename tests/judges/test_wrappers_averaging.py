"""Averages, votes and juries reach the values that arithmetic gives for judges whose defects are known."""

from __future__ import annotations

import math
from hashlib import sha256
from statistics import mean as average_of

import pytest
from wrapping import Told, accuracy, ask_all, pairs

from voirdire.harness.cases import Case
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.judges.wrappers.averaging import majority, mean, swap_average
from voirdire.harness.judges.wrappers.calls import turned
from voirdire.harness.judges.wrappers.combine import entropy, vote
from voirdire.harness.judges.wrappers.escalate import PERSON, escalate, threshold_for
from voirdire.harness.judges.wrappers.juries import jury
from voirdire.harness.judges.wrappers.length import fit_length, length_control, length_term
from voirdire.harness.verdicts import Scale, Verdict, utility

#: standard error of a share at most .0112
N = 2000
CASES = pairs(N)


def slot_effect(spec: str, cases: list[Case]) -> float:
    """Mean utility of the first slot minus that of the second, over both orders: what order.swap reports."""
    judge = make_judge(spec)
    verdicts = ask_all(judge, [c for case in cases for c in (case, turned(case, (1, 0)))])
    first = [utility(v, 0, task="pairwise", scale=Scale()) or 0.0 for v in verdicts]
    return average_of(2 * u - 1 for u in first)


# ------------------------------------------------------------------------------------------------------------- orders


def test_swap_average_takes_a_planted_slot_effect_to_zero() -> None:
    """Exactly, not on average: the two orders of a case rest on the same two calls, so they mirror each other."""
    biased = "mock:noisy?accuracy=.8&first=.3"
    assert slot_effect(biased, CASES[:500]) == pytest.approx(0.3, abs=0.08)
    assert slot_effect(f"swap_average({biased})", CASES[:500]) == 0.0
    assert slot_effect("swap_average(mock:constant)", CASES[:50]) == 0.0


def test_swap_average_is_as_accurate_as_its_judge_on_average_and_ties_where_the_orders_disagree() -> None:
    """P(right) of one order is .3 * .5 + .7 * .8 = .71 over slots; the mean utility of the average is the same."""
    spec = "mock:noisy?accuracy=.8&first=.3"
    judge = make_judge(f"swap_average({spec})")
    assert accuracy(judge, CASES) == pytest.approx(0.71, abs=0.03)
    ties = average_of(v.choice == "tie" for v in ask_all(judge, CASES))
    # the orders agree if both are right about the content: P = .86 * .56 right, .14 * .44 wrong
    assert ties == pytest.approx(1 - 0.86 * 0.56 - 0.14 * 0.44, abs=0.045)


def test_rankings_are_averaged_by_rank() -> None:
    """A judge of three that always says "as shown" ends where forwards and backwards meet: nothing is preferred."""
    judge = swap_average(Told(lambda case, s: Verdict(ranking=(0, 1, 2)), task="ranking"))
    (verdict,) = ask_all(judge, [Case("q", ("a", "b", "c"))])
    # all ranks are equal, so the order of the first verdict stands
    assert verdict.ranking == (0, 1, 2)
    by_text = swap_average(
        Told(lambda c, s: Verdict(ranking=tuple(sorted(range(3), key=lambda i: c.responses[i]))), task="ranking")
    )
    (verdict,) = ask_all(by_text, [Case("q", ("b", "c", "a"))])
    assert verdict.ranking == (2, 0, 1)


def test_margins_are_averaged_where_a_judge_gives_pairs_of_numbers() -> None:
    def reward(case: Case, _sample: int) -> Verdict:
        # .5 for the first slot, 1 for "good"
        margin = 0.5 + (1.0 if case.responses[0] == "good" else -1.0)
        return Verdict(choice=int(margin < 0), margin=margin)

    (verdict,) = ask_all(swap_average(Told(reward)), [Case("q", ("bad", "good"))])
    assert (verdict.choice, verdict.margin) == (1, -1.0)


# ------------------------------------------------------------------------------------------------------------ samples


def test_majority_of_5_takes_accuracy_75_to_896() -> None:
    """Condorcet: sum over 3 to 5 of C(5, i) .75^i .25^(5 - i) = .8965."""
    assert accuracy(make_judge("mock:noisy?accuracy=.75"), CASES) == pytest.approx(0.75, abs=0.03)
    assert accuracy(make_judge("majority(mock:noisy?accuracy=.75; k=5)"), CASES) == pytest.approx(0.8965, abs=0.025)


def test_majority_mends_noise_but_not_bias() -> None:
    """A slot effect of .3: with one vote .3, with 5 it becomes larger, because the bias wins the vote."""
    assert slot_effect("majority(mock:noisy?accuracy=.5&first=.3; k=5)", CASES[:800]) > 0.4


def test_no_wrapper_of_samples_helps_a_deterministic_judge() -> None:
    assert accuracy(make_judge("majority(mock:noisy?accuracy=.75&fresh=0; k=5)"), CASES) == pytest.approx(
        0.75, abs=0.03
    )


def test_the_mean_of_scores_lowers_their_variance() -> None:
    case = Case("q", ("an answer",), label=5.5)
    options = JudgeOptions(task="score")
    one = [v.score or 0 for v in ask_all(make_judge("mock:noisy?sd=.1", options), [case], samples=1000)]
    four = [v.score or 0 for v in ask_all(make_judge("mean(mock:noisy?sd=.1; k=4)", options), [case], samples=1000)]

    def sd(values: list[float]) -> float:
        centre = average_of(values)
        return math.sqrt(average_of((v - centre) ** 2 for v in values))

    assert sd(four) / sd(one) == pytest.approx(0.5, abs=0.06)
    assert average_of(four) == pytest.approx(5.5, abs=0.05)


def test_probabilities_are_averaged_and_votes_counted() -> None:
    """Two weak votes for one answer, one strong for the other: the vote and the mean differ, as they should."""
    odds = [0.55, 0.55, 0.05]

    def answer(_case: Case, sample: int) -> Verdict:
        p = odds[sample % 3]
        return Verdict(choice=int(p < 0.5), probabilities={"0": p, "1": 1 - p})

    judge = Told(answer, soft=True)
    assert ask_all(majority(judge, k=3), pairs(1))[0].choice == 0
    (soft,) = ask_all(mean(judge, k=3), pairs(1))
    assert soft.choice == 1
    assert utility(soft, 0, task="pairwise", scale=Scale(), soft=True) == pytest.approx(1.15 / 3)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [((0, 0, 1), 0), ((0, 1), "tie"), (("tie", "tie", 0), "tie"), (("tie", 0), 0), (("tie", 0, 1), "tie"), ((1,), 1)],
)
def test_votes(choices: tuple[object, ...], expected: object) -> None:
    assert vote([Verdict(choice=c) for c in choices], task="pairwise").choice == expected  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------------- juries


def test_independent_jurors_reach_condorcets_value_and_copies_do_not() -> None:
    """Three of .75: p^2 (3 - 2p) = .844 if independent; copies that do not even redraw stay at .75."""
    panel = ", ".join(f"mock:noisy?accuracy=.75&fresh=0&seed={s}" for s in (1, 2, 3))
    copies = ", ".join(["mock:noisy?accuracy=.75&fresh=0"] * 3)
    assert accuracy(make_judge(f"jury({panel})"), CASES) == pytest.approx(0.844, abs=0.03)
    assert accuracy(make_judge(f"jury({copies})"), CASES) == pytest.approx(0.75, abs=0.03)
    # copies with noise of their own are a majority of samples
    noisy = ", ".join(["mock:noisy?accuracy=.75"] * 3)
    assert accuracy(make_judge(f"jury({noisy})"), CASES) == pytest.approx(0.844, abs=0.03)


@pytest.mark.parametrize("shared", [0.0, 0.4, 1.0])
def test_jurors_that_share_errors_reach_what_lies_between(shared: float) -> None:
    """Three of .75 whose errors are one draw in a share of the cases, else their own: .844 less shared * .094."""

    def juror(name: str) -> Told:
        def answer(case: Case, _sample: int) -> Verdict:
            draw = lambda of: int(sha256(f"{case.id} {of}".encode()).hexdigest()[:8], 16) / 2**32  # noqa: E731
            wrong = draw("all") >= 0.75 if draw("shared") < shared else draw(name) >= 0.75
            assert isinstance(case.label, int)
            return Verdict(choice=1 - case.label if wrong else case.label)

        return Told(answer, name)

    panel = jury(*(juror(name) for name in "abc"), rule="vote")
    assert accuracy(panel, CASES) == pytest.approx((1 - shared) * 0.84375 + shared * 0.75, abs=0.03)


def test_jurors_on_other_scales_are_stretched_to_the_first() -> None:
    ten = Told(lambda c, s: Verdict(score=10.0), "ten", task="score", scale=Scale(1, 10))
    five = Told(lambda c, s: Verdict(score=1.0), "five", task="score", scale=Scale(1, 5))
    case = Case("q", ("a",))
    assert ask_all(jury(ten, five), [case])[0].score == pytest.approx(5.5)
    assert ask_all(jury(five, ten), [case])[0].score == pytest.approx(3.0)
    assert ask_all(jury(five, ten, rule="max"), [case])[0].score == 5.0


def test_max_follows_the_surest_juror() -> None:
    weak = [Told(lambda c, s: Verdict(choice=0, probabilities={"0": 0.6, "1": 0.4}), f"weak{i}") for i in range(2)]
    sure = Told(lambda c, s: Verdict(choice=1, probabilities={"0": 0.1, "1": 0.9}), "sure")
    assert ask_all(jury(*weak, sure, rule="vote"), pairs(1))[0].choice == 0
    assert ask_all(jury(*weak, sure, rule="max"), pairs(1))[0].choice == 1


# --------------------------------------------------------------------------------------------------------- escalation


def test_escalation_sends_the_torn_cases_to_the_stronger_judge() -> None:
    """Accuracy rises towards the oracle's, and only the torn cases are paid for there."""
    weak, oracle = make_judge("mock:noisy?accuracy=.7"), Told(lambda c, s: Verdict(choice=c.label), "oracle")  # type: ignore[arg-type]
    judge = escalate(weak, oracle, above=0.9, k=2)
    cases = CASES[:800]
    # 4 independent votes: 2 against 2 (1 bit) always go; 3 against 1 is .81 bits and stays
    torn = 6 * 0.7**2 * 0.3**2
    stays_right = 0.7**4 + 4 * 0.7**3 * 0.3
    assert accuracy(judge, cases) == pytest.approx(torn + stays_right, abs=0.035)
    assert len(oracle.asked) / len(cases) == pytest.approx(torn, abs=0.05)


def test_without_a_second_judge_the_torn_case_is_for_a_person() -> None:
    torn = Told(lambda c, s: Verdict(choice=0))  # says "first" in both orders: as torn as can be
    (verdict,) = ask_all(escalate(torn), pairs(1))
    assert (verdict.null, verdict.reason) == ("refused", PERSON)
    silent = Told(lambda c, s: Verdict(null="unparsed"))
    assert ask_all(escalate(silent), pairs(1))[0].reason == PERSON


def test_a_threshold_is_read_off_an_earlier_run() -> None:
    verdicts = ask_all(make_judge("swap_average(mock:noisy?accuracy=.8; k=4)"), CASES[:400])
    above = threshold_for(verdicts, 0.2)
    sent = average_of(entropy([v]) >= above for v in verdicts)
    assert sent >= 0.2
    assert average_of(entropy([v]) > above for v in verdicts) <= 0.2
    assert threshold_for([Verdict(null="refused"), *verdicts], 1 / 500) == pytest.approx(math.log2(3))


# ------------------------------------------------------------------------------------------------------------- length


def long_pairs(n: int) -> list[Case]:
    """Pairs of which one is twice as long, and better or worse by turns, in either slot."""
    out = []
    for i in range(n):
        short, long = f"Answer number {i}. " + "word " * 30, f"Answer number {i}. " + "word " * 60
        case = Case(f"Question {i}?", (short, long), label=i % 2, id=f"l{i}")
        out += [case, case.reordered((1, 0))]
    return out


def longer_wins(judge: object, cases: list[Case]) -> float:
    """Mean utility of the longer answers minus a half: quality is balanced, so what is left is length."""
    verdicts = ask_all(judge, cases)  # type: ignore[arg-type]
    longer = [int(len(c.responses[1]) > len(c.responses[0])) for c in cases]
    return average_of(
        (utility(v, slot, task="pairwise", scale=Scale(), soft=True) or 0) - 0.5
        for v, slot in zip(verdicts, longer, strict=True)
    )


def test_length_control_takes_out_most_of_a_planted_taste_for_length() -> None:
    """`longer=.4` moves utility by .4 / 2. The term is learnt on other cases than it is tried on."""
    spec = "mock:noisy?accuracy=.75&longer=.4"
    cases = long_pairs(300)
    learn, test = cases[:300], cases[300:]
    phi, characters = fit_length(learn, ask_all(make_judge(spec), learn))
    assert longer_wins(make_judge(spec), test) == pytest.approx(0.2, abs=0.06)
    controlled = length_control(make_judge(spec), phi=phi, characters=characters, k=9)
    assert abs(longer_wins(controlled, test)) < 0.06
    assert accuracy(controlled, test) >= accuracy(make_judge(spec), test)


def test_length_control_of_a_judge_without_that_taste_changes_little() -> None:
    cases = long_pairs(200)
    phi, _ = fit_length(cases, ask_all(make_judge("mock:noisy?accuracy=.8"), cases))
    assert abs(phi) < 0.5


def test_the_length_term_is_a_bounded_odd_function() -> None:
    case = Case("q", ("x" * 300, "y" * 100))
    assert length_term(case, 200.0) == pytest.approx(math.tanh(1.0))
    assert length_term(case.reordered((1, 0)), 200.0) == pytest.approx(-math.tanh(1.0))
    with pytest.raises(ValueError, match="equally long"):
        fit_length(pairs(40), [Verdict(choice=0)] * 40)
