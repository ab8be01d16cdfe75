"""Damage to recordings and call records of our own: read, or refused with an error that names file and line."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.suites.loaders.logs import open_log

RECORDING = [
    {"schema": "voirdire.replay/1", "task": "score", "scale": [1, 10], "judge": "m", "deterministic": True},
    {"id": "a", "order": [0], "sample": 0, "verdict": {"score": 7.0, "rationale": "so"}},
    {"shown": "0" * 64, "case": "b", "sample": 0, "verdict": {"null": "unparsed", "reason": "no"}},
]
CALLS = [
    {"call": 0, "case": "a", "order": [0, 1], "edited": False, "sample": 0, "content": "x", "choice": 0},
    {"call": 1, "case": "a", "order": [1, 0], "edited": False, "sample": 0, "content": "y", "null": "error"},
    {"call": 2, "case": "a", "order": [0, 1], "edited": True, "sample": 0, "content": "z", "choice": "tie"},
]
AUDIT = {
    "judge": {"spec": "mock:noisy", "task": "pairwise", "scale": {"low": 1, "high": 10}},
    "cases": {"path": "built-in"},
}
REMOVE = object()
VALUES = st.one_of(
    st.just(REMOVE),
    st.none(),
    st.booleans(),
    st.sampled_from(
        [-1, 3, 10**400, 1e308, "", "A", "tie", "\ud800", "error", [], {}, [[]], [0, 0], [1e9], {"low": 3}]
    ),
    st.sampled_from(
        [
            {"score": 10**400},
            {"choice": 0, "score": 1},
            {"usage": 3},
            {"probabilities": [1]},
            {"x": 1},
            {"score": 3, "margin": 10**400},
        ]
    ),
    st.text(max_size=5),
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(p for k, v in inner for p in places(v, (*way, k)))]


def damage(content: Any, data: st.DataObject) -> tuple[Any, tuple[Any, ...]]:
    content = json.loads(json.dumps(content))
    way = data.draw(st.sampled_from([p for p in places(content) if len(p) > 1 or (p and isinstance(content, dict))]))
    at = content
    for step in way[:-1]:
        at = at[step]
    value = data.draw(VALUES)
    if value is REMOVE:
        del at[way[-1]]
    else:
        at[way[-1]] = value
    return content, way


def opened(path: Path) -> UsageError | None:
    try:
        open_log(str(path), [Case("q", ("x",), id="a")])
    except UsageError as error:
        return error
    return None


@pytest.mark.parametrize("content", [RECORDING, CALLS], ids=["recording", "calls"])
@settings(max_examples=150)
@given(data=st.data())
def test_a_wrong_value_names_its_line(content: list[Any], data: st.DataObject) -> None:
    lines, way = damage(content, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        error = opened(path)
    if error is not None:
        assert "r.jsonl" in str(error) or error.hint, str(error)
        # without its marks a file of ours is any file, and its first record is what is wrong with it
        assert f"line {way[0] + 1}" in str(error) or error.hint, str(error)


@settings(max_examples=80)
@given(data=st.data())
def test_a_wrong_audit_beside_call_records(data: st.DataObject) -> None:
    audit, _ = damage(AUDIT, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in CALLS))
        (Path(folder) / "audit.json").write_text(json.dumps(audit))
        error = opened(Path(folder))
    assert error is None or "calls.jsonl" in str(error) or "audit.json" in str(error), str(error)


@pytest.mark.parametrize("content", [RECORDING, CALLS], ids=["recording", "calls"])
@settings(max_examples=80)
@given(data=st.data())
def test_damaged_bytes(content: list[Any], data: st.DataObject) -> None:
    whole = "".join(json.dumps(line) + "\n" for line in content).encode()
    at = data.draw(st.integers(0, len(whole) - 1))
    put = data.draw(st.binary(max_size=3))
    cut = data.draw(st.booleans())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.jsonl"
        path.write_bytes(whole[:at] + put + (b"" if cut else whole[at + 1 :]))
        error = opened(path)
    assert error is None or "r.jsonl" in str(error) or error.hint, str(error)
