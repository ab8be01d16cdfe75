"""From measured features to calls: which preferences stand, with one error rate a judge.

A preference is called only if every contrast of it lies beyond the tolerance on the same side (the largest p counts,
Holm over the judge's preferences), and "none" only if every printed interval lies within. What nothing holds quality
fixed for is called an association and never a preference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voirdire.harness.observations import Basis, Call, Odds, Preference
from voirdire.harness.statistics.decisions import Contrast, holm
from voirdire.harness.statistics.means import Mean

__all__ = ["Measured", "decide"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One feature before the decision. `means` are the effects that must all stand; none at all: `needs` says why."""

    name: str
    basis: Basis = "raw"
    means: Sequence[Mean] = ()
    needs: str = ""
    share: Mean | None = None
    odds: Odds | None = None
    label_errors: float | None = None
    step: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)

    def p(self, tolerance: float) -> float:
        """p of "within the tolerance": the largest of the parts; 1 where they point to different sides."""
        if len({m.mean > 0 for m in self.means}) > 1:
            return 1.0
        return max(Contrast(self.name, m, tolerance, two_sided=True).p for m in self.means)


def decide(measured: Sequence[Measured], *, tolerance: float, alpha: float) -> tuple[Preference, ...]:
    """A Preference for each of `measured`, in the same order."""
    tested = [m for m in measured if m.means]
    p = [m.p(tolerance) for m in tested]
    adjusted = dict(zip((id(m) for m in tested), zip(p, holm(p), strict=True), strict=True))
    return tuple(
        _decided(m, *adjusted[id(m)], tolerance, alpha) if m.means else _unmeasured(m, tolerance, alpha)
        for m in measured
    )


def _unmeasured(m: Measured, tolerance: float, alpha: float) -> Preference:
    share, low, high = _ends(m.share, alpha / 2)
    return Preference(
        m.name,
        m.basis,
        "not_measured",
        m.needs,
        level=1 - alpha,
        tolerance=tolerance,
        n=m.share.count if m.share is not None else 0,
        share=share,
        share_low=low,
        share_high=high,
        metrics=m.metrics,
    )


def _ends(mean: Mean | None, half: float) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if mean is None else (mean.mean, mean.lower(half), mean.upper(half))


def _decided(m: Measured, p: float, adjusted: float, tolerance: float, alpha: float) -> Preference:
    half = alpha / 2
    # the part nearest to nothing is what the call hangs on, so it is the one that is printed
    leading = min(m.means, key=lambda mean: abs(mean.mean))
    decision: Call
    if adjusted < alpha:
        decision = "association" if m.basis == "raw" else "preference"
    elif all(Contrast(m.name, mean, tolerance, two_sided=True).holds(half) for mean in m.means):
        decision = "none"
    else:
        decision = "open"
    share, low, high = _ends(m.share, half)
    called = decision == "preference" and m.basis == "labels"
    return Preference(
        name=m.name,
        basis=m.basis,
        decision=decision,
        needs=m.needs,
        effect=leading.mean,
        low=leading.lower(half),
        high=leading.upper(half),
        level=1 - alpha,
        tolerance=tolerance,
        p=p,
        p_adjusted=adjusted,
        n=leading.count,
        share=share,
        share_low=low,
        share_high=high,
        odds=m.odds,
        label_errors=m.label_errors if called else None,
        step=m.step,
        metrics=m.metrics,
    )
