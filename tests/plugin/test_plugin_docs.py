"""docs/pytest.md: its examples run, and its tables hold every option there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import voirdire as vd
from voirdire import _pytest_audits, checks, pytest_plugin

PAGE = (Path(__file__).parents[2] / "docs" / "pytest.md").read_text(encoding="utf-8")
JUDGES = """
def my_judge(case):
    return case.label

async def my_async_judge(case):
    return case.label

def first(case):
    return "A"
"""


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_column(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", text, re.M)


def test_every_example_runs_and_shows_what_it_says(judged: pytest.Pytester) -> None:
    judged.makepyfile(judges=JUDGES)
    # anyio's fixture would run the async ones under trio as well
    judged.makeconftest("import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    judged.makepyfile(**{f"test_{number}": text for number, text in enumerate(code)})
    result = judged.runpytest("-W", "error", "-ra", "-p", "no:asyncio")  # which warns of its own settings
    probes = 9 + 2 + 2 + 1  # a whole suite, order and typos, two judges, an async test
    result.assert_outcomes(passed=probes + 3, xfailed=1)


def test_the_table_of_the_mark_is_complete() -> None:
    named = first_column(section("The mark"))
    assert sorted(named) == sorted(_pytest_audits._KEYS)


def test_the_table_of_the_command_line_is_complete() -> None:
    rows = section("Command line and ini file")
    assert re.findall(r"^\| `--voirdire-([\w-]+)", rows, re.M) == [name for name, _, _ in pytest_plugin._SETTINGS]
    assert re.findall(r"\| `voirdire_(\w+)` \|", rows) == [
        name.replace("-", "_") for name, _, _ in pytest_plugin._SETTINGS
    ]


def test_the_table_of_the_checks_is_complete_and_their_signatures_are_true() -> None:
    named = dict(re.findall(r"^\| `(check_\w+)\(([^)]*)\)`", section("Checks by hand"), re.M))
    assert set(named) == {name for name in checks.__all__ if name.startswith("check_")}
    for name, arguments in named.items():
        parameters = inspect.signature(getattr(vd, name)).parameters.values()
        assert arguments.split(", ") == [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert f"a{name}" in PAGE


def test_the_properties_are_those_that_junit_gets() -> None:
    said = set(re.findall(r"`(?:voirdire)?\.(\w+)`", section("Command line and ini file")))
    assert said == set(re.findall(r'"(\w+)"', re.search(r"for key in \((.*?)\)", SOURCE)[1]))  # type: ignore[index]


SOURCE = inspect.getsource(pytest_plugin.ProbeTest)
