"""What a judge's name stands for: its spec and options, and whether whoever chose them may choose that.

The resolver travels inside of JudgeOptions, so that names can be used wherever a spec can, also inside of wrappers.
Not here: reading the tables (_judge_tables.py), the rules of trust (harness/judges/trust.py).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import voirdire.suites.loaders  # noqa: F401  (lets `replay:` read public formats)
from voirdire._config import load_config, rebased
from voirdire._judge_tables import JudgeTable, judge_tables, plugin_names
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.spec import SCHEMES, JudgeOptions
from voirdire.harness.judges.trust import (
    IN_PERSON,
    PROVIDERS,
    URLS,
    Origin,
    Source,
    check_data,
    check_host,
    check_path,
    check_plugin,
    check_scheme,
    data_parts,
    is_wrapper,
)

__all__ = ["Address", "Names", "ResolvedJudge", "names_for"]


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL of the file. `of_judge`: of a judge's own table, which the provider's variable does not move."""

    url: str
    source: Source
    of_judge: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedJudge:
    """What a spec or a name stands for.

    `spec` has no name at its head (a wrapper may hold names). `options`: the JudgeOptions fields that tables set, the
    outermost table winning; `sources`: where each was set; `selected_by`: who chose `spec`.
    """

    spec: str
    options: Mapping[str, Any]
    sources: Mapping[str, Source]
    selected_by: Source


@dataclass(frozen=True, slots=True)
class Names:
    """Resolves the judges of one command. Called with a spec or name and its options, it returns both for `make_judge`.

    `selected_by`: who chose the specs it is asked about. `told`: the JudgeOptions fields, with their values, that the
    command line or the environment set and no table overrides. `base_url`: the one that the file sets for the command.
    """

    tables: Callable[[], Mapping[str, JudgeTable]]
    selected_by: Source = IN_PERSON
    told: Mapping[str, Any] = field(default_factory=dict)
    base_url: Address | None = None

    def __call__(self, spec: str, options: JudgeOptions) -> tuple[str, JudgeOptions]:
        """`spec` without a name, and `options` with what its tables say and a resolver for the judges inside of it.

        Raises UsageError.
        """
        found = self.resolve(spec)
        fields = {k: v for k, v in found.options.items() if k not in self.told and k != "base_url"}
        if "params" in found.options:
            fields["params"] = {**found.options["params"], **self.told.get("params", {})}
        address = self._address(found)
        # what the tables say of this judge holds for those inside of it
        inner = replace(self, selected_by=found.selected_by, told={**self.told, **fields}, base_url=address)
        if "params" in fields:
            fields["params"] = {**options.params, **fields["params"]}
        options = replace(options, **fields, names=inner)
        if address is not None and not is_wrapper(found.spec):
            options = _addressed(found.spec, options, address)
        scheme, _, value = found.spec.partition(":")
        if scheme in URLS:
            trusted = check_host(scheme, value, found.selected_by, options.environ)
            options = replace(options, base_url_trusted=trusted)
        return found.spec, options

    def resolve(self, spec: str) -> ResolvedJudge:
        """What `spec` stands for. Raises UsageError on an unknown name, on names that form a circle, and on a judge
        that whoever chose it may not choose.
        """
        spec, source = spec.strip(), self.selected_by
        options: dict[str, Any] = {}
        sources: dict[str, Source] = {}
        seen: list[str] = []
        while (table := self._table(spec)) is not None:
            if spec in seen:
                circle = " -> ".join([*seen, spec])
                raise UsageError(f"{source.place}: these judges are each other: {circle}", hint="Give one a real spec.")
            seen.append(spec)
            params = {**table.options.get("params", {}), **options.get("params", {})}
            options = {**table.options, **options, **({"params": params} if params else {})}
            sources = {**table.sources, **sources}
            spec, source = table.spec, table.sources["spec"]
        if ":" not in spec and not is_wrapper(spec) and plugin_names():
            # a package may register further names when it is imported, and importing it is running it
            check_plugin(spec, source)
        elif is_wrapper(spec) or spec.partition(":")[0].strip().lower() in SCHEMES:
            check_scheme(spec, source)
        if source.origin is Origin.FILE and not is_wrapper(spec):
            spec = _from_its_folder(spec, source)
        if "prompt" in options and "prompt" not in self.told:
            check_path(Path(options["prompt"]).absolute(), sources["prompt"])
        return ResolvedJudge(spec, options, sources, source)

    def _table(self, spec: str) -> JudgeTable | None:
        """The table that `spec` names; None if it is no name, or one that `make_judge` knows or explains."""
        if ":" in spec or "(" in spec:
            return None
        tables = self.tables()
        if spec in tables or not tables or spec in SCHEMES:
            return tables.get(spec)
        known = {*tables, *plugin_names()}
        if spec in known:
            return None
        raise UsageError(
            f"there is no judge called {spec!r}", hint=f"{nearest(spec, known)} A spec has a colon: openai:MODEL."
        )

    def _address(self, found: ResolvedJudge) -> Address | None:
        if "base_url" in self.told:
            return None
        if "base_url" in found.options and not (self.base_url is not None and self.base_url.of_judge):
            return Address(found.options["base_url"], found.sources["base_url"], of_judge=True)
        return self.base_url


