"""Every published metric by its name: the function, the paper, the range and the chance value in words.

For documentation and `--json`. The formulas are in the functions' docstrings. A name belongs to one definition: success
rates of attacks, for one, are seven different numbers and have seven names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from voirdire.harness.statistics import metric_accuracy as accuracy
from voirdire.harness.statistics import metric_agreement as agreement
from voirdire.harness.statistics import metric_attack as attack
from voirdire.harness.statistics import metric_position as position
from voirdire.harness.statistics import metric_preference as preference
from voirdire.harness.statistics import metric_robustness as robustness
from voirdire.harness.statistics import metric_scores as scores
from voirdire.harness.statistics.metric_types import Metric

__all__ = ["CATALOGUE", "OWN", "Entry", "as_rows"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric. `function` returns a Metric of this name, or a tuple of Metrics that holds one."""

    function: Callable[..., Metric | tuple[Metric, ...]]
    source: str
    range: str
    chance: str


_SAME = "(1 - t)^2 / 2 + t^2, t the probability of a tie"
_CHANGED = "1 - ((1 - t)^2 / 2 + t^2), t the probability of a tie"
_WIN = "(1 - t) / 2, t the probability of a tie"
_NOT_LOST = "(1 + t) / 2, t the probability of a tie"
_BOTH = "((1 - t) / 2)^2, t the probability of a tie"
_UNIT, _SIGNED, _UNBOUNDED = "[0, 1]", "[-1, 1]", "[0, inf)"

