"""Every format on invented records of its published shape: what comes out, what is said, what is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from public_samples import LINES, SAMPLES, Sample
from sample_loading import ALL, changed, loaded

from voirdire.harness.errors import CaseFileError, UsageError
from voirdire.suites.loaders import FORMATS, load, names_format, public_cases, recorded_judge, records, sniff
from voirdire.suites.loaders.records import read_source
from voirdire.suites.loaders.replaying import scores, utilities


def test_every_format_has_a_sample() -> None:
    assert {s.format for s in ALL.values()} == set(FORMATS)


@pytest.mark.parametrize("name", ALL)
def test_every_sample_is_read(name: str, tmp_path: Path) -> None:
    got = loaded(name, tmp_path)
    assert got.cases or got.recorded
    ids = [c.id for c in got.cases]
    assert len(set(ids)) == len(ids)
    for recording in got.recorded:
        assert all(sorted(order) == list(range(len(order))) for _, order, _ in recording.verdicts)
        known = {c.id for c in got.cases}
        assert not known or {key[0] for key in recording.verdicts} <= known | {"arena-hard-q2-m"}


@pytest.mark.parametrize("name", [n for n in ALL if n != "faireval"])
def test_every_format_is_told_from_all_others(name: str, tmp_path: Path) -> None:
    sample = ALL[name]
    sample.write(tmp_path)
    found = sniff(read_source(tmp_path / sample.name))
    assert found is not None
    assert found.name == sample.format


def test_words_one_a_line_are_sniffed_as_nothing(tmp_path: Path) -> None:
    LINES["faireval"].write(tmp_path)
    with pytest.raises(CaseFileError, match="none that is known"):
        load(tmp_path / "human.txt")


def test_a_drive_letter_is_no_format() -> None:
    assert names_format("mt-bench:judgments.jsonl")
    assert not names_format("C:\\data\\cases.jsonl")
    assert not names_format("cases.jsonl")
    assert not names_format("mt-bench:")


def test_plain_files_of_cases_are_left_to_their_own_reader(tmp_path: Path) -> None:
    plain = {
        "id": "a",
        "instruction": "Why?",
        "responses": ["So.", "No."],
        "prompt": "x",
        "chosen": "y",
        "rejected": "z",
    }
    (tmp_path / "cases.jsonl").write_text(json.dumps(plain))
    (tmp_path / "broken.jsonl").write_text("{")
    for name in ("cases.jsonl", "broken.jsonl", "none.jsonl", "cases.csv"):
        assert public_cases(tmp_path / name) is None
    assert public_cases("-") is None
    sniffed = public_cases(SAMPLES["topicalchat-usr"].write(tmp_path).partition(":")[2] + "?dimension=coherence")
    assert sniffed is not None
    assert (sniffed.format, sniffed.cases[0].label) == ("TopicalChat", 3.0)
    with pytest.raises(CaseFileError, match="replay:pandalm:"):
        public_cases(SAMPLES["pandalm-verdicts"].write(tmp_path))


def test_options_are_checked(tmp_path: Path) -> None:
    spec = SAMPLES["topicalchat"].write(tmp_path)
    with pytest.raises(UsageError, match="dimension"):
        load(spec + "?dimensoin=coherence")
    with pytest.raises(UsageError, match="coherence"):
        load(spec + "?dimension=coherense")
    assert load(spec + "?dimension=coherence").cases[0].label == 2.5


def test_gzipped_files_are_read(tmp_path: Path) -> None:
    plain = SAMPLES["judgebench"].write(tmp_path)
    packed = tmp_path / "jb.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "jb.jsonl").read_bytes()))
    assert load(packed).cases == load(plain).cases
    packed.write_bytes(packed.read_bytes()[:40])
    with pytest.raises(CaseFileError, match="gzip"):
        load(packed)


def test_parquet_copies_are_read(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    path = tmp_path / "rm.parquet"
    pd.DataFrame(SAMPLES["rm-bench"].content).to_parquet(path)
    assert load(path).cases == loaded("rm-bench", tmp_path).cases
    path.write_bytes(b"PAR1")
    with pytest.raises(CaseFileError, match="not a Parquet file"):
        load(path)


def test_parquet_keeps_whole_numbers_where_one_is_missing(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": [1, None], "x": [0.5, float("nan")], "list": [[1, 2], None]}), path)
    assert [dict(r) for r in records._parquet(path)] == [
        {"n": 1, "x": 0.5, "list": [1, 2]},
        {"n": None, "x": None, "list": None},
    ]
    assert type(records._parquet(path)[0]["n"]) is int


def test_a_plain_log_reads_turned_lines_as_the_other_order(tmp_path: Path) -> None:
    got = loaded("log", tmp_path)
    (case,) = got.cases
    assert (case.responses, case.label, case.meta["models"]) == (("So.", "No."), 0, ["m", "n"])
    first, second = got.recorded
    assert [(k[1], v.value) for k, v in first.verdicts.items()] == [((0, 1), 0), ((1, 0), 1)]
    assert [v.null for v in second.verdicts.values()] == ["unparsed"]
    contradicted = changed("log", tmp_path, 1, label=0)
    assert contradicted.cases[0].label == 0
    assert any("the label is another" in n and "line 2" in n for n in contradicted.notes)


def test_a_plain_log_of_scores_has_a_scale(tmp_path: Path) -> None:
    got = loaded("log-scores", tmp_path)
    assert [v.value for v in got.recorded[0].verdicts.values()] == [4, None]
    assert any("off the scale of 1 to 5" in n for n in got.notes)
    with pytest.raises(UsageError, match="log:FILE"):
        load(ALL["log-scores"].write(tmp_path).replace("1:5", "five"))


def test_a_plain_log_may_be_a_table(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_text(
        "instruction,response_a,response_b,verdict,judge,model_a,model_b\n"
        'Why?,"So, yes.",No.,A,j,m,n\n'
        'Why?,No.,"So, yes.",tie,j,n,m\n'
        'How?,"Thus\nand so.",No.,1,j,,\n'
    )
    got = load(table)
    assert [c.responses[0] for c in got.cases] == ["So, yes.", "Thus\nand so."]
    assert [v.value for v in got.recorded[0].verdicts.values()] == [0, "tie", 1]
    assert got.cases[0].meta["models"] == ["m", "n"]
    table.write_text(table.read_text() + "Where?,Here.,There.,C?,j,,\n")
    with pytest.raises(CaseFileError, match='line 6: "verdict" must be'):
        load(table)


# --- other tools' results --------------------------------------------------------------------------------------------


def test_promptfoo_takes_what_a_model_graded(tmp_path: Path) -> None:
    got = loaded("promptfoo", tmp_path)
    assert [c.rubric for c in got.cases] == ["Is it kind?"] * 2
    assert [v.grade for v in got.recorded[0].verdicts.values()] == [True, False]
    failed = changed("promptfoo", tmp_path, response={"error": "timed out"}, gradingResult=None)
    assert any("provider failed" in n for n in failed.notes)


def test_inspect_letters_and_partial_scores(tmp_path: Path) -> None:
    got = loaded("inspect", tmp_path)
    (recording,) = got.recorded
    assert recording.task == "grade"
    assert [v.grade for v in recording.verdicts.values()] == [True, None]
    partial = changed("inspect", tmp_path, scores={"model_graded_qa": {"value": "P"}}).recorded[0]
    assert (partial.task, scores(partial)["1-1"]) == ("score", [0.5])


def test_deepeval_errors_are_no_zeros(tmp_path: Path) -> None:
    verdicts = loaded("deepeval", tmp_path).recorded[0].verdicts
    assert verdicts["deepeval-0", (0,), 0].score == 0.9
    assert verdicts["deepeval-1", (0,), 0].null == "error"


# --- recorded judges -------------------------------------------------------------------------------------------------


def test_recorded_verdicts_are_a_judge(tmp_path: Path) -> None:
    cases = loaded("llmbar-results", tmp_path).cases
    spec = SAMPLES["llmbar-results"].write(tmp_path)
    judge = recorded_judge(f"{spec}?deterministic=true")
    swapped = cases[0].reordered((1, 0)).replace(meta={"voirdire.order": [1, 0]})
    assert asyncio.run(judge.judge(cases[0], sample=3)).choice == 0
    assert asyncio.run(judge.judge(swapped, sample=0)).choice == 0  # first slot again: a changed winner
    assert utilities(load(spec).recorded[0], cases) == [[1.0, 0.0], [0.0, 1.0]]


def test_a_judge_is_chosen_by_name_and_told_from_the_others(tmp_path: Path) -> None:
    spec = SAMPLES["mt-bench-votes"].write(tmp_path)
    with pytest.raises(UsageError, match=r"3 judges: expert_1"):
        recorded_judge(spec)
    with pytest.raises(UsageError, match="expert_2"):
        recorded_judge(f"{spec}?judge=expert_9")
    one, two = (recorded_judge(f"{spec}?judge=expert_{i}") for i in (1, 3))
    assert one.name == "replay:expert_1"
    assert one.fingerprint != two.fingerprint
    with pytest.raises(UsageError, match="pairwise verdicts, not score"):
        recorded_judge(f"{spec}?judge=expert_1", task="score")


def test_a_file_without_verdicts_is_no_judge(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recorded verdicts"):
        recorded_judge(SAMPLES["llmbar"].write(tmp_path))


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("llmbar", {"label": 3}, r'record 1: "label" must be one of 1, 2, this is a number \(3\)'),
        ("llmbar", {"label": True}, r"this is a boolean"),
        ("judgebench", {"label": "A"}, r'line 1: "label" must be one of "A>B"'),
        ("pandalm", {"response1": 5}, r'record 1: "response1" must be a text'),
        ("mt-bench-pairs", {"g1_winner": "A"}, r'line 1: "g1_winner" must be one of "model_1"'),
        ("prometheus-absolute", {"instruction": "Grade it."}, r"heading '###The instruction to evaluate:' is missing"),
        ("inspect", {"scores": {"s": {"value": "X"}}}, r'record 1: "scores.s.value" must be'),
        ("deepeval", {"metricsData": [{"name": "F", "score": 4}]}, r'"metricsData\[0\].score" must be a number from 0'),
    ],
)
def test_errors_name_record_field_value_and_fix(
    name: str, fields: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseFileError, match=message):
        changed(name, tmp_path, **fields)


def test_an_id_used_twice_names_both_places(tmp_path: Path) -> None:
    with pytest.raises(CaseFileError, match=r"line 2: case 'p1' stands in line 1 already"):
        changed("judgebench", tmp_path, 1, pair_id="p1")


def test_missing_files_folders_and_archives(tmp_path: Path) -> None:
    for spec, message in ((tmp_path / "none.json", "cannot be read"), (tmp_path, "folder")):
        with pytest.raises(CaseFileError, match=message):
            load(f"llmbar:{spec}")
    (tmp_path / "log.eval").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(CaseFileError, match="inspect log convert"):
        load(f"inspect:{tmp_path}/log.eval")


def test_samples_are_as_they_claim() -> None:
    assert all(isinstance(s, Sample) and s.records for s in SAMPLES.values())


def test_recorded_verdicts_are_a_judge_by_spec_too(tmp_path: Path) -> None:
    """`replay:FORMAT:FILE`, as the documentation says it; our own recordings keep `replay:FILE`."""
    import voirdire as vd

    spec = SAMPLES["llmbar-results"].write(tmp_path)
    judge = vd.judge(f"replay:{spec}?deterministic=true")
    assert (judge.task, judge.spec) == ("pairwise", f"replay:{spec}?deterministic=true")
    (case, *_) = load(spec).cases
    assert asyncio.run(judge.judge(case, sample=0)).choice is not None
    with pytest.raises(UsageError, match=r"nowhere\.jsonl"):
        vd.judge(f"replay:{tmp_path / 'nowhere.jsonl'}")
