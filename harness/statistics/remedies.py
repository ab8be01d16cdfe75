"""What other runs show of ways to mend a judge: of the probes that it violates, which does the changed judge do better?

Every run is set beside the judge's own; a probe counts as better if it is shown to have less bias, after Holm over all
measures of the two runs, and the interval of its difference excludes zero. The result is plain JSON data, which lies in
an audit under `metrics["remedies"]`, so that a report rendered later says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voirdire.harness.statistics.side_by_side import ACCURACY, Difference, Line, StoredRun, balance, side_by_side

__all__ = ["remedies"]


def remedies(first: StoredRun, others: Sequence[StoredRun], *, alpha: float = 0.05) -> list[dict[str, Any]]:
    """One entry a run of `others`, against `first`, whose audit must be known; violated probes that both have."""
    return [_remedy(first, other, alpha) for other in others]


def _remedy(first: StoredRun, other: StoredRun, alpha: float) -> dict[str, Any]:
    assert first.audit is not None
    lines = side_by_side((first, other), alpha=alpha)
    better = set(balance(lines, 1, alpha=alpha).better)
    violated = {f.probe for f in first.audit.findings.decided("violated")}
    by_name = {line.probe: line for line in lines}
    accuracy = by_name[ACCURACY].differences[1] if ACCURACY in by_name else None
    return {
        "judge": other.judge,
        "path": other.path,
        "asks": other.asks,
        "accuracy": None if accuracy is None else _difference(accuracy),
        "probes": [_probe(line, line.probe in better) for line in lines if line.probe in violated and _known(line)],
    }


def _known(line: Line) -> bool:
    return line.differences[1] is not None


def _probe(line: Line, better: bool) -> dict[str, Any]:
    found = line.differences[1]
    assert found is not None
    excludes_zero = found.low > 0 or found.high < 0
    return {
        "probe": line.probe,
        "before": line.effects[0],
        "after": line.effects[1],
        **_difference(found),
        "better": better and excludes_zero,
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {"change": found.value, "low": found.low, "high": found.high, "paired": found.paired}
