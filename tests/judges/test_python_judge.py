"""PythonJudge: finding callables and calling them (test_answers.py: reading what they answer)."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import JudgeError, JudgeUnreachable, UsageError
from voirdire.harness.judges import python_judge
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.python_judge import PythonJudge, to_verdict
from voirdire.harness.verdicts import Scale, Verdict

PAIR = Case("Which?", ("one", "two"), id="q1")
KEY = "sk-planted-0123456789abcdef"


def ask(judge: Judge, case: Case = PAIR, sample: int = 0) -> Verdict:
    async def run() -> Verdict:
        try:
            return await judge.judge(case, sample=sample)
        finally:
            await judge.aclose()

    return asyncio.run(run())


def made(target: Any, task: Task = "pairwise", **options: Any) -> PythonJudge:
    return PythonJudge.from_callable(target, task=task, **options)


# --- calling


def test_sync_async_and_objects() -> None:
    async def later(case: Case) -> str:
        await asyncio.sleep(0)
        return "B"

    class Sync:
        task = "pairwise"

        def judge(self, case: Case) -> int:
            return case.responses.index("two")

    class Async:
        async def judge(self, case: Case, *, sample: int) -> str:
            return "AB"[sample]

    class Call:
        async def __call__(self, case: Case) -> str:
            return "B"

    assert ask(made(lambda case: "B")).choice == 1
    assert ask(made(later)).choice == 1
    assert ask(made(lambda case: later(case))).choice == 1
    assert ask(made(functools.partial(later))).choice == 1
    assert ask(PythonJudge.from_callable(Sync())).choice == 1
    assert ask(PythonJudge.from_callable(Sync)).choice == 1
    assert ask(made(Async()), sample=1).choice == 1
    assert ask(made(Call())).choice == 1


def test_sample_goes_to_those_who_take_it() -> None:
    def keyword(case: Case, *, sample: int) -> int:
        return sample

    def anything(case: Case, **options: Any) -> int:
        return int(options["sample"])

    def the_case_is_called_sample(sample: Case) -> str:
        return "AB"[sample.id == "q1"]

    assert ask(made(keyword), sample=1).choice == 1
    assert ask(made(anything), sample=1).choice == 1
    assert ask(made(the_case_is_called_sample), sample=7).choice == 1


def test_sync_callables_do_not_block_each_other() -> None:
    """Two calls that each wait for the other can only finish in two threads."""
    barrier = threading.Barrier(2, timeout=30)

    def meet(case: Case) -> str:
        barrier.wait()
        return "A"

    async def run() -> list[Verdict]:
        judge = made(meet)
        return list(await asyncio.gather(judge.judge(PAIR, sample=0), judge.judge(PAIR, sample=1)))

    assert [v.choice for v in asyncio.run(run())] == [0, 0]


def test_threads_are_used_again_and_end_with_the_judge() -> None:
    threads: list[threading.Thread] = []

    def note(case: Case) -> str:
        threads.append(threading.current_thread())
        return "A"

    async def run() -> None:
        judge = made(note)
        for k in range(20):
            await judge.judge(PAIR, sample=k)
            await asyncio.sleep(0.001)
        await judge.aclose()

    asyncio.run(run())
    assert len(set(threads)) < 20
    for thread in set(threads):
        thread.join(30)
        assert not thread.is_alive()


def test_a_call_that_never_returns_times_out() -> None:
    release = threading.Event()
    with pytest.raises(JudgeError, match=r"did not answer within 0\.05 s"):
        ask(made(lambda case: release.wait(60), timeout=0.05))
    release.set()

    async def forever(case: Case) -> None:
        await asyncio.Event().wait()

    with pytest.raises(JudgeError, match=r"did not answer within 0\.05 s"):
        ask(made(forever, timeout=0.05))


def test_a_judge_that_loses_every_call_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_judge, "MAX_LOST_CALLS", 2)
    release = threading.Event()
    judge = made(lambda case: release.wait(60), timeout=0.02)
    with pytest.raises(JudgeError) as first:
        ask(judge)
    with pytest.raises(JudgeUnreachable, match="2 of its calls have not come back"):
        ask(judge)
    assert not isinstance(first.value, JudgeUnreachable)
    release.set()


def test_a_call_that_never_returns_does_not_keep_the_process_alive() -> None:
    code = """
    import asyncio, threading
    from voirdire.harness.cases import Case
    from voirdire.harness.errors import JudgeError
    from voirdire.harness.judges.python_judge import PythonJudge, to_verdict

    judge = PythonJudge.from_callable(lambda case: threading.Event().wait(), task="pairwise", timeout=0.05)
    try:
        asyncio.run(judge.judge(Case("i", ("a", "b")), sample=0))
    except JudgeError:
        print("late")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "late"), done.stderr


def boom(case: Case) -> str:
    raise ValueError(f"bad answer with {KEY}")


