"""What `action.yml`, `.pre-commit-hooks.yaml` and docs/ci tell people to run works, with mock judges, as it is written.

The shell steps are taken out of the YAML and run as a CI runner would, in a folder that looks like a user's checkout.
`pip` is a stand-in that notes what it was asked to install: tests have no network.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from voirdire.harness.errors import ExitCode

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the recipes are written for bash")

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs" / "ci"
#: every file that holds YAML for a CI system
PAGES = {path.name: path for path in (ROOT / "action.yml", DOCS / "github.md", DOCS / "gitlab.md")}
ACTION = "action.yml"
#: what the runners set themselves
GIVEN = {"CI_PROJECT_DIR", "CI_PIPELINE_ID", "CI_PIPELINE_SOURCE", "CI_PROJECT_ID", "GITHUB_ACTION_PATH"}
GIVEN |= {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID"}


# ------------------------------------------------------------------------------------- shell steps out of the YAML


def yaml_of(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [text] if path.suffix != ".md" else re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)


def steps(text: str) -> list[str]:
    """The scripts of `run:` and of the entries of `script:`, block or one line, dedented as a YAML parser would."""
    lines = text.splitlines()
    found = []
    script_indent: int | None = None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if script_indent is not None and line.strip() and indent <= script_indent:
            script_indent = None
        if re.fullmatch(r"\s*script:", line):
            script_indent = indent
        entry = re.fullmatch(r"(\s*)(?:- )?run: (.+)" if script_indent is None else r"(\s*)- (.+)", line)
        if not entry:
            continue
        if entry[2] not in ("|", "|-"):
            found.append(entry[2])
            continue
        own = len(entry[1])
        body = []
        for below in lines[number + 1 :]:
            if below.strip() and len(below) - len(below.lstrip()) <= own:
                break
            body.append(below)
        found.append(textwrap.dedent("\n".join(body)).strip("\n") + "\n")
    return found


def step_of(name: str, command: str) -> str:
    """The first step of a page that runs `command`."""
    return next(s for text in yaml_of(PAGES[name]) for s in steps(text) if re.search(rf"^{command}\b", s, re.M))


def test_the_extraction_sees_what_a_yaml_parser_sees() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML, which is no dependency, checks the small extraction")

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "run" and isinstance(value, str):
                    yield value
                elif key == "script" and isinstance(value, list):
                    yield from value
                else:
                    yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    for path in PAGES.values():
        for text in yaml_of(path):
            assert steps(text) == list(walk(yaml.safe_load(text)))


def test_the_extraction_finds_every_step() -> None:
    number = {name: sum(len(steps(text)) for text in yaml_of(path)) for name, path in PAGES.items()}
    assert number == {"action.yml": 2, "github.md": 4, "gitlab.md": 2}


# --------------------------------------------------------------------------------------------------- a checkout


def cases(number: int = 180) -> str:
    """The built-in cases, and some of them again in other words: enough for a judge that holds to be seen to hold."""
    lines = (ROOT / "suites" / "data" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    again = [json.loads(line) for line in lines if isinstance(json.loads(line)["instruction"], str)]
    for case in again:
        case["id"] += "-again"
        case["instruction"] += " Be brief."
    return "\n".join([*lines, *map(json.dumps, again)][:number]) + "\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Checkout:
    """A folder as a CI job finds it, and a shell as the job starts it."""

    def __init__(self, root: Path, *, voirdire: str) -> None:
        self.root = root / "a checkout"
        self.bin = root / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        self.program("pip", f'printf "%s\\n" "$@" >> {shlex.quote(str(root / "pip.log"))}')
        self.program("voirdire", voirdire)
        (self.root / "judge.md").write_text("{{ instruction }}\nA: {{ response_a }}\nB: {{ response_b }}\n")
        (self.root / "cases.jsonl").write_text(cases(), encoding="utf-8")
        self.pip_log = root / "pip.log"

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def run(self, script: str, **variables: str) -> Ran:
        keep = {
            k: os.environ[k] for k in ("HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME", "XDG_STATE_HOME") if k in os.environ
        }
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            # as GitHub starts `shell: bash`; GitLab's shell stops at the first failure as well
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.root,
            env={**keep, "PATH": path, "PYTHONIOENCODING": "utf-8", **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


#: the console script of the environment that runs the tests
THIS_VOIRDIRE = f'exec {shlex.quote(str(Path(sysconfig.get_path("scripts"), "voirdire")))} "$@"'


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, voirdire=THIS_VOIRDIRE)


@pytest.fixture
def listening(tmp_path: Path) -> Checkout:
    """One whose `voirdire` only says what it was asked."""
    return Checkout(tmp_path, voirdire='printf "%s\\0" "$@"')


def words(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.err
    return ran.out.split("\0")[:-1]


# ------------------------------------------------------------------------------------------ what the steps pass on


def test_the_action_passes_its_inputs_on_word_by_word(listening: Checkout) -> None:
    step = step_of(ACTION, "voirdire gate")
    asked = words(
        listening.run(
            step, JUDGE="mock:noisy?accuracy=.9&first=.1", PROMPT="my judge.md", CASES="*", SUITE="ci",
            BASELINE="b.json", MAX_COST="5", OUT="voirdire-report", ARGS="--samples  3\n--probes *\n",
        )
    )  # fmt: skip
    head = ["gate", "--judge", "mock:noisy?accuracy=.9&first=.1", "--prompt", "my judge.md", "--cases", "*"]
    assert asked[:7] == head
    assert asked[7:13] == ["--baseline", "b.json", "--suite", "ci", "--max-cost", "5"]
    assert asked[13:] == [
        *("--out", "voirdire-report", "--format", "html,md,json,junit"),
        *("--samples", "3", "--probes", "*"),
    ]


def test_what_is_empty_is_left_out(listening: Checkout) -> None:
    empty = dict.fromkeys(("PROMPT", "CASES", "BASELINE", "MAX_COST", "ARGS"), "")
    asked = words(listening.run(step_of(ACTION, "voirdire gate"), JUDGE="j", SUITE="ci", OUT="o", **empty))
    assert asked == ["gate", "--judge", "j", "--suite", "ci", "--out", "o", "--format", "html,md,json,junit"]


@pytest.mark.parametrize("attack", ["$(touch owned)", "`touch owned`", "; touch owned", '" ; touch owned ; "'])
def test_an_input_never_runs(listening: Checkout, attack: str) -> None:
    names = ("JUDGE", "PROMPT", "CASES", "SUITE", "BASELINE", "MAX_COST", "OUT", "ARGS")
    for name in PAGES:
        listening.run(step_of(name, "voirdire gate"), **dict.fromkeys(names, attack))
    assert not (listening.root / "owned").exists()


def test_installs_are_pinned(listening: Checkout) -> None:
    for name, path in PAGES.items():
        for step in (s for text in yaml_of(path) for s in steps(text) if s.startswith("pip ")):
            listening.pip_log.unlink(missing_ok=True)
            assert listening.run(step, GITHUB_ACTION_PATH="/the action").code == 0
            first, *rest = listening.pip_log.read_text().splitlines()
            assert first == "install"
            # the action installs itself, so its own tag is the pin
            wanted = "/the action" if name == ACTION else "voirdire @ git+https://github.com/OWNER/voirdire@v0.1.0"
            assert [word for word in rest if not word.startswith("--")] == [wanted]


# --------------------------------------------------------------------------------------------- rules of the house


@pytest.mark.parametrize("name", PAGES)
def test_steps_hold_no_expression_and_no_unknown_variable(name: str) -> None:
    for text in yaml_of(PAGES[name]):
        for step in steps(text):
            assert "${{" not in step  # pasted into a script, an expression could run code
            for variable in re.findall(r"\$\{?([A-Z_]+)", step):
                assert variable in GIVEN or re.search(rf"^\s+{variable}: ", text, re.M), variable


def test_everything_used_is_pinned_and_nothing_may_write() -> None:
    for path in PAGES.values():
        for text in yaml_of(path):
            for used in re.findall(r"uses: (\S+)", text):
                assert re.fullmatch(r"[\w-]+/[\w/-]+@v\d+(\.\d+)*", used), used
            assert not re.search(r"^\s*(pull_request_target|workflow_run):|: write\b|write-all", text, re.M)
            if re.search(r"^on:", text, re.M):
                assert "permissions:\n  contents: read\n" in text
                assert text.count("persist-credentials: false") == text.count("actions/checkout@")
                assert "github.event.pull_request.head.repo.full_name == github.repository" in text


def test_the_key_is_given_to_one_step_only() -> None:
    for text in yaml_of(DOCS / "github.md"):
        given = [line for line in text.splitlines() if "secrets." in line]
        assert given
        # `env:` of a step; that of a job or of the workflow would stand further left
        assert all(re.match(r" {10}[A-Z_]+: \$\{\{ secrets\.", line) for line in given)


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = {
        int(c): m.strip() for c, m in re.findall(r"^\| (\d+) \| ([^|]+) \|", (DOCS / "README.md").read_text(), re.M)
    }
    assert set(table) == {int(code) for code in ExitCode}
    assert "130, 2, 4, 5, 1, 3, 0" in (ExitCode.__doc__ or "")
    assert "130, 2, 4, 5, 1, 3, 0" in (DOCS / "README.md").read_text()


def test_links_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


# -------------------------------------------------------------------------------------------------------- hooks


def hook_arguments() -> dict[str, list[str]]:
    """Hook id -> the arguments that the page gives it (lists of strings in double quotes are JSON)."""
    (text,) = yaml_of(DOCS / "pre-commit.md")
    found = re.findall(r"- id: (\S+)\n.*?args: (\[.*?\])", text, re.DOTALL)
    return {name: json.loads(args) for name, args in found}


def hook_entries() -> dict[str, list[str]]:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    return {name: shlex.split(entry) for name, entry in re.findall(r"- id: (\S+)\n.*?entry: (.+?)\n", text, re.DOTALL)}


def test_the_page_uses_the_hooks_that_exist() -> None:
    assert list(hook_arguments()) == list(hook_entries()) == ["voirdire-plan", "voirdire-gate"]
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert text.count("pass_filenames: false") == 2  # a file name would be read as an argument


def test_the_plan_hook_reads_the_prompt_and_needs_no_key(checkout: Checkout) -> None:
    arguments = hook_arguments()["voirdire-plan"]
    if not suite_exists(checkout, arguments[arguments.index("--suite") + 1]):
        pytest.skip("the suite `ci` is not there yet")
    command = shlex.join(hook_entries()["voirdire-plan"] + arguments)
    assert checkout.run(command).code == 0
    (checkout.root / "judge.md").write_text("Which is better?\n")
    broken = checkout.run(command)
    assert broken.code == ExitCode.USAGE
    assert "instruction" in broken.err + broken.out


def suite_exists(checkout: Checkout, name: str) -> bool:
    return name in checkout.run("voirdire suites").out.split()


# ----------------------------------------------------------------------------------------- the real thing, on mocks


MOCK = {"PROMPT": "", "CASES": "cases.jsonl"}  # a mock judge has no prompt of its own


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with the baseline of a judge that holds, made by the documented step."""
    made = Checkout(tmp_path_factory.mktemp("gated"), voirdire=THIS_VOIRDIRE)
    if made.run("voirdire gate --help").code != 0:
        pytest.skip("`voirdire gate` is not there yet")
    ran = made.run(step_of("github.md", "voirdire baseline"), JUDGE="mock:oracle", **MOCK)
    assert ran.code == 0, ran.out + ran.err
    assert (made.root / "voirdire-baseline.json").exists()
    return made


