"""Suites: built-in ones by name, a user's own from a TOML file; and the choice of probes by glob."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from voirdire.harness.cases import content_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.probes import (
    DEFAULT_ACCURACY_FLOOR,
    DEFAULT_MIN_DROP,
    DEFAULT_TOLERANCE,
    Probe,
    Suite,
)
from voirdire.perturbations.compositions import is_composed, spelled, terms_of
from voirdire.suites.composed import composed_names
from voirdire.suites.rows import PROBES

__all__ = ["builtin_suites", "load_suite", "match_probes", "narrow", "suite_hash"]

#: key of a suite file -> (accepted types, smallest, largest)
_NUMBERS: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "samples": (int, 1, 100),
    "cases": (int, 1, 10_000_000),
    "max_calls": (int, 1, 1_000_000_000),
    "tolerance": ((int, float), 0.0, 1.0),
    "min_drop": ((int, float), 0.0, 1.0),
    "accuracy_floor": ((int, float), 0.0, 1.0),
}
_TEXTS = ("name", "summary", "source")
_PROBE_KEYS = ("tolerance", "min_drop", "dose")


def builtin_suites() -> list[str]:
    """Names of the suites in the package, sorted."""
    folder = resources.files("voirdire.suites") / "builtin"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_suite(name: str) -> Suite:
    """The suite called `name`, or that of the TOML file `name`. Raises UsageError."""
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the suite file {name} cannot be read ({error})") from None
        return _parse(text, name)
    known = builtin_suites()
    if name not in known:
        raise UsageError(
            f"there is no suite called {name!r}",
            hint=nearest(name, known) + " A suite of your own: --suite FILE.toml.",
        )
    text = (resources.files("voirdire.suites") / "builtin" / f"{name}.toml").read_text(encoding="utf-8")
    return _parse(text, f"{name}.toml")


def _parse(text: str, path: str) -> Suite:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML ({error})") from None
    known = {*_NUMBERS, *_TEXTS, "probes", "probe"}
    for key in data:
        if key not in known:
            raise UsageError(f"{path}{_line(text, key)}: unknown key {key!r}", hint=nearest(key, known))
    for key, (kind, low, high) in _NUMBERS.items():
        if key in data:
            _check_number(f"{path}{_line(text, key)}: {key}", data[key], kind, low, high)
    for key in _TEXTS:
        if key in data and not isinstance(data[key], str):
            raise UsageError(f"{path}{_line(text, key)}: {key} must be a text, not {data[key]!r}")
    globs = data.get("probes")
    if not isinstance(globs, list) or not globs or not all(isinstance(g, str) for g in globs):
        raise UsageError(f'{path}: probes must be a list of names or globs, e.g. probes = ["order.swap", "typos.*"]')
    probes = [_changed(p, data.get("probe", {}), path, text) for p in match_probes(globs, where=f"{path}: ")]
    return Suite(
        name=data.get("name", Path(path).stem),
        summary=data.get("summary", ""),
        probes=tuple(probes),
        samples=data.get("samples", 1),
        cases=data.get("cases"),
        tolerance=data.get("tolerance", DEFAULT_TOLERANCE),
        min_drop=data.get("min_drop", DEFAULT_MIN_DROP),
        accuracy_floor=data.get("accuracy_floor", DEFAULT_ACCURACY_FLOOR),
        max_calls=data.get("max_calls"),
        source=data.get("source", "voirdire"),
    )


def _changed(probe: Probe, tables: Any, path: str, text: str) -> Probe:
    """`probe` with the changes of its [probe."name"] table."""
    if not isinstance(tables, Mapping):
        raise UsageError(f'{path}: write a probe\'s changes as [probe."order.swap"]')
    table = tables.get(probe.name, {})
    for key, value in table.items():
        if key not in _PROBE_KEYS:
            raise UsageError(
                f"{path}{_line(text, key)}: unknown key {key!r} of probe {probe.name}", hint=nearest(key, _PROBE_KEYS)
            )
        high = 100.0 if key == "dose" else 1.0
        _check_number(f"{path}{_line(text, key)}: {key} of {probe.name}", value, (int, float), 0.0, high)
    return replace(
        probe,
        tolerance=table.get("tolerance", probe.tolerance),
        min_drop=table.get("min_drop", probe.min_drop),
        dose=table.get("dose", probe.dose),
    )


def _check_number(where: str, value: Any, kind: type | tuple[type, ...], low: float, high: float) -> None:
    number = value if isinstance(value, (int, float)) and isinstance(value, kind) else None
    if number is None or isinstance(value, bool) or not low <= number <= high:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"{where} must be {what} from {low:g} to {high:g}, not {value!r}")


def _line(text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.split("=")[0].strip().strip('"') == key:
            return f", line {number}"
    return ""


def match_probes(globs: Iterable[str], *, where: str = "") -> list[Probe]:
    """The probes whose names match any glob, in the order of the globs; a glob that matches none is a UsageError."""
    found: dict[str, Probe] = {}
    for glob in globs:
        names = _named(glob)
        if not names:
            raise UsageError(f"{where}no probe is called {glob!r}", hint=nearest(glob, PROBES))
        found.update((n, PROBES.get(n)) for n in names)
    return list(found.values())


def _named(glob: str) -> list[str]:
    if is_composed(glob):
        return composed_names(glob, list(PROBES))
    return [n for n in PROBES if fnmatch.fnmatchcase(n, glob)]


def narrow(suite: Suite, globs: Sequence[str]) -> Suite:
    """`suite` with only the probes that match `globs` (others of the registry may be added by exact name)."""
    names = {p.name for p in suite.probes}
    # a composed name has more than one spelling (@2.0, @2), so it is compared in the one that its probe has
    globs = [spelled(terms_of(g)) if is_composed(g) else g for g in globs]
    kept = [p for p in suite.probes if any(fnmatch.fnmatchcase(p.name, g) for g in globs)]
    extra = [
        p
        for g in globs
        for p in match_probes([g])
        if p.name not in names and not any(fnmatch.fnmatchcase(k.name, g) for k in suite.probes)
    ]
    return replace(suite, probes=tuple(kept + extra))


def suite_hash(suite: Suite) -> str:
    """Hash of all that decides what a suite asks and how it judges."""
    rows = [
        [p.name, p.perturbation, str(p.relation), p.target, p.dose, p.sham, suite.tolerance_of(p), suite.min_drop_of(p)]
        for p in suite.probes
    ]
    return content_hash([rows, suite.accuracy_floor])[:16]
