"""What is published: the wheel and the sdist are looked into; the files that a release needs are true."""

from __future__ import annotations

import configparser
import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
#: what a wheel may hold besides Python
DATA = {".jinja", ".html", ".css", ".js", ".svg", ".json", ".jsonl", ".toml", ".txt", ".tsv", ".typed", ".md"}


@pytest.fixture(scope="module")
def built() -> Path:
    """The folder with both archives. Building takes the network (setuptools 77), so .ci/run builds and says where."""
    folder = os.environ.get("VOIRDIRE_DIST")
    if not folder:
        pytest.skip("VOIRDIRE_DIST names no folder with a wheel and an sdist (`python -m build`)")
    return Path(folder)


def wheel(built: Path) -> zipfile.ZipFile:
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    names = wheel(built).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"voirdire", f"voirdire-{PROJECT['version']}.dist-info"}
    for name in names:
        inside = name.startswith("voirdire/") and not name.endswith(".py")
        assert not inside or Path(name).suffix in DATA, name
        assert "__pycache__" not in name
    assert "voirdire/py.typed" in names
    assert "voirdire/suites/data/cases.jsonl" in names
    assert "voirdire/reports/schema/" in "".join(names)


def test_every_source_file_is_in_the_wheel(built: Path) -> None:
    names = set(wheel(built).namelist())
    for part, home in {
        "": "src/voirdire",
        **{f"{p}/": p for p in ("harness", "perturbations", "suites", "reports")},
    }.items():
        for path in (ROOT / home).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                assert f"voirdire/{part}{path.relative_to(ROOT / home).as_posix()}" in names, path


def test_the_licences_travel_with_it(built: Path) -> None:
    archive = wheel(built)
    licences = {n.rpartition("/")[2] for n in archive.namelist() if ".dist-info/licenses/" in n}
    assert licences >= {"LICENSE", "NOTICE", "WORDNET-LICENSE.txt"}


def test_the_metadata(built: Path) -> None:
    archive = wheel(built)
    text = archive.read(f"voirdire-{PROJECT['version']}.dist-info/METADATA").decode()
    data = email.message_from_string(text)
    assert data["Name"] == "voirdire"
    assert data["License-Expression"] == "Apache-2.0"
    assert data["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in data.get_all("Classifier", [])
    assert len(data["Summary"]) < 200
    assert set(data.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    assert "# voirdire" in data.get_payload()
    points = configparser.ConfigParser()
    points.read_string(archive.read(f"voirdire-{PROJECT['version']}.dist-info/entry_points.txt").decode())
    assert points["console_scripts"]["voirdire"] == "voirdire.cli:main"
    assert points["pytest11"]["voirdire"] == "voirdire.pytest_plugin"


def test_the_sdist_can_be_built_again(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "NOTICE", "src/voirdire/__init__.py"} <= names
    assert "harness/judges/data/pairwise.jinja" in names
    assert not [n for n in names if n.startswith((".venv", ".tox", ".git/", ".voirdire"))]


# --- files beside the code -------------------------------------------------------------------------------------------


def test_the_version_is_the_same_everywhere() -> None:
    version = re.escape(PROJECT["version"])
    assert re.search(rf"^version: {version}$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M)
    assert re.search(rf"^## {version}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)


def test_the_lowest_versions_are_those_of_the_lowest_environment() -> None:
    """`tox -e lowest` pins what pyproject.toml promises, so a floor that is raised is raised in both."""
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    floors = {}
    for requirement in wanted:
        found = re.match(r"([\w.-]+).*?>=([\d.]+)", requirement)
        assert found, f"{requirement} has no floor"
        floors[found[1]] = found[2]
    section = (ROOT / "tox.ini").read_text(encoding="utf-8").split("[testenv:lowest]")[1].split("[testenv")[0]
    pinned = dict(re.findall(r"^    ([\w.-]+)==([\d.]+)$", section, re.M))
    assert pinned.keys() == floors.keys()
    for name, floor in floors.items():
        assert pinned[name] == floor or pinned[name].startswith(f"{floor}."), name


def test_the_hooks_for_work_on_it_run_what_there_is() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert "repo: local" in text
    for script in re.findall(r"python (scripts/\S+)", text):
        assert (ROOT / script).exists()


def test_advisories_are_asked_about_all_that_is_installed(tmp_path: Path) -> None:
    """As SECURITY.md says: an environment of tox, strict, on a schedule, about everything but voirdire itself."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    section = tox["testenv:pip-audit"]
    assert "pip-audit --strict" in section["commands"]
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "tox -e pip-audit" in policy
    assert all(f"`{extra}`" in policy for extra in section["extras"].split())
    workflow = (ROOT / ".github" / "workflows" / "advisories.yml").read_text(encoding="utf-8")
    assert "run: tox -e pip-audit" in workflow
    assert "cron:" in workflow
    listed = tmp_path / "installed.txt"
    subprocess.run([sys.executable, ROOT / "scripts" / "installed.py", listed], check=True)
    lines = listed.read_text(encoding="utf-8").splitlines()
    assert f"aiohttp=={version('aiohttp')}" in lines
    assert not any(line.startswith("voirdire==") for line in lines)


def test_the_start_page_lists_every_extra_for_users() -> None:
    developing = {"browser", "dev", "docs", "test"}
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert listed == set(PROJECT["optional-dependencies"]) - developing