INPUTS = {
    **MOCK,
    "SUITE": "ci",
    "BASELINE": "voirdire-baseline.json",
    "MAX_COST": "5",
    "OUT": "voirdire-report",
    "ARGS": "",
}


def test_a_judge_that_holds_is_green(gated: Checkout, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    ran = gated.run(
        step_of(ACTION, "voirdire gate"), JUDGE="mock:oracle", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary),
        **INPUTS,
    )  # fmt: skip
    assert ran.code == ExitCode.OK, ran.out + ran.err
    assert "### PASS" in summary.read_text(encoding="utf-8")
    assert re.search(r"^::notice title=", ran.out + ran.err, re.M)
    suite = ElementTree.parse(gated.root / "voirdire-report" / "junit.xml").getroot()
    assert int(suite.get("tests", "0")) > 1
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


def test_a_judge_that_is_swayed_is_red_on_github(gated: Checkout, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    ran = gated.run(
        step_of("github.md", "voirdire gate"), JUDGE="mock:gullible", GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary), **MOCK,
    )  # fmt: skip
    assert ran.code == ExitCode.VIOLATED, ran.out + ran.err
    assert re.search("^### (FAIL|REGRESSED)", summary.read_text(encoding="utf-8"), re.M)
    assert re.search(r"^::error title=", ran.out + ran.err, re.M)