async def async_boom(case: Case) -> str:
    raise TimeoutError("the model is slow")


def stop(case: Case) -> str:
    raise StopIteration


def leave(case: Case) -> str:
    sys.exit(3)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (boom, r"ValueError: bad answer with \[key\] \(test_python_judge.py:\d+\)"),
        (async_boom, r"TimeoutError: the model is slow \(test_python_judge.py:\d+\)"),
        (stop, "StopIteration"),
        (leave, r"called exit\(3\)"),
    ],
)
def test_exceptions_become_judge_errors(target: Callable[[Case], Any], says: str) -> None:
    with pytest.raises(JudgeError, match=says) as caught:
        ask(made(target))
    assert "planted" not in str(caught.value) + repr(caught.value)


def test_the_users_frame_is_named_even_when_a_library_raised() -> None:
    def parse(case: Case) -> Any:
        return Decimal(Path("/nowhere/at/all").read_text())

    with pytest.raises(JudgeError, match=r"FileNotFoundError.*\(test_python_judge\.py:\d+\)"):
        ask(made(parse))


def test_keys_of_the_environment_are_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hunter2hunter2")

    def leak(case: Case) -> str:
        raise RuntimeError("header was hunter2hunter2")

    with pytest.raises(JudgeError) as caught:
        ask(made(leak))
    assert "hunter2" not in str(caught.value)


def test_a_judges_own_errors_pass() -> None:
    def down(case: Case) -> str:
        raise JudgeUnreachable("the service is closed")

    with pytest.raises(JudgeUnreachable, match="closed"):
        ask(made(down))


def test_one_judge_serves_two_event_loops() -> None:
    judge = made(lambda case: "A")
    assert [ask(judge).choice, ask(judge).choice] == [0, 0]


# --- properties


def test_task_and_scale_come_from_argument_or_attribute() -> None:
    def f(case: Case) -> float:
        return 3.0

    with pytest.raises(UsageError, match="--task"):
        PythonJudge.from_callable(f)
    f.task = "score"  # type: ignore[attr-defined]
    f.scale = (1, 5)  # type: ignore[attr-defined]
    judge = PythonJudge.from_callable(f)
    assert (judge.task, judge.scale) == ("score", Scale(1, 5))
    assert PythonJudge.from_callable(f, scale=Scale(0, 3)).scale == Scale(0, 3)
    f.task = "scoring"  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="score"):
        PythonJudge.from_callable(f)


@pytest.mark.parametrize("target", [7, "A", object()])
def test_what_cannot_be_called_is_refused(target: Any) -> None:
    with pytest.raises(UsageError, match="not callable"):
        made(target)


def test_a_signature_that_takes_no_case_is_refused() -> None:
    with pytest.raises(UsageError, match="signature"):
        made(lambda: "A")
    with pytest.raises(UsageError, match="signature"):
        made(lambda case, model: "A")


def test_it_is_a_judge_with_sober_defaults() -> None:
    judge: Judge = made(boom)
    assert (judge.paid, judge.soft, judge.reusable, judge.concurrency) == (False, False, False, None)
    assert judge.spec.startswith("python:")
    assert judge.spec.endswith("test_python_judge:boom")
    assert made(boom, version="3").reusable


def test_the_lower_concurrency_counts() -> None:
    class Careful:
        concurrency = 1

        def judge(self, case: Case) -> str:
            return "A"

    assert made(Careful()).concurrency == 1
    assert made(Careful(), concurrency=16).concurrency == 1
    assert made(boom, concurrency=16).concurrency == 16


def biased(rate: float) -> Callable[[Case], str]:
    return lambda case: "A" if rate > 0.5 else "B"


class Held:
    def __init__(self, prompt: str, api_key: str = "") -> None:
        self.prompt = prompt
        self.api_key = api_key

    def judge(self, case: Case) -> str:
        return "A"


def test_fingerprints_tell_judges_apart_and_stay() -> None:
    judges = [
        made(boom),
        made(stop),
        made(boom, version="1"),
        made(boom, version="2"),
        made(boom, task="score"),
        made(biased(0.1)),
        made(biased(0.9)),
        made(functools.partial(lambda case, k: "A", k=1)),
        made(functools.partial(lambda case, k: "A", k=2)),
        made(Held("a")),
        made(Held("b")),
    ]
    assert len({j.fingerprint for j in judges}) == len(judges)
    assert made(biased(0.1)).fingerprint == judges[5].fingerprint
    assert made(Held("a", api_key=KEY)).fingerprint == judges[9].fingerprint


# --- specs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory; modules imported from it are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edited file may keep its size and second
    yield tmp_path
    for name in [m for m in sys.modules if m.startswith(("vdtest_", "voirdire_judge_"))]:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


