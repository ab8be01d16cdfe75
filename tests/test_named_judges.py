"""Judges by name, the tables [judges.NAME] of the configuration file: what a name stands for, and what beats what."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from voirdire._config import read_config
from voirdire._judge_names import Names, names_for
from voirdire._judge_tables import JUDGE_KEYS, judge_tables
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.verdicts import Scale


def write(text: str, path: Path) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def named(text: str, folder: Path | None = None, **told: Any) -> Names:
    path = write(text, (folder or Path.cwd()) / "voirdire.toml")
    config = read_config(path.absolute())
    assert config is not None
    tables = judge_tables(config)
    return Names(lambda: tables, told=told)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_named_judge_has_the_options_of_its_table(here: Path) -> None:
    names = named("""
[judges.strict]
spec = "openai:gpt-5-mini"
task = "score"
scale = "1:5"
prompt = "p.md"
parse = "letter"
base_url = "http://localhost:9/v1"
params = { max_tokens = 9 }
timeout = 5
retries = 0
concurrency = 2
utility = "probability"
""")
    spec, options = names("strict", JudgeOptions())
    assert spec == "openai:gpt-5-mini"
    expected: dict[str, Any] = {
        "task": "score",
        "scale": Scale(1, 5),
        "prompt": "p.md",
        "parse": "letter",
        "base_url": "http://localhost:9/v1",
        "params": {"max_tokens": 9},
        "timeout": 5.0,
        "retries": 0,
        "concurrency": 2,
        "utility": "probability",
    }
    assert {k: getattr(options, k) for k in expected} == expected
    assert expected.keys() | {"spec"} == JUDGE_KEYS.keys()


def test_every_option_of_a_judge_can_stand_in_its_table() -> None:
    """A new field of JudgeOptions belongs into JUDGE_KEYS, or among those that are no business of a file."""
    internal = {"base_url_trusted", "environ", "names", "place", "seed"}
    assert {f.name for f in fields(JudgeOptions)} - internal == JUDGE_KEYS.keys() - {"spec"}


def test_what_was_told_beats_the_table_which_beats_other_settings(here: Path) -> None:
    text = '[judges.j]\nspec = "openai:m"\ntimeout = 5\nparams = { temperature = 1, top_p = 0.5 }'
    options = JudgeOptions(timeout=60.0, params={"temperature": 0, "seed": 3, "top_p": 0.9})
    _, found = named(text)("j", options)
    assert (found.timeout, found.params) == (5.0, {"temperature": 1, "seed": 3, "top_p": 0.5})
    _, found = named(text, timeout=60.0, params={"temperature": 0})("j", options)
    assert (found.timeout, found.params) == (60.0, {"temperature": 0, "seed": 3, "top_p": 0.5})


def test_a_judges_own_address_beats_that_of_the_environment(here: Path) -> None:
    """A judge is asked where its table says, or not at all: never silently somewhere else."""
    names = named('[judges.near]\nspec = "openai:m"\nbase_url = "http://localhost:9/v1"')
    options = JudgeOptions(environ={"OPENAI_BASE_URL": "https://gateway.example/v1"})
    _, found = names("near", options)
    assert (found.base_url, found.base_url_trusted) == ("http://localhost:9/v1", False)


def test_a_name_may_stand_for_a_name_and_the_outer_table_wins(here: Path) -> None:
    names = named("""
[judges.base]
spec = "openai:m"
timeout = 5
retries = 1
params = { temperature = 1, top_p = 0.5 }
[judges.quick]
spec = "base"
timeout = 2
params = { temperature = 0 }
""")
    spec, options = names("quick", JudgeOptions())
    assert spec == "openai:m"
    assert (options.timeout, options.retries) == (2.0, 1)
    assert options.params == {"temperature": 0, "top_p": 0.5}


def test_names_inside_of_wrappers(here: Path) -> None:
    """The grammar of wrappers asks again for each judge inside, with the options it was given."""
    names = named("""