def test_a_judge_that_is_swayed_is_red_on_gitlab(gated: Checkout) -> None:
    ran = gated.run(step_of("gitlab.md", "voirdire gate"), JUDGE="mock:gullible", **MOCK)
    assert ran.code == ExitCode.VIOLATED, ran.out + ran.err
    assert not re.search(r"^\s*::", ran.out + ran.err, re.M)  # annotations are for GitHub alone
    suite = ElementTree.parse(gated.root / "voirdire-report" / "junit.xml").getroot()
    assert int(suite.get("failures", "0")) > 0


def test_the_gate_hook_runs(gated: Checkout) -> None:
    arguments = hook_arguments()["voirdire-gate"]
    arguments[arguments.index("--judge") + 1] = "mock:oracle"
    at = arguments.index("--prompt")
    del arguments[at : at + 2]
    ran = gated.run(shlex.join(hook_entries()["voirdire-gate"] + arguments))
    assert ran.code == ExitCode.OK, ran.out + ran.err


def test_the_commands_of_the_overview_run(gated: Checkout) -> None:
    for command in re.findall(r"```bash\n(.*?)```", (DOCS / "README.md").read_text(encoding="utf-8"), re.DOTALL):
        ran = gated.run(command.replace(" --prompt judge.md", ""), JUDGE="mock:oracle")
        assert ran.code == 0, ran.out + ran.err