def names_for(told: Mapping[str, Any], *, trust_config: bool = False, start: Path | None = None) -> Names:
    """The resolver for judges that Python code names; the arguments it gave, `told`, beat tables.

    The configuration file is looked for, from `start` or the current folder, only when a name is to be resolved.
    """

    @functools.cache
    def tables() -> Mapping[str, JudgeTable]:
        config = load_config(start=start)
        return judge_tables(config, vouched=trust_config) if config is not None else {}

    return Names(tables, told=told)


def _addressed(spec: str, options: JudgeOptions, address: Address) -> JudgeOptions:
    """`options` with the file's base URL, and whether a key may go there."""
    scheme = spec.partition(":")[0]
    provider = PROVIDERS.get(scheme)
    if provider is None:
        # of our own judges none with another scheme reads it; a package's may send a key there
        trusted = address.source.trusted
        if ":" not in spec:
            trusted = check_host(spec, address.url, address.source, options.environ)
        return replace(options, base_url=address.url, base_url_trusted=trusted)
    if not address.of_judge and options.environ.get(provider.base_url_env, "").strip():
        return options  # the environment beats the file
    trusted = check_host(scheme, address.url, address.source, options.environ)
    return replace(options, base_url=address.url, base_url_trusted=trusted)


def _from_its_folder(spec: str, source: Source) -> str:
    """`spec` of a file with its paths relative to that file's folder; those of data must lie in there."""
    scheme, _, value = spec.partition(":")
    if scheme == "python":
        where, _, name = value.rpartition(":")
        return f"python:{rebased(source.folder, where)}:{name}" if where.endswith(".py") else spec
    if scheme == "command":
        program, blank, arguments = value.partition(" ")
        relative = program.startswith(("./", "../"))
        # with the ./ that keeps the program from being looked for in PATH
        return f"command:{_dotted(rebased(source.folder, program))}{blank}{arguments}" if relative else spec
    if scheme == "http":
        return f"http:{rebased(source.folder, value)}"
    if scheme == "replay":
        form, file = data_parts(value)
        path = form + rebased(source.folder, file)
        check_data(path, source)
        return f"{scheme}:{path}"
    if scheme == "local" and _is_weights(value):
        path = rebased(source.folder, value)
        check_path(Path(path).absolute(), source)
        return f"{scheme}:{path}"
    return spec


def _dotted(path: str) -> str:
    return path if Path(path).is_absolute() or path.startswith("..") else f"./{path}"


def _is_weights(value: str) -> bool:
    from voirdire.harness.judges.models import is_path

    return is_path(value)
