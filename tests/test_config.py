"""The configuration file: where it is found, what it may hold, what beats what, and errors that name file and line."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from voirdire._config import find_config, load_config, read_config
from voirdire._judge_tables import judge_tables
from voirdire.cli import audit as audit_command
from voirdire.cli import plan as plan_command
from voirdire.cli.configured import Commands, Settings, settings
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.trust import Origin


class Recorder:
    """A Typer application with commands of the signatures of the real ones that record what they are called with."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.settings = Settings()
        self.commands = Commands()
        self.app = typer.Typer(pretty_exceptions_enable=False)
        self.app.callback()(lambda: None)
        for name, function in (("audit", audit_command.audit), ("plan", plan_command.plan)):
            self.app.command(name)(self.commands.configured(name, self.like(function)))

    def like(self, function: Callable[..., Any]) -> Callable[..., int]:
        def record(**values: Any) -> int:
            self.values, self.settings = values, settings()
            return 0

        record.__signature__ = inspect.signature(function, eval_str=True)  # type: ignore[attr-defined]
        return record

    def __call__(self, *arguments: str) -> dict[str, Any]:
        self.app(list(arguments), standalone_mode=False)
        return self.values


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.chdir(tmp_path)
    return Recorder()


def write(text: str, path: str = "voirdire.toml") -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return Path(path)


# --- where it is found ---------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a folder a/b, in which the tests stand, below a folder with a file of somebody else's."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "a" / "b").mkdir(parents=True)
    (tmp_path / "voirdire.toml").write_text("seed = 666")
    monkeypatch.chdir(root / "a" / "b")
    return root


def test_the_nearest_file_up_to_the_repositorys_root_is_used(repository: Path) -> None:
    assert load_config() is None, "the file above the repository is not the repository's"
    write("seed = 1", str(repository / "voirdire.toml"))
    assert load_config().data == {"seed": 1}
    write("[tool.voirdire]\nseed = 2", str(repository / "a" / "pyproject.toml"))
    assert load_config().data == {"seed": 2}
    write("[tool.other]\nseed = 3", "pyproject.toml")
    assert load_config().data == {"seed": 2}


def test_a_worktree_has_a_file_for_git(repository: Path) -> None:
    (repository / ".git").rmdir()
    (repository / ".git").write_text("gitdir: elsewhere")
    assert load_config() is None


def test_outside_of_a_repository_only_the_current_folder_counts(tmp_path: Path) -> None:
    write("seed = 1", str(tmp_path / "voirdire.toml"))
    (tmp_path / "below").mkdir()
    assert find_config(tmp_path / "below") is None
    assert find_config(tmp_path) is not None


