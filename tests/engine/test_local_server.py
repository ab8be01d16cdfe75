"""A whole audit of a real OpenAI-compatible server: the local model's own, over loopback HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from voirdire.harness.errors import UsageError
from voirdire.harness.judges import models

pytestmark = [pytest.mark.local_model, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The base URL of SmolLM2, served by the runtime's own HTTP server."""
    xllamacpp = pytest.importorskip("xllamacpp")
    try:
        models.require("smollm2")
    except UsageError as error:
        pytest.skip(error.message)
    params = xllamacpp.CommonParams()
    params.model.path = str(models.find("smollm2"))
    params.model_alias = {"smollm2"}
    params.offline, params.warmup, params.verbosity = True, False, -1
    params.n_ctx, params.n_parallel, params.cache_ram_mib = 4096, 1, 0
    params.api_keys = ["sk-loopback"]
    running = xllamacpp.Server(params)
    yield f"{running.listening_address}/v1"
    del running


def test_the_real_server_is_audited_from_end_to_end(server: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": "sk-loopback", "HOME": str(tmp_path)}
    command = [
        sys.executable, "-m", "voirdire", "audit", "--judge", "openai:smollm2", "--base-url", server, "--suite", "demo",
        "--limit", "2", "--prompt", "pairwise-letter", "--param", "max_tokens=4", "--concurrency", "2", "--yes",
        "--minimise", "0",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode in (0, 4), done.stderr
    record = json.loads((tmp_path / "voirdire-report" / "audit.json").read_text())
    calls = record["calls"]
    assert calls["made"] == calls["planned"] > 0
    assert calls["errors"] == 0
    assert calls["tokens"] > 1000
    assert record["judge"]["served_model"]
    assert "sk-loopback" not in "".join(p.read_text(errors="ignore") for p in tmp_path.rglob("*") if p.is_file())
    again = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert again.returncode == done.returncode
    calls = json.loads((tmp_path / "voirdire-report" / "audit.json").read_text())["calls"]
    assert (calls["made"], calls["cached"]) == (0, calls["planned"])


def test_a_wrong_key_ends_at_once(server: str, tmp_path: Path) -> None:
    environment = {**os.environ, "OPENAI_API_KEY": "sk-wrong", "HOME": str(tmp_path)}
    command = [
        sys.executable, "-m", "voirdire", "audit", "--judge", "openai:smollm2", "--base-url", server, "--suite", "demo",
        "--limit", "2", "--yes",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 4
    assert "key" in done.stderr
    assert "sk-wrong" not in done.stderr
