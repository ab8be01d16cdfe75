"""`voirdire models`: what is installed, whose it is, and how to get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from voirdire.harness.judges import models


@pytest.mark.parametrize(
    ("weights", "runtime", "state"),
    [
        (True, "1.2", "installed"),
        (True, None, "voirdire models get qwen   (only the runtime is missing)"),
        (False, "1.2", "voirdire models get qwen   (1,093 MB)"),
        (False, None, "voirdire models get qwen   (1,093 MB)"),
    ],
)
def test_a_model_is_installed_if_weights_and_runtime_are(
    voirdire: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, weights: bool, runtime: str | None, state: str
) -> None:
    monkeypatch.setattr(models, "installed", lambda: [models.model("qwen")] if weights else [])
    monkeypatch.setattr(models, "runtime_version", lambda: runtime)
    ran = voirdire("models")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert f"  {'qwen':<10} {state}" in lines
    assert max(map(len, lines)) <= 80


def test_every_model_is_told_with_its_licence_and_its_makers(voirdire: Callable[..., Any]) -> None:
    out = " ".join(voirdire("models").out.split())
    for row in models.known():
        for text in (row.licence, row.attribution, row.homepage, row.title):
            assert text in out