def test_voirdire_toml_wins_over_pyproject_and_says_so(recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    write("seed = 1")
    write("[tool.voirdire]\nseed = 2", "pyproject.toml")
    assert recorder("audit")["seed"] == 1
    said = capsys.readouterr().err
    assert "[tool.voirdire] of pyproject.toml is not" in said
    assert "From voirdire.toml: seed." in said
    recorder("audit", "--quiet")
    assert capsys.readouterr().err == ""


def test_config_names_a_file_or_none(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    write("seed = 1")
    write("seed = 2", "ci/other.toml")
    assert recorder("audit", "--config", "ci/other.toml")["seed"] == 2
    assert recorder("audit", "--config", "none")["seed"] == 0
    monkeypatch.setenv("VOIRDIRE_CONFIG", "ci/other.toml")
    assert recorder("audit")["seed"] == 2
    with pytest.raises(UsageError, match=r"missing\.toml cannot be read"):
        recorder("audit", "--config", "missing.toml")
    write("", "pyproject.toml")
    with pytest.raises(UsageError, match="has no table"):
        recorder("audit", "--config", "pyproject.toml")


def test_a_broken_file_is_not_read_for_help_or_by_config_none(recorder: Recorder) -> None:
    write("seed = ")
    assert recorder("audit", "--config", "none")["seed"] == 0
    recorder.app(["audit", "--help"], standalone_mode=False)


def test_a_link_to_a_file_elsewhere_is_refused_unless_named(recorder: Recorder, tmp_path: Path) -> None:
    write("seed = 1", "elsewhere/secret.toml")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "voirdire.toml").symlink_to(tmp_path / "elsewhere" / "secret.toml")
    with pytest.raises(UsageError, match="link to a file outside"):
        find_config(tmp_path / "here")
    assert recorder("audit", "--config", "here/voirdire.toml")["seed"] == 1


# --- what it may hold ----------------------------------------------------------------------------------------------

SAMPLES = {"flag": True, "whole": 7, "number": 0.25, "text": "mock:oracle", "path": "f", "texts": ["a", "b"]}


@pytest.mark.parametrize("table", ["", "[{}]\n"], ids=["top level", "own table"])
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_every_option_of_a_command_can_be_set(recorder: Recorder, command: str, table: str) -> None:
    expected: dict[str, Any] = {}
    lines = [table.format(command)]
    for key, option in recorder.commands._options[command].items():
        if option.negates or key == "plugin":  # code, which a file may not select unless it is vouched for
            continue
        if option.kind == "params":
            lines.append('params = { temperature = 0, reasoning_effort = "low" }')
            expected[option.parameter] = ["temperature=0", 'reasoning_effort="low"']
        else:
            value = "batch" if key == "on" else SAMPLES[option.kind]  # a host's address would need to be vouched for
            lines.append(f"{key} = {json.dumps(value)}")
            expected[option.parameter] = Path("f") if option.kind == "path" else value
    write("\n".join(lines))
    # The address of a judge reaches no command by this way, but with the judge's options, checked.
    base_url = expected.pop("base_url")
    values = recorder(command)
    values.pop("plugin", None)
    assert values.pop("base_url") is None
    assert recorder.settings.names().base_url.url == base_url
    assert values == expected


def test_the_real_commands_take_every_option_from_the_file(recorder: Recorder) -> None:
    """The schema is read off the signatures, so an option added to a command is known here at once."""
    for name, function in (("audit", audit_command.audit), ("plan", plan_command.plan)):
        known = {o.parameter for o in recorder.commands._options[name].values()}
        assert known == set(inspect.signature(function).parameters)
    keys = set(recorder.commands._options["audit"])
    shared = "judge task scale prompt parse param cases limit suite probes out seed samples alpha tolerance fixed"
    more = "sequential max_calls max_cost concurrency timeout retries cache format yes quiet no_color"
    assert set(shared.split() + more.split()) <= keys


def test_spellings(recorder: Recorder) -> None:
    write('max-calls = 5\nfixed = true\nformat = ["md", "csv"]\nprobes = "order.*"\nparam = ["temperature=0"]')
    values = recorder("audit")
    assert values["max_calls"] == 5
    assert values["sequential"] is False
    assert values["formats"] == "md,csv"
    assert values["probes"] == ["order.*"]
    assert values["param"] == ["temperature=0"]
    write("fixed = false")
    assert recorder("audit")["sequential"] is True


def test_command_line_beats_environment_beats_table_beats_top_level_beats_default(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(*arguments: str) -> tuple[int, Origin]:
        values = recorder("audit", *arguments)
        return values["seed"], recorder.settings.source("seed").origin

    assert seen() == (0, Origin.DEFAULT)
    write("seed = 1")
    assert seen() == (1, Origin.FILE)
    write("seed = 1\n[audit]\nseed = 2\n[plan]\nlimit = 9")
    assert seen() == (2, Origin.FILE)
    monkeypatch.setenv("VOIRDIRE_SEED", "3")
    assert seen() == (3, Origin.ENVIRONMENT)
    assert seen("--seed", "4") == (4, Origin.COMMAND_LINE)
    assert recorder("audit")["limit"] is None, "the table of another command"


def test_params_of_the_command_line_join_those_of_the_file(recorder: Recorder) -> None:
    write("params = { temperature = 1, top_p = 0.5 }")
    values = recorder("audit", "--param", "temperature=0")
    assert dict(p.split("=") for p in values["param"]) == {"temperature": "0", "top_p": "0.5"}


def test_paths_are_relative_to_the_file(repository: Path) -> None:
    text = 'cases = "c.jsonl"\nprompt = "p/judge.md"\nout = "report"\nsuite = "mine.toml"\ncache = "calls.sqlite"'
    write(text, str(repository / "voirdire.toml"))
    values = Recorder()("audit")
    above = Path("..") / ".."
    assert values["cases"] == str(above / "c.jsonl")
    assert values["prompt"] == above / "p" / "judge.md"
    assert values["out"] == above / "report"
    assert values["suite"] == str(above / "mine.toml")
    assert values["cache"] == str(above / "calls.sqlite")
    write('cases = "-"\nsuite = "standard"\ncache = "none"', str(repository / "voirdire.toml"))
    values = Recorder()("audit")
    assert (values["cases"], values["suite"], values["cache"]) == ("-", "standard", "none")
    given = Recorder()("audit", "--cases", "c.jsonl")
    assert given["cases"] == "c.jsonl"


def gate(baseline: Annotated[str | None, typer.Option("--baseline")] = None) -> None:
    """A command with an option that is called like another command."""


def test_a_name_can_be_a_commands_table_or_an_option(recorder: Recorder) -> None:
    for name in ("gate", "baseline"):
        recorder.app.command(name)(recorder.commands.configured(name, recorder.like(gate)))
    write('baseline = "base.json"')
    assert recorder("gate") == {"baseline": "base.json"}
    write('[baseline]\nbaseline = "other.json"')
    assert recorder("gate") == {"baseline": None}
    assert recorder("baseline") == {"baseline": "other.json"}


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 1\nmax_cals = 5", ["voirdire.toml, line 2", "'max_cals'", "max_calls"]),
        ("[audit]\n\nsede = 1", ["line 3", "'sede'", "[audit]", "seed"]),
        ("[adit]\nseed = 1", ["line 1", "'adit'", "audit"]),
        ("[audit.more]\nseed = 1", ["line 1", "'more'", "[audit]"]),
        ("[plan]\nout = 'x'", ["line 2", "'out'", "[plan]"]),
        ("seed = '1'", ["line 1", "seed must be a whole number", '"1"']),
        ("seed = true", ["a whole number", "true"]),
        ("seed = 1.0", ["a whole number", "1.0"]),
        ("alpha = '0.05'", ["a number"]),
        ("alpha = nan", ["a number"]),
        ("timeout = inf", ["a number"]),
        ("yes = 1", ["true or false"]),
        ("judge = 5", ["a text"]),
        ("judge = ''", ["a text"]),
        ("cases = 'a\\u0000b'".replace("'", '"'), ["a text"]),
        ("out = ['x']", ["a path"]),
        ("probes = [1]", ["a list of texts"]),
        ("params = 3", ["a table"]),
        ("seed = 2026-01-01", ["a whole number", "2026-01-01"]),
        ("max_calls = 1\nmax-calls = 2", ["line 2", "the same option"]),
        ("sequential = true\nfixed = true", ["line 2", "the same option"]),
        ("trust_config = true", ["cannot vouch for itself", "--trust-config"]),
        ("trust-config = true", ["cannot vouch for itself"]),
        ("[audit]\ntrust_config = true", ["cannot vouch for itself"]),
        ("config = 'x'", ["unknown key"]),
        ("seed = 1\nseed = 2", ["not TOML", "overwrite"]),
        ("seed = \nyes = true", ["not TOML", "line 1"]),
        ("a = " + "[" * 5000, ["not TOML"]),
        ("judges = 3", ["table of tables"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line(recorder: Recorder, text: str, words: list[str]) -> None:
    write(text)
    with pytest.raises(UsageError) as caught:
        recorder("audit", "--seed", "1", "--judge", "mock:oracle")
    for word in ["voirdire.toml", *words]:
        assert word in str(caught.value)


def test_a_wrong_value_that_the_command_finds_is_located_too(recorder: Recorder) -> None:
    def strict(**values: Any) -> int:
        raise UsageError(f"--alpha {values['alpha']:g} lies outside (0, 0.5)", hint="Less.")

    strict.__signature__ = inspect.signature(audit_command.audit, eval_str=True)  # type: ignore[attr-defined]
    recorder.app.command("strict")(recorder.commands.configured("strict", strict))
    write("seed = 1\nalpha = 2")
    with pytest.raises(UsageError) as caught:
        recorder("strict")
    assert str(caught.value) == "voirdire.toml, line 2: --alpha 2 lies outside (0, 0.5)\nLess."
    with pytest.raises(UsageError) as caught:
        recorder("strict", "--alpha", "3")
    assert "voirdire.toml" not in str(caught.value), "the file has nothing to do with it"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * 1_000_001], ids=["no UTF-8", "too long"])
def test_files_that_are_no_configuration(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voirdire.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"voirdire\.toml"):
        read_config(path)


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "voirdire.toml"
    path.write_bytes(b"\xef\xbb\xbf[audit]\r\nseed = 1\r\n")
    config = read_config(path)
    assert config is not None
    assert config.data == {"audit": {"seed": 1}}
    assert config.place("audit", "seed").endswith("line 2")


def test_a_pyproject_of_others_is_not_complained_about(tmp_path: Path) -> None:
    path = write("[[[", str(tmp_path / "pyproject.toml"))
    assert read_config(path) is None
    write('[project]\nname = "voirdire-user"', str(path))
    assert read_config(path) is None
    write("[tool]\nvoirdire = 3", str(path))
    with pytest.raises(UsageError, match="must be a table"):
        read_config(path)


def test_lines(tmp_path: Path) -> None:
    text = """
[tool.voirdire]
seed = 1                        # 3
"max-calls" = 2                 # 4
[tool.voirdire.judges."a.b"]    # 5
spec = "mock:oracle"            # 6
[ tool . voirdire . judges ]    # 7
c.spec = "mock:oracle"          # 8
d = { spec = "mock:oracle" }    # 9
"""
    config = read_config(write(text, str(tmp_path / "pyproject.toml")))
    assert config is not None
    lines = {
        ("seed",): 3,
        ("max-calls",): 4,
        ("judges", "a.b", "spec"): 6,
        ("judges", "c", "spec"): 8,
        ("judges", "d", "spec"): 9,
    }
    for keys, line in lines.items():
        assert config.place(*keys).endswith(f", line {line}"), keys


def test_the_examples_of_the_documentation_are_accepted(recorder: Recorder) -> None:
    page = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for number, example in enumerate(examples):
        name = f"{number}/pyproject.toml" if "[tool." in example else f"{number}/voirdire.toml"
        config = read_config(write(example, name).absolute())
        assert config is not None
        assert config.settings("audit", recorder.commands._options)["judge"].value == "strict"
        assert "strict" in judge_tables(config)
