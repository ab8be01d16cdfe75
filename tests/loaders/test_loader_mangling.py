"""No damage to a file brings a loader down: it is read, or refused with an error that names the file and the record."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from public_samples import LINES, SAMPLES, Sample

from voirdire.harness.errors import CaseFileError
from voirdire.suites.loaders import load

_REMOVE = object()
VALUES = st.one_of(
    st.just(_REMOVE),
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 3, 10**400, 1e308, -0.5, "", "A>B", "tie", "\ud800", "nan", [], {}, [None], [[]], [{}]]),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=3),
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(p for k, v in inner for p in places(v, (*way, k)))]


def damaged(sample: Sample, way: tuple[Any, ...], value: Any) -> Any:
    content = json.loads(json.dumps(sample.content))
    at = content
    for step in way[:-1]:
        at = at[step]
    if value is _REMOVE:
        del at[way[-1]]
    else:
        at[way[-1]] = value
    return content


def try_to_load(sample: Sample, content: Any) -> CaseFileError | None:
    with tempfile.TemporaryDirectory() as folder:
        spec = sample.write(Path(folder), content)
        try:
            load(spec)
        except CaseFileError as error:
            return error
    return None


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=80)
@given(data=st.data())
def test_a_wrong_value_is_read_or_its_record_is_named(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    index = data.draw(st.integers(0, len(sample.records) - 1))
    way = data.draw(st.sampled_from([p for p in places(sample.records[index]) if p]))
    value = data.draw(VALUES)
    error = try_to_load(sample, damaged(sample, (*sample.inside, index, *way), value))
    if error is not None:
        assert sample.name in str(error)
        assert f"line {index + 1}" in str(error) or f"record {index + 1}" in str(error)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=25)
@given(data=st.data())
def test_a_damaged_container_ends_in_a_plain_error(name: str, data: st.DataObject) -> None:
    sample = SAMPLES[name]
    whole = json.dumps(sample.content)
    ways = [sample.inside[: i + 1] for i in range(len(sample.inside))] or [(0,)]
    content = damaged(sample, data.draw(st.sampled_from(ways)), data.draw(VALUES))
    if isinstance(content, list) and sample.name.endswith(".jsonl"):
        content = "\n".join(json.dumps(r) for r in content) or "[]"
    try_to_load(sample, content)
    cut = data.draw(st.integers(0, len(whole)))
    assert try_to_load(sample, whole[:cut] or "\n") is not None or cut == len(whole)


@pytest.mark.parametrize("name", LINES)
@settings(max_examples=60)
@given(words=st.lists(st.text(max_size=12), max_size=5))
def test_lines_of_words_are_read_or_file_and_fix_are_named(name: str, words: list[str]) -> None:
    text = "\n".join(words).encode("utf-8", "replace").decode("utf-8")
    error = try_to_load(LINES[name], text or "\n")
    if error is not None:
        assert LINES[name].name in str(error)
        # either a line is wrong, or the whole file is, and then the fix is named
        assert ", line " in str(error) or error.hint or "empty" in error.message, str(error)


@pytest.mark.parametrize("name", SAMPLES)
def test_bytes_that_are_no_text_are_refused(name: str, tmp_path: Path) -> None:
    spec = SAMPLES[name].write(tmp_path)
    path = tmp_path / SAMPLES[name].name
    path.write_bytes(path.read_bytes().replace(b"e", b"\xff", 1))
    with pytest.raises(CaseFileError, match="UTF-8"):
        load(spec)
