"""Suites: built-in ones by name, a user's own from a TOML file; and the choice of probes by glob."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from voirdire.harness.cases import content_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.trust import IN_PERSON, Source, check_path
from voirdire.harness.papers import Paper
from voirdire.harness.probes import Probe, Suite
from voirdire.perturbations.compositions import is_composed, spelled, terms_of
from voirdire.suites.composed import composed_names, composed_probe
from voirdire.suites.found import found_probes
from voirdire.suites.rows import PROBES
from voirdire.suites.suite_file import Draft, read_draft

__all__ = ["builtin_suites", "load_suite", "match_probes", "narrow", "suite_hash"]

#: what a file may say of a `Suite` as it is
_SCALARS = ("samples", "cases", "tolerance", "min_drop", "accuracy_floor", "max_calls", "source")


def builtin_suites() -> list[str]:
    """Names of the suites in the package, sorted."""
    folder = resources.files("voirdire.suites") / "builtin"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


def load_suite(name: str, source: Source = IN_PERSON) -> Suite:
    """The suite called `name`, or that of the TOML file `name`. `source`: who named it, as what a file extends is read,
    and told of in errors, too. Raises UsageError."""
    return _resolve(_draft(name, source), source, ())


def _draft(name: str, source: Source, *, beside: str = "", where: str = "") -> Draft:
    """The file of the suite `name`; one that a file names is looked for in that file's folder."""
    if name.endswith(".toml"):
        path = Path(beside).parent / name if beside else Path(name)
        check_path(path.absolute(), source)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{where}the suite file {path} cannot be read ({error})") from None
        return read_draft(text, str(path))
    known = builtin_suites()
    if name not in known:
        raise UsageError(
            f"{where}there is no suite called {name!r}",
            hint=nearest(name, known) + " A suite of your own: --suite FILE.toml.",
        )
    text = (resources.files("voirdire.suites") / "builtin" / f"{name}.toml").read_text(encoding="utf-8")
    return read_draft(text, f"{name}.toml")


def _resolve(draft: Draft, source: Source, above: tuple[str, ...]) -> Suite:
    """The suite of `draft` on top of what it extends; `above` are the files that led here."""
    if draft.path in above:
        raise draft.error(f"{' extends '.join([*above, draft.path])}, which never ends", "extends")
    found: dict[str, Probe] = {}
    inherited: dict[str, Any] = {}
    for name in draft.list_of("extends"):
        file = draft.path if Path(draft.path).is_file() else ""
        where = f"{draft.path}{draft.at('extends')}: "
        base = _resolve(_draft(name, source, beside=file, where=where), source, (*above, draft.path))
        found.update((p.name, p) for p in base.probes)
        inherited.update(_told(base))
    here = f"{draft.path}{draft.at('probes')}: "
    own = {**found_probes(draft), **found}
    # a probe named again keeps the changes that the extended suite made to it
    found.update((p.name, p) for p in match_probes(draft.list_of("probes"), where=here, own=own) if p.name not in found)
    for glob in draft.list_of("exclude"):
        gone = [n for n in found if fnmatch.fnmatchcase(n, glob)]
        if not gone:
            raise draft.error(f"no probe of this suite is called {glob!r}", "exclude", hint=nearest(glob, found))
        for name in gone:
            del found[name]
    if not found:
        raise draft.error("no probe is left", "exclude")
    probes = _changed(list(found.values()), draft)
    told = {**inherited, **{k: draft.data[k] for k in _SCALARS if k in draft.data}}
    paper = _paper(draft, [p.name for p in probes]) or inherited.get("paper")
    told.update((key, tuple(draft.list_of(key))) for key in ("tasks", "needs") if key in draft.data)
    if paper is not None and paper.paper:
        told.setdefault("source", paper.paper)
    told["paper"] = paper
    return Suite(
        name=draft.get("name", Path(draft.path).stem), summary=draft.get("summary", ""), probes=tuple(probes), **told
    )


def _told(suite: Suite) -> dict[str, Any]:
    """What a suite that extends `suite` takes over where it says nothing itself: all that `suite` itself was told."""
    plain = Suite("", "", ())
    given = {key: getattr(suite, key) for key in (*_SCALARS, "tasks", "needs", "paper")}
    return {key: value for key, value in given.items() if value != getattr(plain, key)}


