"""Preferences read off recorded verdicts: planted ones are called, noise and quality are not.

Seeds are fixed, so nothing here is left to chance; the counts say how far from the edge each test stands.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from observed_rates import by_name, observed, pairs, record, singles

from voirdire.harness.cases import Case
from voirdire.harness.statistics.observed import VerdictLog, observe
from voirdire.harness.statistics.observed_features import family_of, has_formatting, has_list, models_of
from voirdire.harness.statistics.observed_fit import balanced, label_errors, odds, slope
from voirdire.harness.verdicts import Scale, Verdict

SEEDS = range(12)


def called(spec: str, *, orders: int = 2, n: int = 300, labels: bool = True) -> dict[str, list[str]]:
    """Preference -> its decisions over the seeds."""
    out: dict[str, list[str]] = {}
    for seed in SEEDS:
        cases = pairs(n, seed)
        log = record(f"{spec}&seed={seed}", cases, orders=orders, name="gpt-4")
        for p in observed(log, cases, labels=labels).preferences:
            out.setdefault(p.name, []).append(p.decision)
    return out


# --- planted and clean pairs


@pytest.mark.parametrize("orders", [1, 2])
@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("noisy?accuracy=.85&longer=.5", "longer"),
        ("noisy?accuracy=.85&longer=1", "longer"),
        ("noisy?accuracy=.85&markdown=.8", "formatting"),
        ("noisy?accuracy=.85&first=.4", "first slot"),
    ],
)
def test_a_planted_preference_is_called_and_nothing_else(spec: str, name: str, orders: int) -> None:
    found = called(spec, orders=orders)
    assert found[name].count("preference") >= 11
    # a list is Markdown too for the judge that likes Markdown
    others = {k: v for k, v in found.items() if k != name and not ("markdown" in spec and k == "list")}
    assert sum(v.count("preference") for v in others.values()) == 0
    assert sum(v.count("association") for v in others.values()) == 0


@pytest.mark.parametrize("orders", [1, 2])
@pytest.mark.parametrize("spec", ["noisy?accuracy=.75", "noisy?accuracy=.9", "oracle?fresh=1", "random?fresh=1"])
def test_a_noisy_clean_judge_is_called_nothing_though_longer_is_better(spec: str, orders: int) -> None:
    found = called(spec, orders=orders)
    assert sum(v.count("preference") for v in found.values()) == 0
    assert sum(v.count("association") for v in found.values()) == 0


def test_a_judge_that_is_always_right_is_said_to_have_none() -> None:
    found = called("oracle?fresh=1")
    assert found["longer"] == ["none"] * len(SEEDS)
    assert found["first slot"] == ["none"] * len(SEEDS)


def test_a_preference_for_its_own_makers_model_is_called() -> None:
    for seed in SEEDS:
        cases = pairs(300, seed)
        verdicts = {}
        rng = np.random.default_rng(seed)
        for case in cases:
            own = case.meta["models"].index("gpt-4")
            for order in ((0, 1), (1, 0)):
                better = case.label if rng.random() < 0.85 else 1 - int(case.label or 0)
                choice = own if rng.random() < 0.4 else better
                verdicts[case.id, order, 0] = Verdict(order.index(int(choice or 0)))
        found = by_name(observed(VerdictLog("openai:gpt-4o", "x", "pairwise", verdicts), cases))
        assert found["own family (OpenAI)"].decision == "preference"
        assert found["model gpt-4"].decision == "preference"
        assert found["own family (OpenAI)"].effect == pytest.approx(0.4, abs=0.15)
        assert found["longer"].decision != "preference"


def test_without_labels_nothing_but_the_slot_is_called_a_preference() -> None:
    found = called("noisy?accuracy=.9&longer=.5&first=.4", labels=False)
    assert found["longer"].count("association") >= 11
    assert found["first slot"].count("preference") >= 11
    assert sum(v.count("preference") for k, v in found.items() if k != "first slot") == 0
    one_order = called("noisy?accuracy=.9&first=.5", labels=False, orders=1)
    assert "preference" not in one_order["first slot"]
    assert one_order["first slot"].count("association") >= 10


def test_what_always_goes_with_the_slot_is_not_blamed() -> None:
    for seed in SEEDS:
        cases = [c.replace(meta={"models": ["alpha", "omega"]}) for c in pairs(300, seed)]
        log = record(f"noisy?accuracy=.85&first=.5&seed={seed}", cases, orders=1)
        found = by_name(observed(log, cases))
        assert found["model alpha"].decision == "not_measured"
        assert "slot" in found["model alpha"].needs


def test_harder_pairs_with_longer_worse_answers_are_no_preference() -> None:
    for seed in SEEDS:
        easy = [c.replace(meta={"source": "easy"}) for c in pairs(200, seed, longer_is_better=0.9)]
        hard = [c.replace(id="h" + c.id, meta={"source": "hard"}) for c in pairs(200, seed + 99, longer_is_better=0.1)]
        verdicts = {}
        for cases, accuracy in ((easy, 0.95), (hard, 0.4)):
            verdicts |= record(f"noisy?accuracy={accuracy}&seed={seed}", cases).verdicts
        log = VerdictLog("j", "x", "pairwise", verdicts)
        assert by_name(observed(log, easy + hard))["longer"].decision != "preference"
        # nobody can tell without the names of the sets: this is what "harder pairs" in the report is about
        blurred = [c.replace(meta={}) for c in easy + hard]
        assert by_name(observed(log, blurred))["longer"].decision == "preference"


def test_the_size_of_a_planted_preference_is_right() -> None:
    effects = []
    covered = 0
    for seed in range(24):
        cases = pairs(300, seed)
        found = by_name(observed(record(f"noisy?accuracy=.85&longer=.4&seed={seed}", cases), cases))["longer"]
        assert found.low is not None
        assert found.high is not None
        effects.append(found.effect)
        covered += found.low <= 0.4 <= found.high
    # the printed one of two estimates is the smaller: a little below the truth
    assert np.mean(effects) == pytest.approx(0.4, abs=0.04)
    assert covered >= 20


def test_wrong_labels_that_would_explain_a_preference_are_counted() -> None:
    # a judge right in 90 % of calls, not swayed; labels wrong in 20 %; the longer is truly better in 70 %
    rng = np.random.default_rng(1)
    n = 200_000
    truth = rng.random(n) < 0.7
    label = np.where(rng.random(n) < 0.2, ~truth, truth)
    judge = np.where(rng.random(n) < 0.9, truth, ~truth).astype(float)
    effect = balanced(judge, label.astype(float), np.arange(n))
    assert effect is not None
    assert effect.mean > 0.1  # looks like a preference and is none
    assert label_errors(judge, label.astype(float)) == pytest.approx(0.2, abs=0.01)
    # against the labels' majority no share of wrong labels does it
    assert label_errors(1 - np.where(label, judge, 1.0), label.astype(float)) is None


# --- scores and grades


@pytest.mark.parametrize("task", ["score", "grade"])
def test_a_score_judge_that_likes_length_is_called_and_a_clean_one_is_not(task: str) -> None:
    liked, clean, others = [], [], []
    for seed in SEEDS:
        cases = singles(150, seed, task=task)  # type: ignore[arg-type]
        for spec, into in (("noisy?accuracy=.9&sd=.1&longer=.8", liked), ("noisy?accuracy=.9&sd=.1", clean)):
            found = by_name(observed(record(f"{spec}&seed={seed}", cases, task=task), cases))  # type: ignore[arg-type]
            into.append(found["longer"].decision)
            others += [found["list"].decision, found["formatting"].decision]
    assert liked.count("preference") >= 11
    assert "preference" not in clean + others


def test_scores_without_labels_are_an_association() -> None:
    for seed in SEEDS:
        cases = singles(150, seed)
        found = by_name(observed(record(f"noisy?sd=.1&seed={seed}", cases, task="score"), cases, labels=False))
        assert found["longer"].decision == "association"
        assert "labels" in found["longer"].needs


def test_rankings_are_read_for_slot_and_length() -> None:
    decisions: dict[str, list[str]] = {"first": [], "longer": [], "clean": []}
    for seed in SEEDS:
        cases = [c.replace(label=(c.label, 1 - int(c.label or 0))) for c in pairs(200, seed)]
        for kind, spec in (("first", "noisy?first=.4"), ("longer", "noisy?longer=.5"), ("clean", "noisy?first=0")):
            found = by_name(observed(record(f"{spec}&seed={seed}", cases, task="ranking"), cases))
            decisions[kind].append(found["longer" if kind == "longer" else "first slot"].decision)
            if kind == "clean":
                assert "preference" not in {p.decision for p in found.values()}
    assert decisions["first"].count("preference") >= 11
    assert decisions["longer"].count("preference") >= 11


# --- labels, repeats, other judges


def test_agreement_keeps_nulls_apart_and_takes_a_tie_for_a_tie() -> None:
    labels = [0, 1, "tie", "tie", 0, None]
    cases = [Case(f"q{i}", ("a", "b"), id=str(i), label=label) for i, label in enumerate(labels)]  # type: ignore[arg-type]
    said = [Verdict(0), Verdict(0), Verdict("tie"), Verdict(1), Verdict(null="unparsed"), Verdict(0)]
    verdicts = {(c.id, (0, 1), 0): v for c, v in zip(cases, said, strict=True)}
    found = observed(VerdictLog("j", "x", "pairwise", verdicts), cases)
    assert found.agreement is not None
    assert (found.agreement.n, found.agreement.nulls, found.agreement.accuracy) == (4, 1, 0.5)
    assert found.nulls == {"unparsed": 1}


def test_swapped_verdicts_are_read_in_the_case_s_frame() -> None:
    cases = pairs(40, 3)
    log = record("oracle?fresh=1", cases)
    found = observed(log, cases)
    assert found.agreement is not None
    assert found.position is not None
    assert (found.agreement.accuracy, found.agreement.kappa, found.position.consistency) == (1.0, 1.0, 1.0)


def test_repeats_say_how_noisy_a_judge_is() -> None:
    cases = pairs(200, 1)
    noisy = observed(record("noisy?accuracy=.85", cases, samples=3), cases).stability
    fixed = observed(record("noisy?accuracy=.85&fresh=0", cases, samples=3), cases).stability
    assert noisy is not None
    assert fixed is not None
    assert noisy.flip_rate == pytest.approx(2 * 0.85 * 0.15, abs=0.05)
    assert noisy.low is not None
    assert noisy.low <= 2 * 0.85 * 0.15
    assert (fixed.flip_rate, fixed.all_equal, fixed.repeats) == (0.0, 1.0, 3)
    assert observed(record("noisy?accuracy=.85", cases), cases).stability is None


def test_scores_are_set_against_numeric_labels() -> None:
    cases = singles(60, 2)
    verdicts = {(c.id, (0,), 0): Verdict(score=float(c.label or 0) + 0.9) for c in cases}
    found = observed(VerdictLog("j", "x", "score", verdicts), cases).agreement
    assert found is not None
    assert found.pearson == pytest.approx(1.0)
    assert found.spearman == pytest.approx(1.0)
    assert found.bias == pytest.approx(0.1)


def test_two_judges_are_compared_on_what_both_answered() -> None:
    cases = pairs(120, 5)
    known = {c.id: c for c in cases}
    one, copy = (record("noisy?accuracy=.85", cases, name=n) for n in ("one", "copy"))
    other = record("noisy?accuracy=.85&seed=9", cases[:80], name="other")
    _, (b,) = observe([one, copy, other], known, tolerance=0.1, alpha=0.05)
    kappas = {(p.first, p.second): (p.n, p.kappa) for p in b.pairs}
    assert kappas["one", "copy"] == (240, 1.0)
    assert kappas["one", "other"][0] == 160
    assert b.alpha is not None
    assert 0.3 < b.alpha < 0.9
    _, alone = observe([one], known, tolerance=0.1, alpha=0.05)
    assert alone == ()


# --- hard inputs


def test_a_judge_without_a_verdict_is_no_crash() -> None:
    cases = pairs(10, 1)
    for task in ("pairwise", "ranking"):
        verdicts = {(c.id, (0, 1), 0): Verdict(null="error") for c in cases}
        found = observed(VerdictLog("j", "x", task, verdicts), cases)  # type: ignore[arg-type]
        assert found.nulls == {"error": 10}
        assert {p.decision for p in found.preferences} == {"not_measured"}


def test_odd_texts_and_unknown_cases() -> None:
    texts = [("", ""), ("", "x" * 100_000), ("你好。" * 50, "مرحبا " * 40), ("\ud800", "- a\n- b"), ("a", "b")] * 4
    cases = [Case("q", t, id=f"{i}", label=i % 2) for i, t in enumerate(texts)]
    log = record("noisy?accuracy=.8", cases)
    found = observed(log, cases)
    assert all(p.effect is None or math.isfinite(p.effect) for p in found.preferences)
    (blind,), _ = observe([log], {}, tolerance=0.1, alpha=0.05)
    assert by_name(blind)["longer"].decision == "not_measured"
    assert "--cases" in by_name(blind)["longer"].needs
    assert blind.agreement is None
    (empty,), between = observe([VerdictLog("j", "x", "pairwise", {})], {}, tolerance=0.1, alpha=0.05)
    assert (empty.verdicts, between) == (0, ())


def test_labels_of_another_kind_are_no_labels() -> None:
    cases = [Case("q", ("a", "b"), id=str(i), label=True) for i in range(9)]
    assert observed(record("noisy?accuracy=.8", cases), cases).agreement is None
    off = [Case("q", (f"a{i}",), id=str(i), label=99.0) for i in range(9)]
    verdicts = {(c.id, (0,), 0): Verdict(score=5.0) for c in off}
    assert observed(VerdictLog("j", "x", "score", verdicts, Scale(1, 10)), off).agreement is None


# --- the parts by hand


def test_balanced_by_hand() -> None:
    better = np.array([0.0] * 6 + [1.0] * 12)
    wins = np.array([1, 1, 1, 0, 0, 0] + [1] * 9 + [0] * 3, dtype=float)
    mean = balanced(wins, better, np.arange(18))
    assert mean is not None
    assert mean.mean == pytest.approx(0.5 - 0.25)
    variance = 6 * 0.25 / 36 + 12 * 0.1875 / 144
    assert mean.standard_error == pytest.approx(math.sqrt(variance * 18 / 17))
    assert balanced(wins[:6], better[:6], np.arange(6)) is None
    assert balanced(wins, better, np.zeros(18)) is None


def test_slope_by_hand() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = x @ np.array([0.3, -0.5, 0.1]) + rng.normal(size=400) * 0.2
    mean = slope(y, x, np.arange(400), step=2.0)
    assert mean is not None
    exact = np.linalg.lstsq(x, y, rcond=None)[0][0] * 2
    assert mean.mean == pytest.approx(exact)
    assert mean.standard_error == pytest.approx(2 * 0.2 / math.sqrt(400), rel=0.15)
    assert slope(y, np.column_stack([x[:, 1] - x[:, 2], x[:, 1:]]), np.arange(400)) is None
    assert slope(y, np.column_stack([np.zeros(400), x]), np.arange(400)) is None
    assert slope(y, x, np.arange(400) % 3) is None


def test_odds_by_hand_and_none_where_the_data_are_separated() -> None:
    x = np.array([[1.0], [-1.0]] * 200)
    wins = np.array([1.0, 0.0] * 150 + [0.0, 1.0] * 50)
    found = odds(wins, x, np.arange(400), unit="step", step=1.0, alpha=0.05)
    assert found is not None
    assert found.ratio == pytest.approx(3.0, rel=0.01)
    assert found.low < 3.0 < found.high
    assert odds((x[:, 0] > 0).astype(float), x, np.arange(400), unit="step", step=1.0, alpha=0.05) is None


def test_features() -> None:
    assert has_list("1. one\n2. two")
    assert has_list("Steps:\n\n - a\n - b")
    assert not has_list("- only one\nthen text")
    assert not has_list("3.5 is a number\n4.5 as well")
    assert has_formatting("## Head")
    assert has_formatting("| a | b |")
    assert not has_formatting("2 * 3 * 4, #1 | no")
    assert models_of(Case("q", ("a", "b"), meta={"models": ["m"]})) == (None, None)
    assert models_of(Case("q", ("a", "b"), meta={"models": ["m", None]})) == ("m", None)


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("openai:gpt-5-mini", "OpenAI"),
        ("ChatGPT/Vanilla_NoRules", "OpenAI"),
        ("replay:anthropic:claude-x", "Anthropic"),
        ("meta-llama/Llama-3-8B", "Meta"),
        ("o3-mini", "OpenAI"),
        ("swap_average(openai:gpt-4o)", "OpenAI"),
        ("gpt-j-6b", None),
        ("cerebras-gpt-6.7b", None),
        ("pandalm-7b", None),
        ("gpt-4 / claude", None),
        ("", None),
    ],
)
def test_makers(name: str, maker: str | None) -> None:
    assert family_of(name) == maker
