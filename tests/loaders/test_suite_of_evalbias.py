"""The suite `evalbias` on the paper's pairs measures each of its six biases by itself. Skipped without the data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from voirdire._compose import AuditRequest, audit_async
from voirdire.harness.judges.mock import mock_judge


def test_every_bias_of_the_paper_has_its_own_accuracy(public_data: Callable[[str], Path]) -> None:
    cases = f"evalbiasbench:{public_data('evalbiasbench') / 'biasbench.json'}"
    request = AuditRequest(cases=cases, suite="evalbias", probes=["order.swap"], cache=None, minimise=0)
    audit = asyncio.run(audit_async(mock_judge("noisy?accuracy=.8"), request)).audit
    assert audit.paper is not None
    parts = {m.group: m for m in audit.paper.metrics if m.metric == "acc" and m.group}
    assert {group: m.n for group, m in parts.items()} == {
        "length bias": 17,
        "concreteness": 14,
        "empty reference": 13,
        "content_continuation": 12,
        "nested_instruction": 12,
        "familiar knowledge preference bias": 12,
    }
    for metric in parts.values():
        assert metric.low is not None
        assert metric.high is not None
        # by 12 to 17 pairs the accuracy is known to about a fifth, and the judge's is .8 whatever the bias
        assert metric.low - 0.05 <= 0.8 <= metric.high + 0.05
    assert all(p.group in parts for p in audit.paper.published)
    assert not any("evalbiasbench:FILE" in text for text in audit.warnings)
