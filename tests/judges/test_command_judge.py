"""CommandJudge with real programs: answers, restarts, time limits, and what they say when something goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeFault, JudgeUnreachable, UsageError
from voirdire.harness.judges import command_judge, command_worker
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.command_judge import CommandJudge
from voirdire.harness.verdicts import Scale, Verdict

KEY = "sk-planted-0123456789abcdef"
PAIR = Case("Which?", ("one", "two"), id="q1", reference="ref", label=0, group="g", meta={"x": 1})
ONE = Case("Which?", ("one",))
START = "import json, os, sys, time\n"
#: reads every case and answers with what ANSWER says of it
LOOP = START + "for line in sys.stdin:\n    case = json.loads(line)\n    {body}\n"

Make = Callable[..., CommandJudge]


@pytest.fixture
def program(tmp_path: Path) -> Make:
    """A judge made of a Python program: the whole text, or the body of a loop over the cases."""

    def make(text: str, *, task: Task = "pairwise", **options: Any) -> CommandJudge:
        path = tmp_path / "judge.py"
        if "\n" not in text:
            text = LOOP.replace("{body}", text)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        command = shlex.join([sys.executable, "-u", str(path)])
        return CommandJudge(command, task=task, **{"timeout": 30.0, **options})

    return make


def ask(judge: CommandJudge, *cases: Case, each: bool = False) -> list[Any]:
    """The verdict, or the error, of each case; `each` asks them one after the other."""

    async def one(k: int, case: Case) -> Any:
        try:
            return await judge.judge(case, sample=k)
        except JudgeError as error:
            return error

    async def run() -> list[Any]:
        try:
            if each:
                return [await one(k, case) for k, case in enumerate(cases or (PAIR,))]
            return await asyncio.gather(*(one(k, case) for k, case in enumerate(cases or (PAIR,))))
        finally:
            await judge.aclose()

    return asyncio.run(run())


def first(judge: CommandJudge, *cases: Case) -> Verdict:
    (found,) = ask(judge, *cases)
    assert isinstance(found, Verdict), found
    return found


def fails(judge: CommandJudge, *cases: Case) -> JudgeError:
    (found,) = ask(judge, *cases)
    assert isinstance(found, JudgeError), found
    assert KEY not in str(found)
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- cases and answers


def test_what_the_program_reads(program: Make, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    case = PAIR.replace(instruction="naïve \ud83d?\nnext", responses=("one\nline", "two"))
    assert first(program(f"open({str(seen)!r}, 'w').write(line); print(0)"), case).choice == 0
    assert json.loads(seen.read_text()) == {
        "task": "pairwise",
        "instruction": "naïve \ud83d?\nnext",
        "responses": ["one\nline", "two"],
        "reference": "ref",
        "sample": 0,
    }
    first(program(f"open({str(seen)!r}, 'w').write(line); print(3)", task="score", scale=Scale(1, 5)), ONE)
    assert json.loads(seen.read_text())["scale"] == [1, 5]


@pytest.mark.parametrize(
    ("task", "written", "value"),
    [
        ("pairwise", '"B"', 1),
        ("pairwise", "1", 1),
        ("pairwise", '"tie"', "tie"),
        ("pairwise", "[0.25, 0.75]", 1),
        ("pairwise", '{"answer": "A"}', 0),
        ("score", "7.5", 7.5),
        ("grade", "true", True),
        ("grade", '{"answer": "incorrect"}', False),
        ("ranking", "[1, 0]", [1, 0]),
    ],
)
def test_answers_of_every_task(program: Make, task: Task, written: str, value: Any) -> None:
    case = PAIR if task in ("pairwise", "ranking") else ONE
    assert first(program(f"print({written!r})", task=task), case).value == value


@pytest.mark.parametrize(
    ("written", "null"),
    [
        ("null", "unparsed"),
        ('{"answer": null}', "unparsed"),
        ('{"refused": "no"}', "refused"),
        ("[NaN, 1]", "unparsed"),
    ],
)
def test_nulls(program: Make, written: str, null: str) -> None:
    assert first(program(f"print({written!r})")).null == null


def test_a_score_off_the_scale_is_null(program: Make) -> None:
    assert first(program("print(11)", task="score"), ONE).null == "unparsed"


def test_what_else_an_answer_may_hold(program: Make) -> None:
    answer = {
        "answer": [2, 1],
        "rationale": "better",
        "raw": "A!",
        "model": "m-1",
        "usage": {"input_tokens": 3, "output_tokens": True, "cost_usd": 0.5},
    }
    verdict = first(program(f"print(json.dumps({answer!r}))"))
    assert (verdict.choice, verdict.margin, verdict.rationale, verdict.raw, verdict.served_model) == (
        0,
        1.0,
        "better",
        "A!",
        "m-1",
    )
    assert verdict.usage is not None
    assert (verdict.usage.input_tokens, verdict.usage.output_tokens, verdict.usage.cost_usd) == (3, None, 0.5)


def test_arguments_reach_the_program_as_they_are_written(tmp_path: Path) -> None:
    script = tmp_path / "judge.py"
    script.write_text(LOOP.replace("{body}", "print(json.dumps({'answer': 0, 'raw': repr(sys.argv[1:])}))"))
    judge = CommandJudge(f"{shlex.quote(sys.executable)} {script} 'two words' $HOME '*' \"|\"x", task="pairwise")
    assert first(judge).raw == repr(["two words", "$HOME", "*", "|x"])


# --- the program's life


def test_one_program_answers_case_after_case(program: Make) -> None:
    answers = ask(program("print(json.dumps({'answer': 0, 'raw': str(os.getpid())}))"), *[PAIR] * 6, each=True)
    assert len({v.raw for v in answers}) == 1


def test_workers_answer_at_the_same_time(program: Make, tmp_path: Path) -> None:
    """Each of three waits until all three have a case: that ends only if they run side by side."""
    wait = f"""
        import json, os, sys, time
        for line in sys.stdin:
            open(os.path.join({str(tmp_path)!r}, f"here-{{os.getpid()}}"), "w").close()
            while sum(n.startswith("here-") for n in os.listdir({str(tmp_path)!r})) < 3:
                time.sleep(0.01)
            print(json.dumps({{"answer": 0, "raw": str(os.getpid())}}))
    """
    answers = ask(program(wait, params={"workers": 3}), *[PAIR] * 9)
    assert len({v.raw for v in answers}) == 3
    assert [v.choice for v in answers] == [0] * 9


def test_each_case_gets_its_own_answer(program: Make) -> None:
    cases = [Case("Q", (f"{k}", "x")) for k in range(40)]
    judge = program("print(json.dumps({'answer': 0, 'raw': case['responses'][0]}))", params={"workers": 4})
    assert [v.raw for v in ask(judge, *cases)] == [str(k) for k in range(40)]


@pytest.mark.parametrize(("told", "params", "workers"), [(None, {}, 1), (1, {}, 1), (16, {"workers": 5}, 5)])
def test_how_many_workers(program: Make, told: int | None, params: dict[str, Any], workers: int) -> None:
    assert program("print(0)", concurrency=told, params=params).concurrency == workers
    assert 1 <= (program("print(0)", concurrency=64).concurrency or 0) <= (os.cpu_count() or 1)


def test_a_program_that_dies_between_cases_is_started_again(program: Make) -> None:
    judge = program("print(json.dumps({'answer': 0, 'raw': str(os.getpid())})); sys.exit(0)")
    answers = ask(judge, *[PAIR] * 4, each=True)
    assert [v.choice for v in answers] == [0, 0, 0, 0]
    assert len({v.raw for v in answers}) == 4


def test_a_case_over_which_it_dies_is_asked_once_more(program: Make, tmp_path: Path) -> None:
    mark = tmp_path / "died"
    body = f"if not os.path.exists({str(mark)!r}): open({str(mark)!r}, 'w').close(); os._exit(9)"
    text = LOOP.replace("{body}", body + "\n    print(1)")
    assert first(program(text)).choice == 1


def test_a_program_that_dies_over_a_case_says_how(program: Make) -> None:
    text = """
        import json, os, sys
        for line in sys.stdin:
            if "poison" in line:
                print("Traceback: no such thing\\n" + os.environ["TEST_KEY"], file=sys.stderr)
                sys.exit(3)
            print(0)
    """
    judge = program(text, environ={**os.environ, "TEST_KEY": KEY})
    bad = Case("poison", ("a", "b"))
    good, failed, again = ask(judge, PAIR, bad, PAIR, each=True)
    assert isinstance(failed, JudgeFault)
    assert not isinstance(failed, JudgeUnreachable)
    assert KEY not in str(failed)
    for word in ("exit code 3", "it said: Traceback: no such thing", "[key]"):
        assert word in str(failed)
    assert (good.choice, again.choice) == (0, 0)


def test_a_signal_is_named(program: Make) -> None:
    assert f"signal {int(signal.SIGKILL)}" in str(fails(program("os.kill(os.getpid(), 9)")))


def test_a_program_that_never_answers_is_given_up(program: Make) -> None:
    judge = program("import sys\nsys.exit('no module named torch')\n")
    errors = ask(judge, *[PAIR] * 2, each=True)
    assert type(errors[0]) is JudgeFault
    assert isinstance(errors[1], JudgeUnreachable)
    assert "no module named torch" in str(errors[1])
    assert command_judge.MAX_STILLBORN == 3


def test_half_a_line_is_no_answer(program: Make) -> None:
    assert "exit code 0" in str(fails(program("sys.stdout.write('\"A'); sys.exit(0)")))
    assert "exit code 0" in str(fails(program("sys.stdout.write('\"A\"'); sys.exit(0)")))


def test_a_program_that_takes_too_long_is_killed_and_started_again(program: Make, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    text = f"""
        import json, os, sys, time
        for line in sys.stdin:
            if "slow" in line:
                open({str(pid)!r}, "w").write(str(os.getpid()))
                print("thinking", file=sys.stderr, flush=True)
                time.sleep(600)
            print(1)
    """
    judge = program(text, timeout=4.0)
    late, then = ask(judge, Case("slow", ("a", "b")), PAIR, each=True)
    assert isinstance(late, JudgeFault)
    assert "did not answer within 4 s; it said: thinking" in str(late)
    assert then.choice == 1
    assert not alive(int(pid.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_of_the_program_end_with_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    judge = CommandJudge(f"sh -c 'read line; sleep 600 & echo $! > {pid}; wait'", task="pairwise", timeout=2.0)
    assert "did not answer within 2 s" in str(fails(judge))
    for _ in range(500):  # the child is init's to bury
        if not alive(int(pid.read_text())) or "Z" in Path(f"/proc/{pid.read_text().strip()}/stat").read_text():
            break
        asyncio.run(asyncio.sleep(0.01))
    else:
        pytest.fail("the child is still there")


def test_a_cancelled_call_leaves_no_answer_behind(program: Make) -> None:
    """What a program answers late must not be taken for the next case's answer."""
    judge = program("time.sleep(0.3 if 'slow' in line else 0); print(0 if 'slow' in line else 1)")

    async def run() -> Verdict:
        try:
            task = asyncio.create_task(judge.judge(Case("slow", ("a", "b")), sample=0))
            await asyncio.sleep(0.15)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await judge.judge(PAIR, sample=0)
        finally:
            await judge.aclose()

    assert asyncio.run(run()).choice == 1


