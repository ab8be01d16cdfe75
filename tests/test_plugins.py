"""A user's own probes: the documented example end to end, all ways of loading, and errors that name file and line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

import voirdire as vd
from voirdire._plugins import load_plugin, load_plugins
from voirdire.cli import run
from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError, located
from voirdire.harness.followups import FollowUps
from voirdire.harness.registry import PERTURBATIONS, Registry
from voirdire.harness.relations import Relation
from voirdire.suites.rows import PROBES

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "my_probes.py"
GUIDE = ROOT / "docs" / "extending.md"
NAME = "house.double-checked"


@pytest.fixture(autouse=True)
def registries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What plugins register and import is gone after each test."""
    len(PROBES), len(PERTURBATIONS)
    modules, path = set(sys.modules), list(sys.path)
    monkeypatch.setattr(PERTURBATIONS, "_items", dict(PERTURBATIONS._items))
    monkeypatch.setattr(PROBES, "_items", dict(PROBES._items))
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("voirdire_plugin_", "own_")):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def to_file(code: str, name: str = "own_probes.py") -> str:
        path = tmp_path / name
        path.write_text(code, encoding="utf-8")
        return str(path)

    return to_file


GOOD = """
from voirdire.harness.cases import Edit
from voirdire.harness.relations import Relation
from voirdire.perturbations import perturbation
from voirdire.suites.rows import row

@perturbation("own.shout", claim="preserving", summary="Shouts.", source="voirdire")
def shout(text, place):
    return [Edit(0, len(text), text.upper())]

row("own.shout", Relation.INVARIANT)
"""


def believer(case: Case) -> str:
    """Believes whoever says that the answer was checked; else it is right."""
    said = [any(w in r for w in ("double-checked", "verified twice", "free of mistakes")) for r in case.responses]
    if said[0] != said[1]:
        return "AB"[said.index(True)]
    return "AB"[case.label] if isinstance(case.label, int) else "tie"


def upright(case: Case) -> str:
    """Right whatever the answers claim about themselves."""
    return "AB"[case.label] if isinstance(case.label, int) else "tie"


@pytest.mark.parametrize(("judge", "decision"), [(believer, "violated"), (upright, "holds")])
def test_the_example_runs_end_to_end(judge: Callable[[Case], str], decision: str) -> None:
    load_plugin(str(EXAMPLE))
    result = vd.audit(vd.judge(judge, task="pairwise"), suite="quick", probes=[NAME], limit=60)
    finding = result.findings[NAME]
    assert finding.decision == decision
    assert finding.relation is Relation.NO_GAIN
    assert finding.n >= 50
    assert finding.sham_effect is not None


def test_the_example_is_listed_and_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["probes", "--plugin", str(EXAMPLE), "--json"]) == 0
    rows = {r["name"]: r for r in json.loads(capsys.readouterr().out)}
    assert rows[NAME]["family"] == "house"
    assert rows[NAME]["sham"] is True
    assert run(["probes", "--plugin", str(EXAMPLE), "--show", NAME, "--limit", "1"]) == 0
    assert "{+" in capsys.readouterr().out


def test_the_audit_command_takes_plugins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    arguments = ["--judge", "mock:oracle", "--suite", "quick", "--cache", "none", "--quiet", "--limit", "12"]
    assert run(["audit", "--plugin", str(EXAMPLE), "--probes", NAME, "--out", str(out), *arguments]) == 0
    assert [f["probe"] for f in json.loads((out / "audit.json").read_text())["findings"]] == [NAME]


def test_the_guide_holds_a_template_that_works(write: Callable[..., str]) -> None:
    template = GUIDE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    load_plugin(write(template))
    assert PROBES.get(NAME).sham
    made = FollowUps().make(NAME, Case("Q?", ("It is so, for reasons given here.", "No.")))
    assert made.case.responses[0].endswith("double-checked every step of this answer.")


def test_a_file_is_loaded_once_and_a_module_by_its_name(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(GOOD)
    first, second = load_plugins([path, path])
    assert first is second
    write(GOOD.replace("own.shout", "own.cry"), "own_module.py")
    monkeypatch.chdir(tmp_path)
    load_plugin("own_module")
    assert {"own.shout", "own.cry"} <= set(PROBES)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import voirdire\n\nx = 1 / 0\n", ["own_probes.py, line 3", "ZeroDivisionError"]),
        ("def f(:\n    pass\n", ["own_probes.py, line 1", "SyntaxError"]),
        ("import no_such_module\n", ["own_probes.py, line 1", "no_such_module"]),
        (GOOD.replace("own.shout", "ownshout"), ["own_probes.py", "line 7", "family.name"]),
        (GOOD.replace("own.shout", "typos.swap"), ["own_probes.py", "line 7", "two perturbations", "Rename"]),
        (GOOD.replace("Relation.INVARIANT", "Relation.MUST_DROP"), ["line 11", "nothing must drop"]),
        (GOOD.replace('row("own.shout"', 'row("own.shuot"'), ["line 11", "Did you mean 'own.shout'"]),
        ("raise SystemExit(3)\n", ["exit(3)"]),
    ],
)
def test_errors_name_file_and_line_and_leave_nothing_behind(
    write: Callable[..., str], code: str, says: list[str]
) -> None:
    before = set(PERTURBATIONS), set(PROBES)
    path = write(code)
    with pytest.raises(UsageError) as caught:
        load_plugin(path)
    for part in says:
        assert part in str(caught.value)
    assert (set(PERTURBATIONS), set(PROBES)) == before
    write(GOOD)  # mended
    load_plugin(path)
    assert "own.shout" in PROBES


