"""The baseline file, schema `voirdire.baseline/1`: JSON that is small, stable and merges line by line.

Each case and each probe stands on a line of its own, sorted, so that git merges changes of different probes. A value
per case is two characters of base 64 (steps of .001, "__" for none), a probe about 2 bytes a case and contrast: 1,000
cases under 30 probes take less than 1 MB. Each line of values carries a checksum over itself and the list of cases, so
that a damaged line, or one merged from a run over other cases, is an error and not a regression.

No texts, no keys: ids and contents are hashed, the judge's spec is redacted.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

import numpy as np

from voirdire.harness.baseline import Baseline, StoredAccuracy, StoredProbe
from voirdire.harness.cases import ALL_TASKS, Task, content_hash
from voirdire.harness.errors import UsageError
from voirdire.harness.findings import Decision
from voirdire.harness.finite import is_finite

__all__ = ["SCHEMA", "dumps", "loads", "read_baseline", "write_baseline"]

SCHEMA = "voirdire.baseline/1"

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_VALUE_OF = {a + b: 64 * i + j for i, a in enumerate(_DIGITS) for j, b in enumerate(_DIGITS)}
_TEXT_OF = list(_VALUE_OF)
#: one step of a stored value: its rounding error, .0003 on average, is nothing beside the noise of a case
_STEP = 0.001
_ZERO, _NONE = 2047, 4095
_CASE = re.compile(r"[0-9a-f]+ [0-9a-f]+( [0-9a-f]+)?")
_AGAIN = "Make it again with `voirdire baseline`, or take the last version that was not edited."


def encode(values: np.ndarray) -> str:
    """Values in [-2, 2] as two characters each; NaN as "__"."""
    steps = np.where(np.isnan(values), _NONE, np.rint(np.nan_to_num(values) / _STEP) + _ZERO).astype(int)
    if steps.size and (steps.min() < 0 or steps.max() > _NONE or np.nanmax(np.abs(values), initial=0.0) > 2):
        raise ValueError("a value lies outside [-2, 2]")
    return "".join(_TEXT_OF[s] for s in steps.tolist())


def decode(text: str) -> np.ndarray:
    """The inverse of `encode`, up to the step. Raises ValueError."""
    if len(text) % 2:
        raise ValueError("an odd number of characters")
    try:
        steps = np.asarray([_VALUE_OF[text[i : i + 2]] for i in range(0, len(text), 2)], dtype=float)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} is no value") from None
    return np.where(steps == _NONE, np.nan, np.round((steps - _ZERO) * _STEP, 3))


# ------------------------------------------------------------------------------------------------------------ writing


def dumps(baseline: Baseline) -> str:
    """The file's text: same baseline, same bytes."""
    cases = _cases_digest(baseline.cases)
    accuracy = baseline.accuracy
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "voirdire": baseline.voirdire,
        "created": baseline.created,
        "alpha": baseline.alpha,
        "task": baseline.task,
        "scale": list(baseline.scale),
        "samples": baseline.samples,
        "perturbation_seed": baseline.perturbation_seed,
        "judge": dict(sorted(baseline.judge.items())),
        "suite": {"name": baseline.suite, "hash": baseline.suite_hash},
        "cases_path": baseline.cases_path,
        "locked": baseline.locked,
        "accuracy": _checked(
            {
                "measure": accuracy.measure,
                "decision": accuracy.decision,
                "accuracy": _number(accuracy.accuracy),
                "values": encode(accuracy.values),
                "lost": encode(accuracy.lost),
                **({"labels": _three(accuracy.labels)} if accuracy.labels else {}),
            },
            cases,
        ),
    }
    lines = [f"{json.dumps(key)}: {_compact(value)}," for key, value in head.items()]
    probes = {name: _checked(_probe(p), cases) for name, p in sorted(baseline.probes.items())}
    # the cluster stands behind the content: one line a case
    rows = {key: f"{content} {baseline.groups.get(key, '')}".rstrip() for key, content in baseline.cases.items()}
    parts = ["{", *lines, *_table("cases", rows), *_table("probes", probes, last=True), "}"]
    return "\n".join(parts) + "\n"


def _probe(probe: StoredProbe) -> dict[str, Any]:
    out: dict[str, Any] = {
        "hash": probe.hash,
        "judge": probe.judge,
        "decision": probe.decision,
        "reason": probe.reason,
        "effect": _number(probe.effect),
        "asked": _three(probe.asked),
        "values": {name: encode(values) for name, values in probe.contrasts.items()},
    }
    if np.nansum(probe.lost) > 0:  # most runs lose nothing
        out["lost"] = encode(probe.lost)
    return out


