"""Runs of pytest inside of pytest, in a folder of their own."""

from __future__ import annotations

import numpy  # noqa: F401
import pytest
import scipy.special  # noqa: F401

# Runs in this process forget the modules that they imported, and numpy cannot be imported twice: what an audit needs
# must be there before.
import voirdire._compose
import voirdire.checks
import voirdire.reports.html
import voirdire.reports.pytest_text
import voirdire.reports.schema
import voirdire.suites.rows  # noqa: F401

JUDGES = '''
import re

import voirdire as vd

def good(case):
    return case.label

def cited(case):
    """Takes whatever cites a source, and is right otherwise."""
    has = [bool(re.search(r"Press|p[.] [0-9]|University|Institute|College|https?://|《|学", r)) for r in case.responses]
    return has.index(True) if has.count(True) == 1 else case.label
'''


@pytest.fixture
def judged(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A test project with two judges; runs are cut off from the outer run's options."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(judges=JUDGES)
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:randomly\n")
    return pytester