@pytest.mark.parametrize(
    ("spec", "says"), [("no.py", "no such file"), ("a b", "neither"), ("own_missing", "own_missing")]
)
def test_what_is_no_plugin(spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_plugin(spec)


def test_a_bug_that_shows_on_a_case_names_the_line_too(write: Callable[..., str]) -> None:
    load_plugin(write(GOOD.replace("text.upper()", "text.uper()")))
    with pytest.raises(UsageError, match=r"own\.shout failed on case 'q': own_probes\.py, line 9: AttributeError"):
        FollowUps().make("own.shout", Case("Q?", ("a", "b"), id="q"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return None", r"own_probes\.py, line 7: TypeError: 'NoneType' object is not iterable"),
        ("return [('a', 1)]", r"own_probes\.py, line 7: it returned \('a', 1\), which is no edit"),
        ("return text.upper()", r"own_probes\.py, line 7: it returned 'A', which is no edit"),
        ("return [Edit(0, len(text) / 2, '')]", r"own_probes\.py, line 7: it returned Edit\(start=0, end=0\.5"),
        ("return [Edit(0, 1, None)]", r"own_probes\.py, line 7: it returned Edit\(.*which is no edit"),
        ("yield Edit(0, 1, 'b'); text.uper()", r"own_probes\.py, line 9: AttributeError"),
        ("import json; json.loads('{')", r"own_probes\.py, line 9: JSONDecodeError"),
    ],
)
def test_what_is_no_list_of_edits_names_the_plugin(write: Callable[..., str], body: str, says: str) -> None:
    load_plugin(write(GOOD.replace("return [Edit(0, len(text), text.upper())]", body)))
    with pytest.raises(UsageError, match=rf"own\.shout failed on case 'q': {says}"):
        FollowUps().make("own.shout", Case("Q?", ("a", "b"), id="q"))


def test_a_function_of_the_wrong_arity_names_the_plugin(write: Callable[..., str]) -> None:
    load_plugin(write(GOOD.replace("def shout(text, place)", "def shout(text)")))
    with pytest.raises(UsageError, match=r"failed on case 'q': own_probes\.py, line 7: TypeError: shout\(\) takes 1"):
        FollowUps().make("own.shout", Case("Q?", ("a", "b"), id="q"))


def test_a_generator_of_edits_is_as_good_as_a_list(write: Callable[..., str]) -> None:
    load_plugin(write(GOOD.replace("return [Edit(0, len(text), text.upper())]", "yield Edit(0, 1, 'Ab')")))
    assert FollowUps().make("own.shout", Case("Q?", ("a", "b"), id="q")).case.responses[0] == "Ab"


CASE_EDITOR = """
from voirdire.harness.cases import Edit
from voirdire.perturbations.case_edits import case_perturbation, opposite

@case_perturbation("own.asker", summary="Says who asks.", source="voirdire", counterpart=opposite({"a": "b"}))
def asker(place):
    return []
"""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return None", "line 5: TypeError"),
        ("return ['a']", "line 5: it returned 'a', which is no edit"),
        ("raise KeyError('x')", "line 7: KeyError"),
        ("yield Edit(0, 0, 'a', 'instruction'); 1 / 0", "line 7: ZeroDivisionError"),
    ],
)
def test_a_function_of_a_whole_case_that_fails_names_the_plugin(
    write: Callable[..., str], body: str, says: str
) -> None:
    load_plugin(write(CASE_EDITOR.replace("return []", body)))
    with pytest.raises(UsageError, match=rf"own\.asker failed on case 'q': own_probes\.py, {says}"):
        FollowUps().make("own.asker", Case("Q?", ("a", "b"), id="q"))


def test_keys_stay_out_of_error_messages() -> None:
    said = located(ValueError("refused: api_key=sk-planted-0123456789abcdef"))
    assert "refused" in said
    assert "planted" not in said


def test_installed_packages_register_through_the_entry_point(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD, "own_installed.py")
    monkeypatch.syspath_prepend(tmp_path)
    point = metadata.EntryPoint("own", "own_installed", "voirdire.probes")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == "voirdire.probes" else [])
    monkeypatch.setattr(PROBES, "_loaded", False)
    assert "own.shout" in set(PROBES)
    assert "own" not in set(PROBES)  # the module itself is no probe


def test_broken_installed_plugins_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("own", "own_no_such_package", "voirdire.probes")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    broken: Registry[object] = Registry("thing", "voirdire.things")
    with pytest.raises(UsageError, match="VOIRDIRE_NO_PLUGINS=1"):
        broken.get("x")
    monkeypatch.setenv("VOIRDIRE_NO_PLUGINS", "1")
    assert list(Registry("thing", "voirdire.things")) == []
