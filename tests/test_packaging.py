"""pyproject's package list and package data against the tree: what is here must be in the wheel."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import voirdire

ROOT = Path(__file__).parent.parent
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = CONFIG["tool"]["setuptools"]
HOMES = {"voirdire": ROOT / "src" / "voirdire"} | {
    f"voirdire.{name}": ROOT / name for name in ("harness", "perturbations", "reports", "suites")
}


def folder_of(package: str) -> Path:
    for prefix in sorted(HOMES, key=len, reverse=True):
        if package == prefix or package.startswith(prefix + "."):
            rest = package[len(prefix) :].strip(".")
            return HOMES[prefix].joinpath(*rest.split(".")) if rest else HOMES[prefix]
    raise AssertionError(package)


def test_every_package_is_listed() -> None:
    found = {
        ".".join([prefix, *path.parent.relative_to(home).parts])
        for prefix, home in HOMES.items()
        for path in home.rglob("__init__.py")
    }
    assert found == set(SETUPTOOLS["packages"])


def test_every_data_file_is_listed() -> None:
    patterns = SETUPTOOLS["package-data"]
    for package in SETUPTOOLS["packages"]:
        folder = folder_of(package)
        nested = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
        for path in nested:
            relative = path.relative_to(folder)
            if any(
                (folder / Path(*relative.parts[: i + 1]) / "__init__.py").exists()
                for i in range(len(relative.parts) - 1)
            ):
                continue  # belongs to a subpackage
            assert any(fnmatch.fnmatch(str(relative), g) for g in patterns.get(package, [])), f"{package}: {relative}"


def test_version_is_that_of_the_package() -> None:
    assert voirdire.__version__ == CONFIG["project"]["version"]


def test_public_names_exist_and_are_sorted() -> None:
    assert voirdire.__all__ == sorted(voirdire.__all__)
    for name in voirdire.__all__:
        assert getattr(voirdire, name) is not None
