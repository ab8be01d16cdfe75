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
    for name in ("pandalm", "mt_bench_absolute", "topicalchat_usr"):
        public_data(name)
    found = list(script.anchors(data))
    assert script.PAGE.read_text(encoding="utf-8") == script.page(found)
    exact = [a for a in found if a.published is not None and a.data != "FairEval"]
    assert len(exact) >= 5
    assert all(a.ours == pytest.approx(a.published, abs=1e-9) for a in exact)
    (conflict,) = [a for a in found if a.data == "FairEval"]
    assert conflict.ours == pytest.approx(54 / 66)