def test_it_ends_when_its_input_ends(program: Make, tmp_path: Path) -> None:
    bye = tmp_path / "bye"
    text = LOOP.replace("{body}", "print(0)") + f"open({str(bye)!r}, 'w').write('bye')\n"
    assert first(program(text)).choice == 0
    assert bye.read_text() == "bye"


def test_a_program_that_does_not_end_is_killed(program: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_worker, "_GRACE", 0.2)
    text = LOOP.replace("{body}", "print(os.getpid() * 0)") + "time.sleep(600)\n"
    assert first(program(text)).choice == 0


def test_one_judge_serves_two_event_loops(program: Make) -> None:
    judge = program("print(1)", params={"workers": 2})
    assert [v.choice for v in ask(judge, PAIR, PAIR, PAIR)] == [1, 1, 1]
    assert [v.choice for v in ask(judge, PAIR, PAIR, PAIR)] == [1, 1, 1]


def test_a_loop_that_was_left_open_does_not_matter(program: Make) -> None:
    judge = program("print(1)")

    async def run() -> int | str | None:
        return (await judge.judge(PAIR, sample=0)).choice

    async def close() -> None:
        await judge.judge(PAIR, sample=0)
        await judge.aclose()

    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(run()) == 1
    asyncio.run(close())
    for worker in asyncio.all_tasks(loop):
        worker.cancel()
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()