def _three(hashes: Sequence[str]) -> str:
    """Hashes of three characters, one a case; "---" for none."""
    return "".join(a or "---" for a in hashes)


def _table(key: str, rows: Mapping[str, Any], *, last: bool = False) -> list[str]:
    body = [f"{json.dumps(name)}: {_compact(value)}," for name, value in rows.items()]
    if body:
        body[-1] = body[-1].removesuffix(",")
    return [f"{json.dumps(key)}: {{", *body, "}" if last else "},"]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 4)


def _cases_digest(cases: Mapping[str, str]) -> str:
    return content_hash(list(cases.items()))[:16]


def _checked(data: dict[str, Any], cases: str) -> dict[str, Any]:
    return {**data, "check": _checksum(data, cases)}


def _checksum(data: Mapping[str, Any], cases: str) -> str:
    return content_hash([{k: v for k, v in data.items() if k != "check"}, cases])[:8]


def write_baseline(baseline: Baseline, path: str | os.PathLike[str]) -> Path:
    """Write the file beside its place and rename it. Raises UsageError if it cannot be written."""
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(dumps(baseline), encoding="utf-8", newline="\n")
        temporary.replace(target)
    except OSError as error:
        raise UsageError(f"the baseline {target} cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)
    return target


# ------------------------------------------------------------------------------------------------------------ reading


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
    """The baseline stored in `path`. Raises UsageError naming file, field, value and the fix."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start})", hint=_AGAIN) from None
    except OSError as error:
        raise UsageError(
            f"the baseline {path} cannot be read ({error.strerror or error})",
            hint="Store a run first: voirdire baseline --judge SPEC --baseline FILE.",
        ) from None
    return loads(text, str(path))


def loads(text: str, path: str = "baseline") -> Baseline:
    """The inverse of `dumps`; `path` is named in errors. Raises UsageError."""
    if "<<<<<<<" in text:
        raise UsageError(f"{path}: holds git's conflict marks", hint="Take one side whole, or " + _AGAIN.lower())
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON ({error})", hint=_AGAIN) from None
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise UsageError(
            f"{path}: schema is {_cut(found)}, this voirdire reads {SCHEMA!r}",
            hint="Name a file that `voirdire baseline` wrote"
            + (", or upgrade voirdire." if str(found).startswith("voirdire.baseline/") else "."),
        )
    return _Reader(path, data).baseline()


def _no_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        keys = [k for k, _ in pairs]
        raise ValueError(f"{next(k for k in keys if keys.count(k) > 1)!r} stands there twice")
    return out


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Reader:
    """Checks field by field, so that the first wrong one is named."""

    def __init__(self, path: str, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data

    def baseline(self) -> Baseline:
        task = self._one_of(self.data, "task", ALL_TASKS)
        scale = self.data.get("scale")
        if not (isinstance(scale, list) and len(scale) == 2 and all(is_finite(x) for x in scale)):
            self._wrong("scale", scale, "two numbers, e.g. [1, 10]")
        judge = self._texts("judge")
        for key in ("spec", "fingerprint"):
            self._text(judge, key, "judge.")
        cases, groups = self._cases()
        digest = _cases_digest(cases)
        suite = self._table(self.data, "suite")
        probes = {
            name: self._probe(name, row, len(cases), digest) for name, row in self._table(self.data, "probes").items()
        }
        accuracy = self._table(self.data, "accuracy")
        self._check(accuracy, "accuracy", digest)
        return Baseline(
            voirdire=self._text(self.data, "voirdire"),
            created=self._text(self.data, "created"),
            alpha=self._number("alpha", 0.0, 0.5),
            task=cast(Task, task),
            scale=(float(scale[0]), float(scale[1])),
            samples=self._whole("samples", 1),
            perturbation_seed=self._whole("perturbation_seed", -(2**63)),
            judge=judge,
            suite=self._text(suite, "name", "suite."),
            suite_hash=self._text(suite, "hash", "suite."),
            cases_path=self._text(self.data, "cases_path"),
            locked=self._flag("locked"),
            cases=cases,
            probes=probes,
            accuracy=StoredAccuracy(
                measure=self._text(accuracy, "measure", "accuracy."),
                decision=cast(Decision, self._one_of(accuracy, "decision", get_args(Decision), "accuracy.")),
                accuracy=self._number_or_null(accuracy, "accuracy", "accuracy."),
                values=self._values(accuracy, "values", "accuracy.", len(cases)),
                lost=self._values(accuracy, "lost", "accuracy.", len(cases)),
                labels=self._hashes(accuracy, "labels", "accuracy.", len(cases)) if "labels" in accuracy else (),
            ),
            groups=groups,
        )

    def _cases(self) -> tuple[dict[str, str], dict[str, str]]:
        """(content hash by case, cluster hash by case)."""
        rows = self._texts("cases")
        cases, groups = {}, {}
        for key, value in rows.items():
            if not _CASE.fullmatch(f"{key} {value}"):
                self._wrong(f"cases.{key}", value, "a hash, and behind it that of the cluster if there is one")
            content, _, group = value.partition(" ")
            cases[key] = content
            if group:
                groups[key] = group
        if list(cases) != sorted(cases):
            self._wrong("cases", "a list out of order", "sorted by its keys")
        return cases, groups

    def _probe(self, name: str, row: Any, cases: int, digest: str) -> StoredProbe:
        where = f"probes.{name}."
        if not isinstance(row, dict):
            self._wrong(f"probes.{name}", row, "an object")
        self._check(row, f"probes.{name}", digest)
        contrasts = self._table(row, "values", where)
        lost = self._values(row, "lost", where, cases) if "lost" in row else np.zeros(cases)
        return StoredProbe(
            name=name,
            hash=self._text(row, "hash", where),
            decision=cast(Decision, self._one_of(row, "decision", get_args(Decision), where)),
            reason=row.get("reason"),
            effect=self._number_or_null(row, "effect", where),
            asked=self._hashes(row, "asked", where, cases),
            contrasts={key: self._values(contrasts, key, where + "values.", cases) for key in contrasts},
            lost=lost,
            judge=self._text(row, "judge", where),
        )

    def _check(self, row: Mapping[str, Any], where: str, digest: str) -> None:
        if row.get("check") != _checksum(row, digest):
            self._wrong(
                f"{where}.check", row.get("check"), "the checksum of its line and of the list of cases: one was changed"
            )

    def _hashes(self, row: Mapping[str, Any], key: str, where: str, cases: int) -> tuple[str, ...]:
        text = self._text(row, key, where)
        if len(text) != 3 * cases:
            self._wrong(where + key, f"{len(text)} characters", f"{3 * cases}, three a case")
        return tuple("" if (a := text[3 * i : 3 * i + 3]) == "---" else a for i in range(cases))

    def _values(self, row: Mapping[str, Any], key: str, where: str, cases: int) -> np.ndarray:
        text = self._text(row, key, where)
        try:
            values = decode(text)
        except ValueError as error:
            self._wrong(where + key, text, f"two characters a case ({error})")
        if values.size != cases:
            self._wrong(where + key, f"{values.size} values", f"{cases}, one a case")
        return values

    def _table(self, row: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
        value = row.get(key)
        if not isinstance(value, dict):
            self._wrong(where + key, value, "an object")
        return cast(dict[str, Any], value)

    def _texts(self, key: str) -> dict[str, str]:
        table = self._table(self.data, key)
        for name, value in table.items():
            if not isinstance(value, str):
                self._wrong(f"{key}.{name}", value, "a text")
        return table

    def _text(self, row: Mapping[str, Any], key: str, where: str = "") -> str:
        value = row.get(key)
        if not isinstance(value, str):
            self._wrong(where + key, value, "a text")
        return value

    def _one_of(self, row: Mapping[str, Any], key: str, known: Sequence[str], where: str = "") -> str:
        value = row.get(key)
        if value not in known:
            self._wrong(where + key, value, "one of " + ", ".join(known))
        return cast(str, value)

    def _number(self, key: str, low: float, high: float) -> float:
        value = self.data.get(key)
        if not is_finite(value) or not low <= value <= high:
            self._wrong(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def _number_or_null(self, row: Mapping[str, Any], key: str, where: str) -> float | None:
        value = row.get(key)
        if value is not None and not is_finite(value):
            self._wrong(where + key, value, "a number or null")
        return value

    def _whole(self, key: str, low: int) -> int:
        value = self.data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value < 2**63:
            self._wrong(key, value, "a whole number" + (f" from {low}" if low > -(2**62) else ""))
        return value

    def _flag(self, key: str) -> bool:
        value = self.data.get(key)
        if not isinstance(value, bool):
            self._wrong(key, value, "true or false")
        return value

    def _wrong(self, field: str, value: object, wanted: str) -> NoReturn:
        raise UsageError(f"{self.path}: {field} is {_cut(value)}; it must be {wanted}", hint=_AGAIN)
