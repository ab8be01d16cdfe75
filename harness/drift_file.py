"""The drift file, schema `voirdire.drift/1`: how often a gate was run against a baseline, and what it saw.

`statistics/drift.py` says why runs are counted. The count belongs to one baseline: a new baseline starts it anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voirdire.harness.errors import UsageError
from voirdire.harness.gate import Gate

__all__ = ["SCHEMA", "Drift", "add_run", "read_drift"]

SCHEMA = "voirdire.drift/1"
#: runs that are kept in the file; the count goes on
KEPT = 1000
_FIX = "Delete the file to start counting anew; the error rate then starts anew as well."


@dataclass(frozen=True, slots=True)
class Drift:
    """`runs` finished gates against `baseline`, the last ones in `history`."""

    baseline: str
    runs: int = 0
    history: tuple[Mapping[str, Any], ...] = ()

    @property
    def next_run(self) -> int:
        return self.runs + 1


def read_drift(path: str | os.PathLike[str], baseline: str) -> Drift:
    """The count of runs against `baseline` (Baseline.run); a missing file or another baseline starts it.

    Raises UsageError naming file, field, value and the fix.
    """
    target = Path(path)
    try:
        data = json.loads(target.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Drift(baseline)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the drift file {target} cannot be read ({error})", hint=_FIX) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise UsageError(f"{target}: schema is {str(found)[:60]!r}, this voirdire reads {SCHEMA!r}", hint=_FIX)
    if data.get("baseline") != baseline:
        return Drift(baseline)
    count, history = data.get("runs"), data.get("history")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 2**31:
        raise UsageError(f"{target}: runs is {str(count)[:60]!r}; it must be a whole number from 0", hint=_FIX)
    if not isinstance(history, list) or not all(isinstance(row, dict) for row in history):
        raise UsageError(f"{target}: history is {str(history)[:60]!r}; it must be a list of objects", hint=_FIX)
    return Drift(baseline, count, tuple(history))


def add_run(path: str | os.PathLike[str], drift: Drift, gate: Gate) -> None:
    """Write the file with one run more. Raises UsageError."""
    row = {
        "created": gate.audit.created,
        "run": drift.next_run,
        "fingerprint": gate.audit.fingerprint[:16],
        "state": gate.state,
        "alpha": gate.alpha,
        "changes": {c.probe: [_round(c.change), _round(c.low), _round(c.high), c.state] for c in gate.changes},
    }
    history = [*drift.history, row][-KEPT:]
    lines = ",\n".join(json.dumps(r, allow_nan=False) for r in history)
    head = f'"schema": "{SCHEMA}",\n"baseline": {json.dumps(drift.baseline)},\n"runs": {drift.next_run},'
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(f'{{\n{head}\n"history": [\n{lines}\n]\n}}\n', encoding="utf-8", newline="\n")
        temporary.replace(target)
    except OSError as error:
        raise UsageError(f"the drift file {target} cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