# --- what is no answer


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("print('A')", "wrote no JSON: A"),
        ("print('loading weights'); print(0)", "loading weights"),
        ("print('\"C?\"')", "is no pairwise verdict"),
        ("print('true')", "is no pairwise verdict"),
        ("print('{\"verdict\": 0}')", "an answer with the field 'verdict'"),
        ('print(\'{"rationale": "x"}\')', "an object without the field 'answer'"),
        ("print('x' * 200)", "xxx…"),
        ("sys.stdout.buffer.write(b'\\xff\\n')", "wrote no JSON"),
        ("print('\\x1b[2J')", "wrote no JSON"),
    ],
)
def test_what_is_no_answer(program: Make, body: str, says: str) -> None:
    error = fails(program(body))
    assert isinstance(error, JudgeFault)
    assert says in str(error)
    assert error.message.isprintable()


def test_its_own_error_fails_the_call_alone(program: Make) -> None:
    judge = program(
        "print(json.dumps({'error': 'rate limited ' + os.environ['X_TOKEN']}))", environ={**os.environ, "X_TOKEN": KEY}
    )
    error = fails(judge)
    assert type(error) is JudgeError
    assert "failed: rate limited [key]" in str(error)


def test_a_line_too_many_is_noticed(program: Make) -> None:
    """Two lines a case would shift every later answer by one."""
    error = fails(program("sys.stdout.write('0\\n1\\n')"))
    assert isinstance(error, JudgeFault)
    assert "wrote more lines than it read: '0\\n1\\n'" in str(error)