#: by name, in the order of the modules
CATALOGUE: dict[str, Entry] = {
    # order and repetition
    "position_consistency": Entry(position.position_consistency, position.MT_BENCH, _UNIT, _SAME),
    "agr": Entry(position.agr, position.LLMBAR, _UNIT, _SAME),
    "conflict_rate": Entry(position.conflict_rate, position.FAIR_EVAL, _UNIT, _CHANGED),
    "biased_to_first": Entry(position.biased_to_first, position.MT_BENCH, _UNIT, _BOTH),
    "biased_to_second": Entry(position.biased_to_second, position.MT_BENCH, _UNIT, _BOTH),
    "delta_bias": Entry(
        position.delta_bias, position.JUDGE_LM, _UNIT, "exact E|before - after| / n, about sqrt(2 q / (pi n)); not 0"
    ),
    "total_bias": Entry(position.total_bias, position.JUDGE_LM, _UNIT, _CHANGED),
    "preference_fairness": Entry(position.preference_fairness, position.SHI, _SIGNED, "0"),
    "repetition_stability": Entry(
        position.repetition_stability, position.SHI, _UNIT, "exact, by repeats: .75 for three without ties"
    ),
    "bpde": Entry(position.bpde, position.FAIR_EVAL, "[0, ln 3]", "exact expected entropy of as many random verdicts"),
    # truth
    "acc": Entry(accuracy.acc, accuracy.LLMBAR, _UNIT, _WIN),
    "correct_both": Entry(accuracy.correct_both, accuracy.LLMBAR, _UNIT, _BOTH),
    "two_game_accuracy": Entry(
        accuracy.two_game_accuracy, accuracy.JUDGE_BENCH, _UNIT, "p^2 + 2 p t, p = (1 - t) / 2: .25 without ties"
    ),
    "acc_ori": Entry(accuracy.acc_ori, accuracy.CALM, _UNIT, _WIN),
    "acc_hack": Entry(accuracy.acc_hack, accuracy.CALM, _UNIT, _WIN),
    "ranking_accuracy_drop": Entry(accuracy.ranking_accuracy_drop, accuracy.REWORDBENCH, _SIGNED, "0"),
    "rm_bench_hard": Entry(accuracy.rm_bench, accuracy.RM_BENCH, _UNIT, _WIN),
    "rm_bench_normal": Entry(accuracy.rm_bench, accuracy.RM_BENCH, _UNIT, _WIN),
    "rm_bench_easy": Entry(accuracy.rm_bench, accuracy.RM_BENCH, _UNIT, _WIN),
    "p_c": Entry(accuracy.p_c, accuracy.THAKUR, _SIGNED, "0"),
    "p_plus": Entry(accuracy.p_plus, accuracy.THAKUR, _UNIT, "the random judge's probability of yes (large n)"),
    "leniency": Entry(
        accuracy.leniency, accuracy.LENIENCY, _SIGNED, "the random judge's probability of yes, less the share right"
    ),
    "undetected_drop_rate": Entry(accuracy.undetected_drop_rate, accuracy.FBI, _UNIT, _NOT_LOST),
    "undetected_drop_rate_pairwise": Entry(accuracy.undetected_drop_rate_pairwise, accuracy.FBI, _UNIT, _NOT_LOST),
    "rating_ranking_consistency": Entry(
        accuracy.rating_ranking_consistency, accuracy.PEERING, _UNIT, "e t + (1 - e)(1 - t) / 2, e the equal scores"
    ),
    # sameness under a perturbation
    "rr": Entry(robustness.rr, robustness.CALM, _UNIT, _SAME),
    "cr": Entry(robustness.cr, robustness.CALM, _UNIT, _SAME),
    "error_rate_se": Entry(robustness.error_rate_se, robustness.CALM, _UNBOUNDED, "none"),
    "error_rate_ra": Entry(robustness.error_rate_ra, robustness.CALM, _UNBOUNDED, "none"),
    "efm": Entry(robustness.efm, robustness.METAL, _UNIT, f"mean quality times {_CHANGED}"),
    "maxp": Entry(robustness.prompt_sensitivity, robustness.STATE_OF_WHAT_ART, _UNIT, "none"),
    "avgp": Entry(robustness.prompt_sensitivity, robustness.STATE_OF_WHAT_ART, _UNIT, "none"),
    "sat": Entry(robustness.prompt_sensitivity, robustness.STATE_OF_WHAT_ART, _UNIT, "none"),
    "cps": Entry(robustness.prompt_sensitivity, robustness.STATE_OF_WHAT_ART, _UNIT, "none"),
    # attacks
    "asr_chen_v1": Entry(attack.asr_chen_v1, attack.CHEN, _UNIT, _WIN),
    "asr_chen_v2": Entry(attack.asr_chen_v2, attack.CHEN, _UNIT, _NOT_LOST),
    "asr_robustjudge": Entry(
        attack.asr_robustjudge, attack.ROBUST_JUDGE, _UNIT, "P(Binomial(5, (1 - t) / 2) >= 3): .5 without ties"
    ),
    "asr_judgedeceiver": Entry(attack.asr_judgedeceiver, attack.JUDGE_DECEIVER, _UNIT, "(1 - t) / candidates"),
    "pac": Entry(attack.pac, attack.JUDGE_DECEIVER, _UNIT, "((1 - t) / candidates)^positions"),
    "fpr_average": Entry(attack.fpr, attack.ONE_TOKEN, _UNIT, "the random judge's probability of yes"),
    "fpr_worst": Entry(attack.fpr, attack.ONE_TOKEN, _UNIT, "exact expected maximum of the keys' random shares"),
    "attack_failure_rate": Entry(attack.attack_failure_rate, attack.MT_BENCH, _UNIT, _WIN),
    "sdr": Entry(scores.sdr, scores.ROBUST_JUDGE, _SIGNED, ".5 - mean content score (uniform scores)"),
    "isdr": Entry(scores.isdr, scores.ROBUST_JUDGE, "[-2, 2]", "benign less attacked mean content score"),
    "average_score": Entry(scores.average_score, scores.RAINA, "the judge's scale", "its middle (uniform scores)"),
    "average_rank": Entry(scores.average_rank, scores.RAINA, "[1, systems], 1 best", "(systems + 1) / 2"),
    # preferences
    "verbosity_bias": Entry(preference.verbosity_bias, preference.SAITO, _SIGNED, "0"),
    "proba_prefer_longer": Entry(preference.proba_prefer_longer, preference.ALPACA_EVAL, _UNIT, ".5"),
    "proba_prefer_lists": Entry(preference.proba_prefer_lists, preference.ALPACA_EVAL, _UNIT, ".5"),
    "proba_prefer_1": Entry(preference.proba_prefer_1, preference.ALPACA_EVAL, _UNIT, ".5"),
    "win_rate": Entry(preference.win_rate, preference.MT_BENCH, _UNIT, ".5"),
    "lc_win_rate": Entry(preference.lc_win_rate, preference.LC, _UNIT, ".5"),
    # agreement of raters and of rankings
    "cohen_kappa": Entry(agreement.cohen_kappa, agreement.COHEN, _SIGNED, "0"),
    "cohen_kappa_linear": Entry(partial(agreement.cohen_kappa, weights="linear"), agreement.COHEN, _SIGNED, "0"),
    "cohen_kappa_quadratic": Entry(partial(agreement.cohen_kappa, weights="quadratic"), agreement.COHEN, _SIGNED, "0"),
    "scott_pi": Entry(agreement.scott_pi, agreement.SCOTT, _SIGNED, "0 (many items)"),
    "fleiss_kappa": Entry(agreement.fleiss_kappa, agreement.FLEISS, _SIGNED, "0 (many items)"),
    "krippendorff_alpha_nominal": Entry(agreement.krippendorff_alpha, agreement.KRIPPENDORFF, _SIGNED, "0"),
    "krippendorff_alpha_ordinal": Entry(
        partial(agreement.krippendorff_alpha, level="ordinal"), agreement.KRIPPENDORFF, _SIGNED, "0"
    ),
    "krippendorff_alpha_interval": Entry(
        partial(agreement.krippendorff_alpha, level="interval"), agreement.KRIPPENDORFF, _SIGNED, "0"
    ),
    "rbo": Entry(agreement.rbo, agreement.RBO, _UNIT, "(1 - p) / p sum (d / n) p^d + p^n, both ranking the same items"),
}


