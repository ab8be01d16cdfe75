"""Writes what is installed beside voirdire, `name==version` a line: what `tox -e pip-audit` asks about."""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path


def requirements() -> list[str]:
    """Every distribution of this environment but voirdire, whose advisories are in its own repository."""
    found = {(d.metadata["Name"].lower(), d.version) for d in distributions()}
    return sorted(f"{name}=={version}" for name, version in found if name != "voirdire")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(requirements()) + "\n", encoding="utf-8")