def test_a_log_line_late_in_the_run_shifts_no_answer(program: Make) -> None:
    text = """
        import json, sys
        for n, line in enumerate(sys.stdin):
            answer = {"answer": 0, "raw": json.loads(line)["responses"][0]}
            sys.stdout.write("warning: slow\\n" * (n == 5) + json.dumps(answer) + "\\n")
    """
    found = ask(program(text), *[Case("Q", (f"{k}", "x")) for k in range(9)], each=True)
    assert [getattr(v, "raw", None) for v in found] == [None if k == 5 else str(k) for k in range(9)]
    assert "wrote no JSON: warning: slow" in str(found[5])


def test_an_endless_line_is_an_error(program: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_worker, "MAX_LINE_BYTES", 100_000)
    assert "wrote a line of more than" in str(fails(program("sys.stdout.write('x' * 300_000); time.sleep(600)")))


def test_a_lot_of_standard_error_blocks_nothing(program: Make) -> None:
    assert first(program("sys.stderr.write('x' * 3_000_000); print(1)")).choice == 1


def test_large_cases_fit(program: Make) -> None:
    case = Case("Q", ("x" * 1_000_000, "y"))
    assert (
        first(program("print(json.dumps({'answer': 0, 'raw': str(len(case['responses'][0]))}))"), case).raw == "1000000"
    )


# --- arguments


@pytest.mark.parametrize(
    ("command", "options", "says"),
    [
        ("", {}, "needs a program"),
        ("no-such-program-here x", {}, "there is no program 'no-such-program-here'"),
        ("sh 'x", {}, "No closing quotation"),
        ("cat | jq .", {}, "'|' is for a shell"),
        ("cat && cat", {}, "'&&' is for a shell"),
        ("cat", {"task": None}, "--task"),
        ("cat", {"timeout": 0}, "timeout must be"),
        ("cat", {"params": {"workers": 0}}, "1 or more"),
        ("cat", {"params": {"worker": 1}}, "Did you mean 'workers'"),
    ],
)
def test_wrong_arguments_are_usage_errors(command: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        CommandJudge(command, **{"task": "pairwise", **options})
    assert says in str(caught.value)


def test_it_is_a_judge(program: Make) -> None:
    judge: Judge = program("print(0)")
    assert (judge.task, judge.paid, judge.reusable, judge.deterministic) == ("pairwise", False, False, False)
    assert program("print(0)", params={"paid": True, "version": 3}).paid
    assert program("print(0)", params={"version": 3}).reusable
    assert KEY not in CommandJudge(f"cat {KEY}", task="pairwise", environ={**os.environ, "X_KEY": KEY}).spec


def test_fingerprints_tell_judges_apart(program: Make) -> None:
    judges = [
        program("print(0)"),
        program("print(1)"),  # the same command, an edited script
        program("print(1)", params={"version": 2}),
        program("print(1)", task="score"),
        program("print(1)", task="score", scale=Scale(0, 1)),
        CommandJudge("cat", task="pairwise"),
        CommandJudge("cat -u", task="pairwise"),
    ]
    assert len({judge.fingerprint for judge in judges}) == len(judges)
    assert program("print(1)", timeout=1).fingerprint == judges[1].fingerprint


def test_the_example_of_the_documentation_works(program: Make) -> None:
    page = (Path(__file__).parents[2] / "docs" / "judges.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    judge = program(example)
    assert [v.choice for v in ask(judge, Case("Q", ("x", "long")), Case("Q", ("long", "x")), each=True)] == [0, 1]