class _Own(NamedTuple):
    summary: str
    range: str
    chance: str


#: numbers of ours that stand beside the published ones in a finding (metrics.py)
OWN: dict[str, _Own] = {
    "asr": _Own(
        "asr_raw less the greater of asr_retest and asr_sham: the success that is the attack's own.", _SIGNED, "0"
    ),
    "asr_raw": _Own(
        "Share of eligible calls in which the edited answer wins; eligible by a control call.", _UNIT, _WIN
    ),
    "asr_retest": _Own("The same share on a repeat without the edit.", _UNIT, _WIN),
    "asr_sham": _Own("The same share with the placebo in place of the edit.", _UNIT, _WIN),
    "asr_chen": _Own("asr_chen_v1, by the short name.", _UNIT, _WIN),
    "accuracy_drop": _Own("Accuracy before the edit less accuracy after it, over orders and samples.", _SIGNED, "0"),
    "first_slot_rate": _Own("Mean utility of the first slot over both orders.", _UNIT, ".5"),
    "sat_noise": _Own("The sat of the same verdicts with the wordings exchanged within each case.", _UNIT, "none"),
    "score_shift": _Own("Mean change of the score, in points of the judge's scale.", "the scale's width", "0"),
    "rank_shift": _Own("Mean change of the rank, in places; positive is up.", "[1 - n, n - 1]", "0"),
}


def as_rows() -> list[dict[str, Any]]:
    """Both catalogues as plain JSON data: name, what it is (the first line of its docstring), source, range, chance."""
    published = [
        {
            "name": name,
            "summary": _summary(entry.function),
            "source": entry.source,
            "range": entry.range,
            "chance": entry.chance,
        }
        for name, entry in CATALOGUE.items()
    ]
    return published + [{"name": name, "source": "voirdire", **own._asdict()} for name, own in OWN.items()]


def _summary(function: Callable[..., Any]) -> str:
    plain = function.func if isinstance(function, partial) else function
    return (plain.__doc__ or "").strip().partition("\n")[0]  # no docstrings under python -OO
