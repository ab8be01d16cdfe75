"""Recorder and ReplayJudge: what is recorded is given again, and bad files say where they are bad."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from voirdire.harness.cases import Case, shown_hash
from voirdire.harness.errors import JudgeError, UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.python_judge import PythonJudge
from voirdire.harness.judges.replay import SCHEMA, Recorder, ReplayJudge
from voirdire.harness.verdicts import Scale, Usage, Verdict

CASE = Case("Which?", ("one", "two"), id="q1")
SWAPPED = CASE.reordered((1, 0)).replace(meta={"voirdire.order": (1, 0)})
EDITED = CASE.with_response(0, "one!").replace(meta={"voirdire.edited": True})
HEADER = {"schema": SCHEMA, "task": "pairwise", "scale": [1, 10], "judge": "by hand"}


def ask(judge: Judge, *calls: tuple[Case, int]) -> list[Verdict]:
    async def run() -> list[Verdict]:
        try:
            return [await judge.judge(case, sample=sample) for case, sample in calls]
        finally:
            await judge.aclose()

    return asyncio.run(run())


def write(path: Path, *lines: dict[str, Any], header: dict[str, Any] | None = None) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in (header or HEADER, *lines)), encoding="utf-8")
    return path


def judge_of(answer: Any, task: Any = "pairwise", name: str = "mine") -> PythonJudge:
    return PythonJudge.from_callable(answer, task=task, name=name)


# --- recording


def test_what_was_recorded_is_given_again(tmp_path: Path) -> None:
    answers = {
        (CASE, 0): Verdict(
            choice=1, rationale="longer", raw="[[B]] \ud83d", margin=-0.5, probabilities={"0": 0.2, "1": 0.8}
        ),
        (CASE, 1): Verdict(choice="tie"),
        (SWAPPED, 0): Verdict(null="refused", reason="no"),
        (EDITED, 0): Verdict(null="unparsed", raw="?", served_model="m-1"),
    }

    def f(case: Case, *, sample: int) -> Verdict:
        return answers[(case, sample)]

    file = tmp_path / "verdicts.jsonl"
    assert ask(Recorder(file).wrap(judge_of(f)), *answers) == list(answers.values())
    assert ask(ReplayJudge.from_file(file), *answers) == list(answers.values())


@pytest.mark.parametrize(
    ("task", "case", "verdict"),
    [
        ("score", Case("i", ("a",)), Verdict(score=2.5)),
        ("grade", Case("i", ("a",)), Verdict(grade=False)),
        ("ranking", Case("i", ("a", "b", "c")), Verdict(ranking=(2, 0, 1))),
    ],
)
def test_every_task_is_recorded(tmp_path: Path, task: Any, case: Case, verdict: Verdict) -> None:
    file = tmp_path / "v.jsonl"
    ask(Recorder(file).wrap(judge_of(lambda case: verdict, task)), (case, 0))
    replay = ReplayJudge.from_file(f"replay:{file}", task=task)
    assert ask(replay, (case, 0)) == [verdict]
    assert replay.task == task


def test_a_replay_spends_no_tokens(tmp_path: Path) -> None:
    file = tmp_path / "v.jsonl"
    ask(Recorder(file).wrap(judge_of(lambda case: Verdict(choice=0, usage=Usage(100, 5, 0.01)))), (CASE, 0))
    assert ask(ReplayJudge.from_file(file), (CASE, 0)) == [Verdict(choice=0)]


def test_errors_are_not_recorded(tmp_path: Path) -> None:
    def f(case: Case, *, sample: int) -> Any:
        if sample == 0:
            raise ValueError("down")
        return Verdict(null="error", reason="down") if sample == 1 else "A"

    recorded = Recorder(tmp_path / "v.jsonl").wrap(judge_of(f))

    async def run() -> None:
        with pytest.raises(JudgeError):
            await recorded.judge(CASE, sample=0)
        await recorded.judge(CASE, sample=1)
        await recorded.judge(CASE, sample=2)
        await recorded.aclose()

    asyncio.run(run())
    lines = (tmp_path / "v.jsonl").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines[1:]] == [2]


def test_a_recorded_line_holds_what_the_page_says(tmp_path: Path) -> None:
    ask(Recorder(tmp_path / "v.jsonl").wrap(judge_of(lambda case: "A")), (CASE, 3))
    header, line = map(json.loads, (tmp_path / "v.jsonl").read_text().splitlines())
    assert header == {"schema": "voirdire.replay/1", "task": "pairwise", "scale": [1.0, 10.0], "judge": "mine"}
    assert line == {"shown": shown_hash(CASE), "case": "q1", "sample": 3, "verdict": {"choice": 0}}


def test_the_wrapper_is_the_judge_in_all_else(tmp_path: Path) -> None:
    judge = judge_of(lambda case: "A")
    wrapped: Judge = Recorder(tmp_path / "v.jsonl").wrap(judge)
    names = ("name", "spec", "task", "scale", "fingerprint", "reusable", "paid", "soft", "concurrency")
    assert [getattr(wrapped, n) for n in names] == [getattr(judge, n) for n in names]
    asyncio.run(wrapped.aclose())


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_only_the_owner_can_read_a_recording(tmp_path: Path) -> None:
    asyncio.run(Recorder(tmp_path / "v.jsonl").wrap(judge_of(lambda case: "A")).aclose())
    assert stat.S_IMODE((tmp_path / "v.jsonl").stat().st_mode) == 0o600


def test_a_resumed_run_goes_on_after_a_half_line(tmp_path: Path) -> None:
    file = tmp_path / "v.jsonl"
    ask(Recorder(file).wrap(judge_of(lambda case: "A")), (CASE, 0))
    with file.open("a") as out:
        out.write('{"shown": "abc')
    ask(Recorder(file).wrap(judge_of(lambda case: "B")), (CASE, 1))
    assert [v.choice for v in ask(ReplayJudge.from_file(file), (CASE, 0), (CASE, 1))] == [0, 1]


def test_a_half_header_is_begun_again(tmp_path: Path) -> None:
    file = tmp_path / "v.jsonl"
    file.write_text('{"schema": "voirdi')
    ask(Recorder(file).wrap(judge_of(lambda case: "A")), (CASE, 0))
    assert ask(ReplayJudge.from_file(file), (CASE, 0))[0].choice == 0


def test_a_call_recorded_again_replaces_the_older_one(tmp_path: Path) -> None:
    file = tmp_path / "v.jsonl"
    for answer in "AB":
        ask(Recorder(file).wrap(judge_of(lambda case, answer=answer: answer)), (CASE, 0))
    assert ask(ReplayJudge.from_file(file), (CASE, 0))[0].choice == 1


def test_a_recorder_serves_two_runs(tmp_path: Path) -> None:
    recorded = Recorder(tmp_path / "v.jsonl").wrap(judge_of(lambda case: "A"))
    ask(recorded, (CASE, 0))
    ask(recorded, (CASE, 1))
    assert len((tmp_path / "v.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("precious notes\n", "is no recording"),
        ("precious notes", "is no recording"),
        (json.dumps({**HEADER, "judge": "other"}) + "\n", "judge 'other', not 'mine'"),
        (json.dumps({**HEADER, "judge": "mine", "task": "grade"}) + "\n", "task 'grade', not 'pairwise'"),
    ],
)
def test_files_of_others_are_left_alone(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "v.jsonl"
    file.write_text(content)
    with pytest.raises(UsageError, match=says):
        Recorder(file).wrap(judge_of(lambda case: "A"))
    assert file.read_text() == content


def test_an_unwritable_path_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Recorder(tmp_path / "no" / "such" / "v.jsonl").wrap(judge_of(lambda case: "A"))


# --- hand-made files


def test_hand_made_lines_are_found_by_case_order_and_sample(tmp_path: Path) -> None:
    file = write(
        tmp_path / "v.jsonl",
        {"id": "q1", "order": [0, 1], "sample": 0, "verdict": "A"},
        {"id": "q1", "order": [1, 0], "sample": 0, "verdict": "tie"},
        {"id": "q1", "order": [1, 0], "sample": 1, "verdict": [0.1, 0.7]},
        {"id": "q1", "order": [0, 1], "sample": 1, "verdict": None},
    )
    first, swapped, again, none = ask(ReplayJudge.from_file(file), (CASE, 0), (SWAPPED, 0), (SWAPPED, 1), (CASE, 1))
    assert (first.choice, swapped.choice, again.choice, none.null) == (0, "tie", 1, "unparsed")
    assert again.margin == pytest.approx(-0.6)


def test_order_and_sample_default_to_the_plain_call(tmp_path: Path) -> None:
    file = write(tmp_path / "v.jsonl", {"id": "q1", "verdict": "B"})
    assert ask(ReplayJudge.from_file(file), (CASE, 0))[0].choice == 1


def test_hand_made_lines_do_not_answer_for_edits(tmp_path: Path) -> None:
    file = write(tmp_path / "v.jsonl", {"id": "q1", "order": [0, 1], "sample": 0, "verdict": "A"})
    with pytest.raises(JudgeError, match=r"no recorded verdict for an edit of case q1 in order \[0, 1\] sample 0"):
        ask(ReplayJudge.from_file(file), (EDITED, 0))


def test_recorded_lines_answer_for_edits(tmp_path: Path) -> None:
    line = {"shown": shown_hash(EDITED), "case": "q1", "sample": 0, "verdict": {"choice": 1}}
    assert ask(ReplayJudge.from_file(write(tmp_path / "v.jsonl", line)), (EDITED, 0))[0].choice == 1


def test_a_missing_recording_is_an_error(tmp_path: Path) -> None:
    replay = ReplayJudge.from_file(write(tmp_path / "v.jsonl", {"id": "q1", "verdict": "A"}))
    with pytest.raises(JudgeError, match=r"no recorded verdict for case q1 in order \[1, 0\] sample 0"):
        ask(replay, (SWAPPED, 0))
    with pytest.raises(JudgeError, match=r"sample 1"):
        ask(replay, (CASE, 1))


def test_a_deterministic_file_answers_repeats(tmp_path: Path) -> None:
    header = {**HEADER, "deterministic": True}
    file = write(tmp_path / "v.jsonl", {"id": "q1", "verdict": "A"}, header=header)
    assert [v.choice for v in ask(ReplayJudge.from_file(file), (CASE, 0), (CASE, 5))] == [0, 0]


def test_rankings_and_scores_by_hand(tmp_path: Path) -> None:
    three = Case("i", ("a", "b", "c"), id="r")
    shown = three.reordered((2, 0, 1)).replace(meta={"voirdire.order": (2, 0, 1)})
    file = write(
        tmp_path / "r.jsonl",
        {"id": "r", "order": [2, 0, 1], "verdict": [1, 2, 0]},
        {"id": "r", "verdict": [0, 1, 2]},
        header={**HEADER, "task": "ranking"},
    )
    assert [v.ranking for v in ask(ReplayJudge.from_file(file), (shown, 0), (three, 0))] == [(1, 2, 0), (0, 1, 2)]
    file = write(tmp_path / "s.jsonl", {"id": "s", "verdict": 99}, header={**HEADER, "task": "score", "scale": [0, 5]})
    replay = ReplayJudge.from_file(file)
    assert replay.scale == Scale(0, 5)
    assert ask(replay, (Case("i", ("a",), id="s"), 0))[0].null == "unparsed"


def test_it_is_a_judge(tmp_path: Path) -> None:
    file = write(tmp_path / "v.jsonl", {"id": "q1", "verdict": "A"})
    judge: Judge = ReplayJudge.from_file(file)
    assert (judge.name, judge.spec) == ("replay:by hand", f"replay:{file}")
    assert (judge.paid, judge.soft, judge.reusable) == (False, False, True)
    before = judge.fingerprint
    write(file, {"id": "q1", "verdict": "B"})
    assert ReplayJudge.from_file(file).fingerprint != before


# --- bad files


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"id": "q1", "verdict": "D"}, "field 'verdict': .*'D'"),
        ({"id": "q1", "verdict": True}, "booleans are refused"),
        ({"id": "q1", "verdict": {"choice": 7}}, "field 'verdict'"),
        ({"id": "q1", "verdict": {"choice": True}}, "field 'verdict'"),
        ({"id": "q1", "verdict": {"score": 7}}, "field 'verdict'"),
        ({"id": "q1", "verdict": {"chioce": 0}}, "field 'verdict' is no verdict.*chioce"),
        ({"id": "q1", "verdict": {"null": "gone"}}, "its null must be one of unparsed"),
        ({"id": "q1", "verdict": {"choice": 0, "probabilities": {"0": "high"}}}, "probabilities"),
        ({"id": "q1", "verdict": {"choice": 0, "probabilities": [1]}}, "no verdict"),
        ({"id": "q1", "verdict": {}}, "field 'verdict' is no verdict"),
        ({"id": "q1"}, "'verdict' is missing"),
        ({"verdict": "A"}, "field 'id' must be the id of a case, got None"),
        ({"id": 7, "verdict": "A"}, "field 'id' .* got 7"),
        ({"id": "q1", "order": [0, 0], "verdict": "A"}, r"field 'order' must hold each of 0 to 1 once, got \[0, 0\]"),
        ({"id": "q1", "order": "10", "verdict": "A"}, "field 'order' must be a list"),
        ({"id": "q1", "order": [True, False], "verdict": "A"}, "field 'order' must be a list"),
        ({"id": "q1", "sample": -1, "verdict": "A"}, "field 'sample' .* got -1"),
        ({"id": "q1", "sample": 1.0, "verdict": "A"}, "field 'sample'"),
        ({"id": "q1", "sampel": 1, "verdict": "A"}, "no field 'sampel'. Did you mean 'sample'"),
        ({"shown": "abc", "verdict": {"choice": 0}}, "field 'shown' must be a SHA-256"),
    ],
)
def test_bad_lines_name_file_line_field_and_value(tmp_path: Path, line: dict[str, Any], says: str) -> None:
    file = write(tmp_path / "v.jsonl", {"id": "q0", "verdict": "A"}, line)
    with pytest.raises(UsageError, match=says) as caught:
        ReplayJudge.from_file(file)
    assert f"{file}, line 3: " in str(caught.value)


def test_two_hand_made_answers_to_one_call_are_refused(tmp_path: Path) -> None:
    twice: list[dict[str, Any]] = [
        {"id": "q1", "verdict": "A"},
        {"id": "q1", "order": [0, 1], "sample": 0, "verdict": "B"},
    ]
    with pytest.raises(UsageError, match=r"line 3: case 'q1' in order \[0, 1\] sample 0 stands in line 2"):
        ReplayJudge.from_file(write(tmp_path / "v.jsonl", *twice))
    ReplayJudge.from_file(write(tmp_path / "v.jsonl", twice[0], twice[0]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"{nope\n", "line 1: not JSON"),
        (b"[1]\n", "line 1: not a JSON object"),
        (b'{"schema": "voirdire.replay/2"}\n', "field 'schema' must be 'voirdire.replay/1', got 'voirdire.replay/2'"),
        (b'{"id": "q1", "verdict": "A"}\n', "field 'schema'"),
        (b'{"schema": "voirdire.replay/1"}\n', "field 'task' must be one of"),
        (b'{"schema": "voirdire.replay/1", "task": "pairwise", "scale": [5, 1]}\n', "field 'scale'"),
        (b'{"schema": "voirdire.replay/1", "task": "pairwise", "deterministic": "yes"}\n', "field 'deterministic'"),
        (b'{"schema": "voirdire.replay/1", "task": "pairwise", "jugde": "x"}\n', "no field 'jugde'"),
        (b'{"schema": "voirdire.replay/1", "task": "pairwise"}\n\n\xff\xfe\n', "line 3: not UTF-8"),
        (
            b'{"schema": "voirdire.replay/1", "task": "pairwise"}\n{"id": "a", "verdict": [NaN, 1]}\n',
            "line 2: not JSON",
        ),
        (b'{"schema": "voirdire.replay/1", "task": "pairwise"}\n' + b"[" * 100_000 + b"\n", "line 2: not JSON"),
    ],
)
def test_bad_files_say_what_is_wrong(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "v.jsonl"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=says) as caught:
        ReplayJudge.from_file(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_and_a_wrong_task(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        ReplayJudge.from_file(tmp_path / "none.jsonl")
    file = write(tmp_path / "v.jsonl")
    with pytest.raises(UsageError, match="holds pairwise verdicts, not score"):
        ReplayJudge.from_file(file, task="score")
    file = write(tmp_path / "v.jsonl", header={**HEADER, "task": "score"})
    with pytest.raises(UsageError, match=r"scale 1:10, not 0:5"):
        ReplayJudge.from_file(file, scale=Scale(0, 5))
