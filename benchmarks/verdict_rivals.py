"""Seconds that judgekit and judgecal need for the interval of a judge's slot preference: what table.py sets its own
beside.

It reads `[["q1", true], ["q1", false], ...]` on standard input, an item and whether the first answer won, and writes
`{"judgekit": {"version": "...", "seconds": 0.2}, ...}`; a library that is not installed is left out. It imports nothing
of voirdire. Each resamples items, as it does in its own audits, with its own number of draws. Times are of the
processor.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["seconds"]

_Rows = Sequence[tuple[str, bool]]


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def judgekit(rows: _Rows) -> float:
    from judgekit.bias import position_preference  # type: ignore[import-not-found]
    from judgekit.schema import PairwiseVerdict  # type: ignore[import-not-found]

    made = [
        PairwiseVerdict(item_id=item, swapped=bool(k % 2), choice="a" if first != bool(k % 2) else "b")
        for k, (item, first) in enumerate(rows)
    ]
    return min(seconds(lambda: position_preference(made)) for _ in range(3))


def judgecal(rows: _Rows) -> float:
    import pandas as pd
    from judgecal.stats.bootstrap import cluster_bootstrap_ci  # type: ignore[import-not-found]

    frame = pd.DataFrame([{"item": item, "first": float(first)} for item, first in rows])

    def rate(sample: Any) -> float:
        return float(sample["first"].mean())

    return min(seconds(lambda: cluster_bootstrap_ci(frame, rate, "item", null_value=0.5)) for _ in range(3))


def main() -> int:
    rows = json.load(sys.stdin)
    found = {}
    for name, measure in (("judgekit", judgekit), ("judgecal", judgecal)):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = {"version": version, "seconds": measure(rows)}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
