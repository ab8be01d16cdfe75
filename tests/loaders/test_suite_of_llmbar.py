"""The suite `llmbar` on the paper's own pairs, judged by its own recorded judges, gives the paper's own numbers.

The whole way is gone: loader, plan, replay, statistics, report document. Skipped where the data is absent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from voirdire._compose import AuditRequest, audit_async
from voirdire.suites.loaders import recorded_judge
from voirdire.suites.loading import load_suite

FILES = {
    "Natural": "LLMBar/Natural.json",
    "Neighbor": "LLMBar/Adversarial/Neighbor.json",
    "FairEval": "Processed/FairEval.json",
    "MT-Bench": "Processed/MT-Bench.json",
}


@pytest.mark.parametrize("data", FILES)
@pytest.mark.parametrize("judge", ["ChatGPT", "PaLM2"])
def test_published_numbers_come_out(public_data: Callable[[str], Path], judge: str, data: str) -> None:
    root = public_data("llmbar")
    file = root / FILES[data]
    found = next(p for p in (file, *file.with_suffix("").glob("*.json")) if p.is_file())
    replay = recorded_judge(f"llmbar:{root / 'recorded_verdicts.jsonl.gz'}?judge={judge}/Vanilla_NoRules")
    # edited answers were never shown to these judges, so only the order is asked
    request = AuditRequest(
        cases=f"llmbar:{found}", suite="llmbar", probes=["order.swap"], samples=1, cache=None, minimise=0
    )
    audit = asyncio.run(audit_async(replay, request)).audit
    assert audit.paper is not None
    ours = {m.metric: m for m in audit.paper.metrics}
    published = [p for p in load_suite("llmbar").paper.published if (p.judge, p.note) == (judge, data)]  # type: ignore[union-attr]
    assert {p.metric for p in published} == {"acc", "agr", "biased_to_first"}
    for number in published:
        metric = ours[number.metric]
        assert metric.value is not None
        whole = metric.n + metric.left_out
        # The paper counts a verdict that could not be read as wrong, here its pair is left out; without one the numbers
        # are the same to the tenth of a per cent that was printed.
        least, most = (metric.value * metric.n / whole, (metric.value * metric.n + metric.left_out) / whole)
        assert least - 0.00051 <= number.value <= most + 0.00051
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= number.value <= metric.high
    if judge == "ChatGPT" and data != "MT-Bench":
        assert {m.left_out for m in ours.values()} == {0}
