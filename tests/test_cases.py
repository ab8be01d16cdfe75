"""Cases and case files: reordering, edits, what a judge may see, and every way a file can be wrong."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.casefiles import check_task, off_scale_notes, parse_case, read_cases, unasked_notes
from voirdire.harness.cases import Case, Edit, Task, Turn, apply_edits, shown_hash, truth_of
from voirdire.harness.errors import CaseFileError, UsageError
from voirdire.harness.verdicts import Scale

GOOD = {"id": "q1", "instruction": "Which?", "responses": ["one", "two"], "label": 1}


def write(path: Path, *lines: object) -> str:
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines) + "\n", encoding="utf-8")
    return str(path)


def test_a_full_record_is_read_whole(tmp_path: Path) -> None:
    record = GOOD | {
        "reference": "two",
        "rubric": "be right",
        "context": "ctx",
        "group": "g",
        "meta": {"lang": "en"},
        "images": ["a.png"],
    }
    (case,) = read_cases(write(tmp_path / "c.jsonl", record))
    assert case.responses == ("one", "two")
    assert (case.label, case.group, case.reference, case.rubric, case.context) == (1, "g", "two", "be right", "ctx")
    assert case.meta == {"lang": "en", "images": ["a.png"]}


def test_ids_default_to_the_content(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", {"responses": ["a", "b"]}, {"responses": ["a", "c"]})
    first, second = read_cases(path)
    assert first.id != second.id
    assert read_cases(path)[0].id == first.id


def test_turns_blank_lines_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes?"}]
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD | {"instruction": turns}).encode() + b"\n\n")
    (case,) = read_cases(path)
    assert case.instruction == (Turn("user", "hi"), Turn("assistant", "yes?"))
    assert case.instruction_text == "user: hi\n\nassistant: yes?"


def test_line_separators_inside_strings_do_not_split_records(tmp_path: Path) -> None:
    text = "a\u2028b\u2029c\x85d"
    (case,) = read_cases(write(tmp_path / "c.jsonl", json.dumps(GOOD | {"responses": [text, "x"]}, ensure_ascii=False)))
    assert case.responses[0] == text


def test_csv_has_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "id,instruction,responses,label,lang\n"
        'q1,"Which,\nthen?","[""one"", ""two""]",0,en\n'
        'q2,x,"[""a"", ""b""]",tie,\n'
    )
    first, second = read_cases(path)
    assert first == parse_case(GOOD | {"instruction": "Which,\nthen?", "label": 0, "lang": "en"})
    assert second.label == "tie"


def test_an_unquoted_line_separator_does_not_end_a_csv_record(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes('id,instruction,responses\r\nq1,a\u2028b\x85c,"[""x"", ""y""]"\r\n'.encode())
    (case,) = read_cases(path)
    assert case.instruction == "a\u2028b\x85c"


def test_a_csv_record_with_too_many_cells_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('id,instruction,responses\nq1,well, then,"[""x"", ""y""]"\n')
    with pytest.raises(CaseFileError, match=r"(?s)c\.csv, line 2: more cells than the 3 columns.*double quotes"):
        read_cases(path)


def test_standard_input_is_jsonl(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(json.dumps(GOOD | {"instruction": "\u4f60\u597d"}).encode() + b"\n{\n"))
    monkeypatch.setattr("sys.stdin", stream)
    with pytest.raises(CaseFileError, match="standard input, line 2: not JSON"):
        read_cases("-")
    stream = io.TextIOWrapper(io.BytesIO(json.dumps(GOOD).encode()))
    monkeypatch.setattr("sys.stdin", stream)
    assert read_cases("-") == [parse_case(GOOD)]


@pytest.mark.parametrize(
    "records",
    [
        [GOOD | {"label": 0, "lang": "en", "group": "g"}, {"responses": ["c", "d"]}],
        [GOOD | {"label": "tie"}, {"responses": ["c", "d"], "label": "tie"}],
        [GOOD | {"label": [1, 0]}, {"responses": ["c", "d"]}],
        [{"responses": ["only"], "label": True}, {"responses": ["other"], "label": False}],
        [{"responses": ["only"], "label": 3.5}, {"responses": ["other"]}],
        [GOOD | {"instruction": [{"role": "user", "content": "\u4f60\u597d"}]}],
        [GOOD | {"meta": {"lang": "en", "k": [1, 2]}}],
    ],
)
def test_parquet_reads_as_jsonl_does(tmp_path: Path, records: list[dict[str, object]]) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    names = sorted({name for record in records for name in record})
    table = pa.table({name: [record.get(name) for record in records] for name in names})
    pq.write_table(table, tmp_path / "c.parquet")
    plain, packed = read_cases(write(tmp_path / "c.jsonl", *records)), read_cases(tmp_path / "c.parquet")
    assert packed == plain
    assert [(c.label, c.meta) for c in packed] == [(c.label, c.meta) for c in plain]
    assert [type(c.label) for c in packed] == [type(c.label) for c in plain]


def test_what_is_wrong_in_a_parquet_file_is_named(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"responses": [["a", "b"], ["c", None]]}), path)
    with pytest.raises(CaseFileError, match=r'c\.parquet, line 2: "responses"\[1\] must be a text'):
        read_cases(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CaseFileError, match="not a Parquet file"):
        read_cases(path)


def test_without_pyarrow_the_install_line_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(CaseFileError, match=r"(?s)c\.parquet: reading Parquet needs pyarrow.*voirdire.parquet"):
        read_cases(path)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{"], ["line 1", "not JSON"]),
        ([GOOD, "not json at all"], ["line 2", "not JSON", "not json at all"]),
        (["[1, 2]"], ["line 1", "a case is a JSON object", "a list"]),
        ([{"instruction": "x"}], ["line 1", '"responses"']),
        ([GOOD | {"responses": "one"}], ['"responses" must be a list', "one"]),
        ([GOOD | {"responses": []}], ['"responses" must be a list']),
        ([GOOD | {"responses": ["one", 2]}], ['"responses"[1] must be a text', "a number (2)"]),
        ([GOOD | {"responses": [True, "x"]}], ['"responses"[0]', "a boolean"]),
        ([GOOD | {"instruction": 7}], ['"instruction"', "a number (7)"]),
        ([GOOD | {"instruction": [{"role": "user"}]}], ['"instruction"[0]']),
        ([GOOD | {"label": 2}], ['"label" is 2', "2 responses", "Use 0"]),
        ([GOOD | {"label": "first"}], ["'first' is no label"]),
        ([GOOD | {"label": [0, 0]}], ["no ranking of 2"]),
        ([GOOD | {"label": [False, True]}], ["no ranking of 2"]),
        ([GOOD | {"label": [1.0, 0.0]}], ["no ranking of 2"]),
        ([GOOD | {"label": ["0", None]}], ["no ranking of 2"]),
        ([GOOD | {"label": {"a": 1}}], ['"label" must be']),
        ([GOOD | {"reference": ["x"]}], ['"reference" must be a text']),
        ([GOOD | {"meta": 3}], ['"meta" must be an object']),
        ([GOOD | {"id": ["x"]}], ['"id" must be a text']),
        ([GOOD, GOOD], ["line 2", "'q1'", "line 1"]),
        (["", "  "], ["no cases"]),
        (['{"responses": ["a", "b"], "label": NaN}'], ["not a finite number"]),
        (["[" * 100_000], ["not JSON"]),
    ],
    ids=lambda x: str(x)[:40] if isinstance(x, list) and x and isinstance(x[0], str) else None,
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: list[object], words: list[str]) -> None:
    path = write(tmp_path / "cases.jsonl", *lines)
    with pytest.raises(CaseFileError) as caught:
        read_cases(path)
    for word in ["cases.jsonl", *words]:
        assert word in str(caught.value)


def test_a_ranking_of_many_responses_is_a_label(tmp_path: Path) -> None:
    order = [11, 3, 0, 10, 1, 2, 4, 5, 6, 7, 8, 9]
    record = {"responses": [f"Answer {i}." for i in range(12)], "label": order}
    assert read_cases(write(tmp_path / "cases.jsonl", record))[0].label == tuple(order)


def test_missing_files_folders_and_bad_bytes(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"no\.jsonl: cannot be read"):
        read_cases(tmp_path / "no.jsonl")
    with pytest.raises(CaseFileError, match="this is a folder"):
        read_cases(tmp_path)
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"responses": ["caf\xe9", "b"]}')
    with pytest.raises(CaseFileError, match=r"line 2: byte b'\\xe9' is not UTF-8"):
        read_cases(path)


def test_one_response_is_refused_for_pairs_with_the_way_out() -> None:
    with pytest.raises(CaseFileError, match=r"(?s)has 1 text, a pairwise judge needs 2.*--task score"):
        check_task([Case("q", ("only",))], "pairwise")
    with pytest.raises(CaseFileError, match=r"(?s)has 3 texts.*--task ranking"):
        check_task([Case("q", ("a", "b", "c"))], "pairwise")
    check_task([Case("q", ("a", "b", "c"))], "ranking")


def test_limit_and_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "c.jsonl", *(GOOD | {"id": f"q{i}"} for i in range(5)))
    assert [c.id for c in read_cases(path, limit=2)] == ["q0", "q1"]
    assert [c.id for c in read_cases(path, ids=["q3"])] == ["q3"]
    with pytest.raises(UsageError, match="has no case 'q9'"):
        read_cases(path, ids=["q9"])


def test_a_label_is_never_shown() -> None:
    case = Case("q", ("a", "b"), label=1, meta={"secret": "SECRET"}, id="id-of-case")
    assert "label" not in repr(case)
    assert "SECRET" not in repr(case)
    assert set(case.shown()) == {"instruction", "responses"}
    assert shown_hash(case) == shown_hash(case.replace(label=0, meta={}, id="other", group="g"))
    assert shown_hash(case) != shown_hash(case.replace(reference="r"))


@pytest.mark.parametrize(
    ("label", "order", "expected"),
    [(0, (1, 0), 1), (1, (1, 0), 0), ("tie", (1, 0), "tie"), (None, (1, 0), None), ((2, 0, 1), (2, 1, 0), (0, 2, 1))],
)
def test_the_label_follows_its_response(label: object, order: tuple[int, ...], expected: object) -> None:
    case = Case("q", tuple("abc"[: len(order)]), label=label)  # type: ignore[arg-type]
    turned = case.reordered(order)
    assert turned.label == expected
    if isinstance(label, int):
        assert turned.responses[turned.label] == case.responses[label]  # type: ignore[index]


def test_truth_is_known_only_where_the_label_says() -> None:
    assert truth_of(Case("q", ("a", "b"), label=1), 1) is True
    assert truth_of(Case("q", ("a", "b"), label=1), 0) is False
    assert truth_of(Case("q", ("a", "b"), label="tie"), 0) is None
    assert truth_of(Case("q", ("a",), label=True), 0) is True
    assert truth_of(Case("q", ("a",), label=7), 0) is None


@given(st.text(max_size=60), st.data())
def test_edits_replay(source: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(source)), max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    edits = [Edit(a, b, data.draw(st.text(max_size=5))) for a, b in pairs]
    expected, at = "", 0
    for edit in edits:
        expected += source[at : edit.start] + edit.text
        at = edit.end
    assert apply_edits(source, edits) == expected + source[at:]


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply_edits("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])
    with pytest.raises(ValueError, match="outside"):
        apply_edits("abc", [Edit(1, 9, "x")])


@pytest.mark.parametrize("label", [5, -1, 3, 0.5, True, False, "true"])
def test_a_label_of_several_responses_is_one_of_them(tmp_path: Path, label: object) -> None:
    path = write(tmp_path / "c.jsonl", GOOD, {"responses": ["a", "b", "c"], "label": label})
    with pytest.raises(CaseFileError, match=r'(?s)c\.jsonl, line 2: "label" is .*there are 3 responses.*0 to 2'):
        read_cases(path)


@pytest.mark.parametrize(
    ("task", "n", "good", "wrong"),
    [
        ("pairwise", 2, [0, 1, "tie", None], [2, -1, True, False, 1.0, (1, 0), "first"]),
        ("ranking", 3, [0, 2, "tie", (2, 0, 1), None], [3, -1, True, 0.5, (0, 1), (0, 0, 1)]),
        ("grade", 1, [True, False, None], [7, 0, 1.0, "tie", (0,)]),
        ("score", 1, [1, 50.0, True, False, None], ["tie", (0,)]),
    ],
)
def test_each_task_has_labels_of_its_own(task: Task, n: int, good: list[Any], wrong: list[Any]) -> None:
    for label in good:
        check_task([Case("q", tuple("abc"[:n]), label=label)], task)
    for label in wrong:
        with pytest.raises(CaseFileError, match=r'"label" of case 1 \(.*\) is ') as caught:
            check_task([Case("q", tuple("abc"[:n]), label=label)], task)
        assert caught.value.hint
        assert caught.value.line is None


def test_scores_of_people_may_be_on_another_scale() -> None:
    """Accuracy goes by the order of labels, so that they are no error; metrics of distance need to be told."""
    cases = [Case(f"q{label}", ("a",), label=label) for label in (0, 1, 5, 50, True)]
    check_task(cases, "score")
    (note,) = off_scale_notes(cases, Scale(1, 5))
    assert note.startswith("2 of 4 labels lie off the judge's scale of 1 to 5.")
    assert not list(off_scale_notes(cases, Scale(0, 50)))


@pytest.mark.parametrize("task", ["pairwise", "score", "grade", "ranking"])
def test_a_misfit_names_its_own_line_and_the_fix(tmp_path: Path, task: Task) -> None:
    """Lines are not cases: there are empty ones, a header, and cases that were not chosen."""
    few, many = {"id": "q2", "responses": ["a"]}, {"id": "q2", "responses": ["a", "b", "c"]}
    first, second = (GOOD, many) if task == "pairwise" else ({"responses": ["x"]}, many)
    if task == "ranking":
        first, second = GOOD, few
    path = write(tmp_path / "c.jsonl", "", first, "", second)
    for cases in (read_cases(path), read_cases(path, ids=["q2"])):
        with pytest.raises(CaseFileError, match=r"^[^:]*, line 4: .responses. of 'q2' has ") as caught:
            check_task(cases, task, path=path)
        assert caught.value.hint
    table = tmp_path / "c.csv"
    table.write_text('id,response_a,response_b\nq1,"a\nb",c\nq2,d,e\n')
    if task == "score":
        with pytest.raises(CaseFileError, match=r"c\.csv, line 3"):
            check_task(read_cases(table), task, path=str(table))


def test_responses_may_have_columns_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('id,response_a,response_b,reference,label\nq1,"[1, 2]",{},"[3]",1\n')
    (case,) = read_cases(path)
    assert (case.responses, case.reference, case.label, case.meta) == (("[1, 2]", "{}"), "[3]", 1, {})
    path.write_text("id,response,label\nq1,fine,true\n")
    (case,) = read_cases(path)
    assert (case.responses, case.label) == (("fine",), True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "id,instruction,responses\n",
            ["holds no cases", "Give one case a line, below the line that names the columns"],
        ),
        ("q1,What?\n", ["line 1", "taken for the names of the columns: 'q1', 'What?'"]),
        ('q1,"[""a"", ""b""]"\nq2,"[""c"", ""d""]"\n', ["line 1", "taken for the names of the columns", "response_a"]),
        ("id,response_a\nq1,a\n", ["line 1", "no column holds the responses"]),
        ("id,response_a,response_b\nq1,a,\n", ["line 2", 'there is "response_a", but no "response_b"', "responses"]),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_said_of_csv(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(CaseFileError) as caught:
        read_cases(path)
    for word in ["c.csv", *words]:
        assert word in str(caught.value)
    assert "JSON object a line" not in str(caught.value)


def test_a_question_in_an_unknown_field_is_told() -> None:
    lost = [parse_case({"responses": ["a", "b"], "question": f"Which {i}?", "n": i}) for i in range(3)]
    (note,) = unasked_notes(lost)
    assert 'No case has an "instruction"' in note
    assert '"question"' in note
    assert '"n"' not in note
    assert not list(unasked_notes([*lost, parse_case(GOOD)]))
    assert not list(unasked_notes([parse_case({"responses": ["a", "b"]})]))