def test_a_file_is_loaded_with_its_neighbours(folder: Path) -> None:
    (folder / "sub").mkdir()
    write(folder, "sub/vdtest_helper.py", "ANSWER = 'B'\n")
    write(
        folder,
        "sub/my judge.py",
        """
        import vdtest_helper
        class Judges:
            @staticmethod
            def main(case):
                return vdtest_helper.ANSWER
        """,
    )
    judge = PythonJudge.from_spec("python:sub/my judge.py:Judges.main", task="pairwise")
    assert ask(judge).choice == 1
    assert judge.spec == judge.name == "python:sub/my judge.py:Judges.main"
    assert PythonJudge.from_spec("sub/my judge.py:Judges.main", task="pairwise").fingerprint == judge.fingerprint


def test_a_module_of_the_working_directory_is_found_after_installed_ones(folder: Path) -> None:
    write(folder, "vdtest_mod.py", "def f(case): return 'A'\nf.task = 'pairwise'\n")
    write(folder, "json.py", "raise RuntimeError('shadowed')\n")
    assert ask(PythonJudge.from_spec("python:vdtest_mod:f")).choice == 0
    assert sys.path[-1] == str(folder)


def test_the_same_file_in_another_folder_is_the_same_judge(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        write(folder, f"{name}/vdtest_a.py", "def f(case): return 'A'\n")
    judges = [PythonJudge.from_spec(f"{name}/vdtest_a.py:f", task="pairwise") for name in ("one", "two")]
    assert judges[0].fingerprint == judges[1].fingerprint


def test_editing_a_prompt_beside_the_function_changes_the_fingerprint(folder: Path) -> None:
    prints = set()
    for prompt in ("Be fair.", "Be strict."):
        write(
            folder,
            "vdtest_p.py",
            f"PROMPT = {prompt!r}\nAPI_KEY = {prompt!r}\ndef f(case): return len(PROMPT + API_KEY) % 2\n",
        )
        prints.add(PythonJudge.from_spec("vdtest_p.py:f", task="pairwise").fingerprint)
    assert len(prints) == 2
    for key in ("k1", "k2"):
        write(folder, "vdtest_p.py", f"API_KEY = {key!r}\ndef f(case): return len(API_KEY) % 2\n")
        prints.add(PythonJudge.from_spec("vdtest_p.py:f", task="pairwise").fingerprint)
    assert len(prints) == 3


def test_editing_the_file_changes_the_fingerprint(folder: Path) -> None:
    write(folder, "vdtest_a.py", "def f(case): return 'A'\n")
    first = PythonJudge.from_spec("python:vdtest_a.py:f", task="pairwise", version="1").fingerprint
    write(folder, "vdtest_a.py", "def f(case): return 'BB'[0]\n")
    assert PythonJudge.from_spec("python:vdtest_a.py:f", task="pairwise", version="1").fingerprint != first


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("python:nothing.py:f", "there is no file nothing.py"),
        ("python:vdtest_no_such_module:f", "ModuleNotFoundError: No module named 'vdtest_no_such_module'"),
        ("python:vdtest_a.py", "does not name a callable"),
        ("python::f", "does not name a callable"),
        ("python:vdtest_a.py:", "does not name a callable"),
        ("python:vdtest_a.py:juge", "Did you mean 'judge'"),
        ("python:vdtest_a.py:number", "not callable"),
        ("python:vdtest_a.py:Empty", "class without a judge"),
        ("python:vdtest_a.py:Needy", "without arguments"),
        ("python:vdtest_syntax.py:f", r"SyntaxError.*\(vdtest_syntax.py:2\)"),
        ("python:vdtest_raises.py:f", r"ZeroDivisionError.*\(vdtest_raises.py:3\)"),
        ("python:vdtest_import.py:f", r"ModuleNotFoundError.*'vdtest_missing'.*\(vdtest_import.py:1\)"),
        ("python:vdtest_exits.py:f", r"SystemExit"),
    ],
)
def test_specs_that_do_not_work_say_why_and_where(folder: Path, spec: str, says: str) -> None:
    write(
        folder,
        "vdtest_a.py",
        """
        number = 7
        def judge(case): return 'A'
        class Empty: pass
        class Needy:
            def __init__(self, model): pass
            def judge(self, case): return 'A'
        """,
    )
    write(folder, "vdtest_syntax.py", "x = 1\ndef f(:\n")
    write(folder, "vdtest_raises.py", "x = 1\ny = 0\nz = x / y\n")
    write(folder, "vdtest_import.py", "import vdtest_missing\n")
    write(folder, "vdtest_exits.py", "raise SystemExit(2)\n")
    with pytest.raises(UsageError, match=says) as caught:
        PythonJudge.from_spec(spec, task="pairwise")
    assert spec in str(caught.value)


def test_a_verdict_with_numbers_beyond_any_float_is_no_crash() -> None:
    scale = Scale(1, 10)
    assert to_verdict(Verdict(score=10**400), "score", scale, 1).null == "unparsed"
    assert to_verdict(Verdict(0, margin=10**400), "pairwise", scale, 2) == Verdict(0)
