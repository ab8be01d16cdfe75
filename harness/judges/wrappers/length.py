"""`length_control(JUDGE; phi=1.2, characters=300, k=5)`: the judge's verdict with its taste for length taken out.

AlpacaEval's length-controlled win rate models the log-odds of a win as quality + phi * tanh(difference of lengths /
its standard deviation) and reports what is left without the second term. Here the same term is taken out of each
verdict: of the judge's probability, or of the share of its `k` votes (with half a vote added to either side, since a
share of 1 has no log-odds). `fit_length(cases, verdicts)` estimates `phi` and `characters` from labelled cases, where
the label holds the quality still.

What it cannot do: give back information. Where every vote is for the longer answer there is nothing to correct but the
smoothing, so few votes of a strongly biased judge are corrected little.

Source: Dubois et al. 2024, arXiv:2404.04475.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.averaging import MOST_SAMPLES, samples_of
from voirdire.harness.judges.wrappers.base import WrappedJudge, need_task, wrapped
from voirdire.harness.judges.wrappers.calls import Question, Session
from voirdire.harness.judges.wrappers.combine import null_of, outcome_shares
from voirdire.harness.verdicts import Verdict

__all__ = ["fit_length", "length_control", "length_term"]

_STEPS = 50
#: keeps log-odds finite where the judge is certain
_FLOOR = 1e-6


def length_term(case: Case, characters: float) -> float:
    """tanh of the first response's surplus of characters, in units of `characters`: -1 to 1."""
    first, second = map(len, case.responses)
    return math.tanh((first - second) / characters)


def length_control(judge: Judge, *, phi: float, characters: float, k: int = 5) -> WrappedJudge:
    """`judge` without the part of its log-odds that length explains.

    `phi`: log-odds that go to an answer which is much the longer, of any sign. `characters`: the difference of lengths
    that counts as one unit, above 0. `k`: samples, of judges that give no probabilities. Pairs only; raises UsageError.
    """
    need_task("length_control", judge, "pairwise", hint="One answer is not longer than another.")
    if not math.isfinite(phi):
        raise UsageError(f"length_control: phi={phi:g} must be a finite number of log-odds")
    if not (math.isfinite(characters) and characters > 0):
        raise UsageError(f"length_control: characters={characters:g} must be above 0")
    if not 1 <= k <= MOST_SAMPLES:
        raise UsageError(f"length_control: k={k} must be a number from 1 to {MOST_SAMPLES}")

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await session.ask(Question(0, case, s) for s in samples_of(judge, k, sample))
        null = null_of(verdicts)
        if null is not None:
            return null
        p = _first_wins([v for v in verdicts if v.null is None])
        controlled = _logistic(_log_odds(p) - phi * length_term(case, characters))
        odds = {"0": controlled, "1": 1.0 - controlled}
        if abs(controlled - 0.5) < _FLOOR:
            return Verdict(choice="tie", probabilities=odds)
        return Verdict(choice=int(controlled < 0.5), probabilities=odds)

    params = {"phi": phi, "characters": characters, "k": k}
    return wrapped("length_control", [judge], decide, asks=k, params=params)


def _first_wins(verdicts: Sequence[Verdict]) -> float:
    """The probability that the first response wins, a tie counting half."""
    shares = outcome_shares(verdicts)
    p = shares["0"] + 0.5 * shares["tie"]
    if all(v.probabilities is not None for v in verdicts):
        return p
    return (p * len(verdicts) + 0.5) / (len(verdicts) + 1)


def _log_odds(p: float) -> float:
    p = min(1.0 - _FLOOR, max(_FLOOR, p))
    return math.log(p / (1.0 - p))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


def fit_length(cases: Iterable[Case], verdicts: Iterable[Verdict | None]) -> tuple[float, float]:
    """`phi` and `characters` of a judge, from its verdicts on labelled pairs: a logistic regression of "the first wins"
    on the label (+1 or -1), the length term, and an intercept for the slot, with a weak ridge (1 on each slope).

    Cases without a label, ties, and nulls are left out. Show both orders of each case, or slot and length mix. Raises
    ValueError below 20 usable verdicts, or where all answers are equally long.
    """
    rows: list[tuple[float, Case, float]] = []
    for case, verdict in zip(cases, verdicts, strict=True):
        label = case.label
        if verdict is None or verdict.null is not None or isinstance(label, bool) or label not in (0, 1):
            continue
        won = outcome_shares([verdict])
        rows.append((1.0 if label == 0 else -1.0, case, won["0"] + 0.5 * won["tie"]))
    if len(rows) < 20:
        raise ValueError(f"a length term needs 20 verdicts on labelled pairs or more, got {len(rows)}")
    surplus = [len(case.responses[0]) - len(case.responses[1]) for _, case, _ in rows]
    characters = math.sqrt(math.fsum(d * d for d in surplus) / len(surplus))
    if characters == 0.0:
        raise ValueError("all answers are equally long, so nothing tells what length does")
    features = [(1.0, sign, length_term(case, characters)) for sign, case, _ in rows]
    return _ridge_logistic(features, [y for _, _, y in rows])[2], characters


def _ridge_logistic(x: Sequence[tuple[float, ...]], y: Sequence[float]) -> list[float]:
    """Newton's method; the first column is the intercept and not shrunk."""
    import numpy as np

    design, won = np.asarray(x), np.asarray(y)
    shrink = np.diag([0.0] + [1.0] * (design.shape[1] - 1))
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        gradient = design.T @ (won - p) - shrink @ beta
        curvature = (design * (p * (1 - p))[:, None]).T @ design + shrink + 1e-9 * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        beta = beta + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-9:
            break
    return [float(b) for b in beta]
