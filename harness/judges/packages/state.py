"""What tells one object of another package from the next: its class, its plain state, the package's version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voirdire.harness.judges.packages.base import version_of
from voirdire.harness.judges.python_target import globals_of, plain, qualname, source_of

__all__ = ["function_state", "identity_of"]

#: deep enough for the prompt inside a function inside a function
_DEPTH = 6


def identity_of(target: Any, *distributions: str) -> Mapping[str, Any]:
    """Plain data for the fingerprint, the same in every run: no addresses, no keys."""
    return {
        "object": qualname(target),
        "state": plain(target, depth=_DEPTH),
        "versions": {name: version_of(name) for name in distributions},
    }


def function_state(target: Any) -> list[Any]:
    """The source of a function and the plain globals that it reads: an edited prompt makes another judge."""
    return [source_of(target), globals_of(target)]
