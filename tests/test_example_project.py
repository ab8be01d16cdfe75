"""docs/examples/judge_project, copied and run as its reader would run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from endpoint import KEY, endpoint, judging

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "judge_project"
QUICK = 9  # probes of the suite
#: a pytest plugin under which no local model is installed
WITHOUT_MODELS = "from voirdire.harness.judges import models\n\nmodels.runtime_version = lambda: None\n"


class Ran(NamedTuple):
    code: int
    text: str
    #: class and name of a test -> passed, failed, error, skipped (an expected failure is a skip of that type)
    outcomes: Mapping[str, str]

    def count(self, outcome: str) -> int:
        return list(self.outcomes.values()).count(outcome)


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        self.aside = folder / "aside"
        self.aside.mkdir()
        (self.aside / "without_models.py").write_text(WITHOUT_MODELS)

    def pytest(self, *arguments: str, models: bool = False, **variables: str) -> Ran:
        """Run its tests; without local models unless `models`, and without the keys of whoever runs this."""
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "OPENAI_", "VOIRDIRE_"))}
        junit = self.aside / "junit.xml"
        # pytest-asyncio warns of settings that a project without it does not have, and warnings are errors there
        plain = ["-p", "no:cacheprovider", "-p", "no:asyncio", f"--junitxml={junit}"]
        command = [sys.executable, "-m", "pytest", *plain, *arguments]
        done = subprocess.run(
            command if models else [*command, "-p", "without_models"],
            cwd=self.folder,
            env={**keep, "PYTHONPATH": str(self.aside), "COLUMNS": "80", **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=600,
        )
        return Ran(done.returncode, done.stdout + done.stderr, _outcomes(junit))


def _outcomes(junit: Path) -> dict[str, str]:
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        kind = next((c for c in case if c.tag in ("failure", "error", "skipped")), None)
        outcome = "passed" if kind is None else (kind.get("type") or "").rpartition(".")[2] or kind.tag
        module = (case.get("classname") or "").rpartition(".")[2]
        found[f"{module}::{case.get('name')}"] = outcome
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_project_is_green(project: Project, options: tuple[str, ...]) -> None:
    if options:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    ran = project.pytest(*options)
    assert ran.code == 0, ran.text
    probes = [name for name in ran.outcomes if name.startswith("test_probes::test_the_help_desks_judge[")]
    assert len(probes) == QUICK
    assert ran.count("passed") == QUICK + 4 + 2, ran.text
    assert ran.outcomes["test_probes::test_asking_once[order.swap]"] == "xfail"
    assert ran.outcomes["test_small_model::test_the_small_model[order.swap]"] == "skip"
    assert "Run `voirdire models get smollm2`" in ran.text, "the reason for the skip says the fix"
    assert "hosted" not in " ".join(ran.outcomes)
    assert len(re.findall(r"judges:both_ways · suite quick", ran.text)) == 1


def test_its_tests_can_fail(project: Project) -> None:
    glue = project.folder / "tests" / "judges.py"
    glue.write_text(glue.read_text().replace("return better_both_ways(", "return better("))
    ran = project.pytest("tests/test_probes.py", "tests/test_house_rules.py", "tests/test_properties.py")
    assert ran.code == 1
    red = {name for name, outcome in ran.outcomes.items() if outcome not in ("passed", "skip", "xfail")}
    assert red == {
        "test_probes::test_the_help_desks_judge[order.swap]",
        "test_house_rules::test_the_order_of_the_drafts_does_not_matter",
        "test_properties::test_the_verdict_turns_round_with_the_drafts",
    }
    assert "slot" in ran.text


def test_the_hosted_judge_is_asked_with_the_projects_prompt(project: Project) -> None:
    with endpoint([judging()]) as server:
        ran = project.pytest("-m", "hosted", "--voirdire-cases=4", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
        asked = [request.body["messages"][-1]["content"] for request in server.requests]
    assert len(ran.outcomes) == QUICK
    assert ran.count("error") == 0, ran.text
    assert len(asked) > 4 * 4
    assert all(text.startswith("You are the editor of a shop's help desk.") for text in asked)
    assert KEY not in ran.text


@pytest.mark.slow
@pytest.mark.local_model
def test_the_small_model_fails_as_expected(project: Project) -> None:
    from voirdire.harness.judges import models

    if models.runtime_version() is None or models.missing(models.model("smollm2")):
        pytest.skip("SmolLM2 or xllamacpp is not installed: run `voirdire models get smollm2`")
    ran = project.pytest("tests/test_small_model.py", models=True)
    assert dict(ran.outcomes) == {"test_small_model::test_the_small_model[order.swap]": "xfail"}, ran.text


def test_the_cases_are_sound() -> None:
    cases = [json.loads(line) for line in (EXAMPLE / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len({case["id"] for case in cases}) == len(cases) >= 60
    assert len({case["instruction"] for case in cases}) == len(cases)
    first = sum(case["label"] == 0 for case in cases)
    assert 0.4 <= first / len(cases) <= 0.6, "a judge locked to a slot must not look right"


def test_the_readme_names_what_is_there() -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]+\.(?:py|md|jsonl|toml))`", text):
        assert (EXAMPLE / name).exists(), name
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (EXAMPLE / target).exists(), target
    rows = len((EXAMPLE / "cases.jsonl").read_text(encoding="utf-8").splitlines())
    assert f"{rows} questions" in text