def _paper(draft: Draft, probes: Sequence[str]) -> Paper | None:
    groups = {}
    for name, globs in draft.get("group", {}).items():
        members = [n for n in probes if any(fnmatch.fnmatchcase(n, g) for g in globs)]
        for glob in globs:
            if not any(fnmatch.fnmatchcase(n, glob) for n in probes):
                hint = nearest(glob, probes)
                raise draft.error(f"no probe of this suite is called {glob!r}", name, "group", hint=hint)
        groups[name] = tuple(members)
    known: Sequence[str] = ()
    if draft.list_of("metrics"):
        from voirdire.harness.statistics.suite_metrics import METRIC_NAMES

        known = METRIC_NAMES
    return draft.paper(known, groups)


def _changed(probes: Sequence[Probe], draft: Draft) -> list[Probe]:
    """`probes` with the changes of the tables [probe."glob"], in the order of the file."""
    out = {p.name: p for p in probes}
    for glob, table in draft.get("probe", {}).items():
        names = [n for n in out if fnmatch.fnmatchcase(n, glob)]
        if not names:
            hint = nearest(glob, out)
            raise draft.error(f"no probe of this suite is called {glob!r}", "", f'probe."{glob}"', hint=hint)
        for name in names:
            out[name] = replace(out[name], **table)
    return list(out.values())


def match_probes(globs: Iterable[str], *, where: str = "", own: Mapping[str, Probe] | None = None) -> list[Probe]:
    """The probes whose names match any glob, in the order of the globs; a glob that matches none is a UsageError.

    `own`: probes that only the file at hand knows.
    """
    own = own or {}
    found: dict[str, Probe] = {}
    for glob in globs:
        mine = [n for n in own if fnmatch.fnmatchcase(n, glob)]
        if is_composed(glob) and glob not in own:
            found.update((p.name, p) for p in _composed(glob, own, where))
            continue
        names = [] if glob in own else [n for n in PROBES if fnmatch.fnmatchcase(n, glob)]
        if not names and not mine:
            hint = f"{nearest(glob, [*PROBES, *own])} `voirdire probes` lists them all."
            raise UsageError(f"{where}no probe is called {glob!r}", hint=hint)
        found.update((n, own[n]) for n in mine)
        found.update((n, PROBES.get(n)) for n in names)
    return list(found.values())


def _composed(glob: str, own: Mapping[str, Probe], where: str) -> list[Probe]:
    """The probes that a composed glob stands for. Its parts are registered probes as they are, and those of `own` that
    no registry knows: attacks that a suite found."""
    parts = {n: p for n, p in own.items() if n not in PROBES and not is_composed(n)}
    try:
        made = (composed_probe(n, PROBES, parts) for n in composed_names(glob, [*PROBES, *parts]))
        return [p for p in made if p is not None]
    except UsageError as error:
        raise UsageError(f"{where}{error.message}", hint=error.hint) from None


def narrow(suite: Suite, globs: Sequence[str]) -> Suite:
    """`suite` with only the probes that match `globs` (others of the registry may be added by exact name)."""
    names = {p.name for p in suite.probes}
    # a composed name has more than one spelling (@2.0, @2), so it is compared in the one that its probe has
    globs = [spelled(terms_of(g)) if is_composed(g) else g for g in globs]
    own = {p.name: p for p in suite.probes}  # some of which no registry may know (found.py)
    kept = [p for p in suite.probes if any(fnmatch.fnmatchcase(p.name, g) for g in globs)]
    extra = [
        p
        for g in globs
        for p in match_probes([g], own=own)
        if p.name not in names and not any(fnmatch.fnmatchcase(k.name, g) for k in suite.probes)
    ]
    return replace(suite, probes=tuple(kept + extra))


def suite_hash(suite: Suite) -> str:
    """Hash of all that decides what a suite asks and how it judges."""
    rows = [
        [p.name, p.perturbation, str(p.relation), p.target, p.dose, p.sham, suite.tolerance_of(p), suite.min_drop_of(p)]
        # a later field counts only where it says something, so that the hashes of older suites stay what they were
        + ([p.opponent] if p.opponent != "other" else [])
        for p in suite.probes
    ]
    return content_hash([rows, suite.accuracy_floor])[:16]
