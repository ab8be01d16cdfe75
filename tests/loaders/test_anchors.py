"""docs/anchors.md is what the data give. Skipped where the data is absent."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "scripts" / "make_anchors.py"
    spec = importlib.util.spec_from_file_location("make_anchors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_anchors"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_data_give(script: ModuleType, public_data: Callable[[str], Path]) -> None:
    data = public_data("llmbar").parent
    for name in ("pandalm", "mt_bench_absolute", "topicalchat_usr", "judgebench", "evalbiasbench"):
        public_data(name)
    found = list(script.anchors(data))
    assert script.PAGE.read_text(encoding="utf-8") == script.page(found)
    mocks = [a for a in found if a.judge.startswith("mock:")]
    exact = [a for a in found if a.published is not None and a.data != "FairEval" and a not in mocks]
    assert len(exact) >= 17
    assert all(a.ours == pytest.approx(a.published, abs=1e-9) for a in exact)
    (conflict,) = [a for a in found if a.data == "FairEval"]
    assert conflict.ours == pytest.approx(54 / 66)
    # three known accuracies, each within three standard errors
    errors = [float(a.why.rsplit(" ", 1)[1]) for a in mocks]
    assert len(mocks) == 3
    assert all(abs(a.ours - 0.8) < 3 * e for a, e in zip(mocks, errors, strict=True))
    ranks = [a.ours for a in found if a.metric.startswith("average rank")]
    assert ranks == pytest.approx([2.0333, 4.75, 4.25, 4.0833, 4.1833, 1.7], abs=5e-5)
    stable = [round(a.ours, 3) for a in found if a.data == "MT-bench, absolute"]
    assert stable == [0.441, 0.798, 0.815]