[judges.both]
spec = "vote(one, openai:two)"
timeout = 3
[judges.one]
spec = "openai:one"
timeout = 9
retries = 2
""")
    spec, options = names("swap_average(one)", JudgeOptions())
    assert spec == "swap_average(one)"
    assert options.names is not None
    spec, inner = options.names("one", options)
    assert (spec, inner.timeout, inner.retries) == ("openai:one", 9.0, 2)
    spec, options = names("both", JudgeOptions())
    assert spec == "vote(one, openai:two)"
    assert options.names is not None
    assert options.names("one", options)[1].timeout == 3.0
    assert options.names("openai:two", options)[1].timeout == 3.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[judges.x]\ntimeout = 5", ["line 1", "no spec"]),
        ('[judges.x]\nspec = "a:b"\nspce = 1', ["line 3", "'spce'", "spec"]),
        ("[judges.x]\nspec = 3", ["line 2", "must be a text", "3"]),
        ('[judges.x]\nspec = "a:b"\nscale = "9"', ["line 3", "a range"]),
        ('[judges.x]\nspec = "a:b"\ntask = "grading"', ["one of", "pairwise"]),
        ('[judges.x]\nspec = "a:b"\ntimeout = 0', ["above 0"]),
        ('[judges.x]\nspec = "a:b"\nretries = -1', ["from 0"]),
        ('[judges.x]\nspec = "a:b"\nconcurrency = 0', ["from 1"]),
        ('[judges.x]\nspec = "a:b"\nparams = "temperature=0"', ["a table"]),
        ('[judges.x]\nspec = "a:b"\nutility = "score"', ["probability"]),
        ('[judges.x]\nspec = "a:b"\nbase_url_trusted = true', ["unknown key"]),
        ('[judges.x]\nspec = "a:b"\nenviron = {}', ["unknown key"]),
        ('[judges."x:y"]\nspec = "a:b"', ["no name for a judge"]),
        ('[judges."x(y"]\nspec = "a:b"', ["no name for a judge"]),
        ('[judges."x, y"]\nspec = "a:b"', ["no name for a judge"]),
        ('[judges.openai]\nspec = "python:evil:f"', ["already the name of a kind of judge"]),
        ('[judges]\nx = "openai:m"', ["judges.x must be a table"]),
        ('[judges.x]\nspec = "y"\n[judges.y]\nspec = "x"', ["each other", "x -> y -> x"]),
        ('[judges.x]\nspec = "x"', ["x -> x"]),
        ('[judges.strict]\nspec = "openai:m"\n[judges.x]\nspec = "strickt"', ["no judge called 'strickt'", "strict"]),
    ],
)
def test_wrong_tables(here: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        named(text)("x", JudgeOptions())
    for word in words:
        assert word in str(caught.value)


def test_a_table_may_not_take_the_name_of_a_registered_judge(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "shop-1.dist-info").mkdir()
    (here / "shop-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    (here / "shop-1.dist-info" / "entry_points.txt").write_text("[voirdire.judges]\nhouse = shop_not_importable:f\n")
    monkeypatch.syspath_prepend(str(here))
    with pytest.raises(UsageError, match="already the name of a judge of an installed package"):
        named('[judges.house]\nspec = "openai:m"')
    names = named('[judges.other]\nspec = "openai:m"')
    assert names.resolve("house").spec == "house", "left to whoever knows registered judges"


def test_paths_in_specs_are_relative_to_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = here / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    (here / "j.gguf").touch()
    names = named(
        """
[judges.recorded]
spec = "replay:runs/a.jsonl"
prompt = "p/judge.md"
[judges.weights]
spec = "local:j.gguf"
[judges.known]
spec = "local:smollm2"
""",
        here,
    )
    above = Path("..") / ".."
    assert names.resolve("recorded").spec == f"replay:{above / 'runs' / 'a.jsonl'}"
    assert names.resolve("recorded").options["prompt"] == str(above / "p" / "judge.md")
    assert names.resolve("weights").spec == f"local:{above / 'j.gguf'}"
    assert names.resolve("known").spec == "local:smollm2"
    assert names.resolve("replay:runs/a.jsonl").spec == "replay:runs/a.jsonl", "named in person"


def test_python_code_names_judges(here: Path) -> None:
    write('[judges.steady]\nspec = "mock:oracle"\ntask = "grade"', here / "voirdire.toml")
    judge = make_judge("steady", JudgeOptions(names=names_for({})))
    assert (judge.spec, judge.task) == ("mock:oracle", "grade")
    told = {"task": "score"}
    assert make_judge("steady", JudgeOptions(task="score", names=names_for(told))).task == "score"
    write("broken =", here / "voirdire.toml")
    assert make_judge("mock:oracle", JudgeOptions(names=names_for({}))).name, "no name, so no file is read"
