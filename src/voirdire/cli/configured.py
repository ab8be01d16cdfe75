"""Options of a command that the environment or the configuration file fill, and where each value came from.

    commands = Commands()
    app.command("audit")(commands.configured("audit", audit.audit))

gives `audit` the options --config and --trust-config, a variable VOIRDIRE_<OPTION> for each option, and defaults from
the file. The command line beats the environment, which beats the command's table, the top level of the file, and the
default. Inside, `judge_options` adds what the file says about judges. Not here: the file itself (_config.py), names of
judges (_judge_names.py).
"""

from __future__ import annotations

import copy
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from voirdire._config import ConfigFile, Kind, Option, Setting, load_config
from voirdire.cli.lines import say
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.trust import Origin, Source, check_data, check_path, check_place, check_scheme

if TYPE_CHECKING:
    from voirdire._judge_names import Names
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["Commands", "Settings", "judge_options", "settings"]

_VARIABLE = "VOIRDIRE_"
#: parameter of a command -> field of JudgeOptions, where they differ
_FIELDS = {"param": "params"}
_ORIGINS = {
    "COMMANDLINE": Origin.COMMAND_LINE,
    "PROMPT": Origin.COMMAND_LINE,
    "ENVIRONMENT": Origin.ENVIRONMENT,
    "DEFAULT_MAP": Origin.FILE,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one call of a command: what it was told, and by whom.

    `sources`: parameter -> source. `told`: parameter -> value, as the command line or the environment gave it.
    """

    config: ConfigFile | None = None
    from_file: Mapping[str, Setting] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    vouched: bool = False

    def source(self, parameter: str) -> Source:
        """Who set `parameter`."""
        return self.sources.get(parameter, Source(Origin.DEFAULT))

    def in_force(self) -> Iterator[Setting]:
        """The file's settings that nothing stronger overrides."""
        return (s for parameter, s in self.from_file.items() if self.source(parameter).origin is Origin.FILE)

    def names(self, parameter: str = "judge") -> Names:
        """The resolver of the judges that `parameter` names."""
        from voirdire._judge_names import Address, Names
        from voirdire._judge_tables import judge_tables

        tables = judge_tables(self.config, vouched=self.vouched) if self.config is not None else {}
        base_url = next((Address(s.value, s.source) for s in self.in_force() if s.option.key == "base_url"), None)
        return Names(lambda: tables, self.source(parameter), _judge_fields(self.told), base_url)

    def check(self) -> None:
        """Raises UsageError if a judge's table is wrong, or if the file wants what only the user may."""
        self.names()
        for setting in self.in_force():
            if setting.is_path and setting.option.key == "cases":
                check_data(setting.value, setting.source)
            elif setting.is_path:
                check_path(Path(setting.value).absolute(), setting.source)
            if setting.option.key in ("judge", "rewriter"):
                self.names(setting.option.parameter).resolve(setting.value)
            if setting.option.key == "on":
                check_place(setting.value, setting.source)
            if setting.option.key == "plugin":
                for spec in setting.value:
                    check_scheme(f"python:{spec}", setting.source)

    def located(self, error: UsageError) -> UsageError:
        """`error` with the place in the file, if it is about a value that the file set."""
        for setting in self.in_force():
            option = f"--{setting.option.key.replace('_', '-')} "
            quoted = isinstance(setting.value, str) and repr(setting.value) in error.message
            if (error.message.startswith(option) or quoted) and setting.source.place not in error.message:
                return UsageError(f"{setting.source.place}: {error.message}", hint=error.hint)
        return error


_current: ContextVar[Settings] = ContextVar("settings")


def settings() -> Settings:
    """The settings of the command that runs; empty where a command's function is called from Python."""
    return _current.get(Settings())


def judge_options(options: JudgeOptions, parameter: str = "judge") -> JudgeOptions:
    """`options` for the judges that `parameter` names, with what the file says about judges and their addresses."""
    return replace(options, names=settings().names(parameter))


class Commands:
    """The commands that a configuration file can set options of."""

    __slots__ = ("_options",)

    def __init__(self) -> None:
        self._options: dict[str, dict[str, Option]] = {}

    def configured(self, name: str, command: Callable[..., Any]) -> Callable[..., Any]:
        """`command` under `name`, for Typer: with --config, --trust-config, environment variables and the file."""
        signature = inspect.signature(command, eval_str=True)
        self._options[name] = {o.key: o for p in signature.parameters.values() for o in _options_of(p)}

        def load(context: typer.Context, named: str | None) -> str | None:
            if not context.resilient_parsing:  # completion
                self._fill(context, name, named)
            return named

        def run(context: typer.Context, config: str | None, trust_config: bool, **values: Any) -> Any:  # noqa: ARG001
            found = self._settings(context, values, name, vouched=trust_config)
            _say(found, quiet=bool(values.get("quiet")))
            return _call(command, found, values)

        own = _own_parameters(load)
        parameters = [own[0], *(_with_variable(p) for p in signature.parameters.values()), *own[1:]]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    def _fill(self, context: typer.Context, name: str, named: str | None) -> None:
        """Give Typer the file's values as defaults; it keeps count of which of them are used."""
        config = load_config(named)
        if config is None:
            return
        found = config.settings(name, self._options)
        context.meta[__name__] = config
        context.default_map = {**(context.default_map or {}), **{k: s.value for k, s in found.items()}}

    def _settings(self, context: typer.Context, values: Mapping[str, Any], name: str, *, vouched: bool) -> Settings:
        config: ConfigFile | None = context.meta.get(__name__)
        # read again, as whether the user vouches for the file is known only now
        found = config.settings(name, self._options, vouched=vouched) if config is not None else {}
        sources: dict[str, Source] = {}
        for parameter in values:
            kind = context.get_parameter_source(parameter)
            origin = _ORIGINS.get(kind.name, Origin.DEFAULT) if kind is not None else Origin.DEFAULT
            sources[parameter] = found[parameter].source if origin is Origin.FILE else Source(origin)
        told = {k: values[k] for k, s in sources.items() if s.origin in (Origin.COMMAND_LINE, Origin.ENVIRONMENT)}
        return Settings(config, found, sources, told, vouched)


def _call(command: Callable[..., Any], found: Settings, values: dict[str, Any]) -> Any:
    """Run `command` with its settings in reach; errors about the file's values name the file."""
    found.check()
    if found.source("base_url").origin is Origin.FILE:
        # It comes back with the judge's options, checked: a command that forgets those sends a key to no stranger.
        values["base_url"] = None
    if "param" in found.from_file and "param" in found.told:
        values["param"] = [*found.from_file["param"].value, *values["param"]]
    token = _current.set(found)
    try:
        return command(**values)
    except UsageError as error:
        if type(error) is not UsageError:
            raise
        raise found.located(error) from error
    finally:
        _current.reset(token)


def _say(found: Settings, *, quiet: bool) -> None:
    if found.config is None or quiet:
        return
    used = [s.option.key for s in found.in_force()]
    lines = [*found.config.notes]
    if used:
        lines.append(f"From {found.config.shown}: {', '.join(sorted(used))}.")
    for line in lines:
        say(line)


def _judge_fields(told: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of JudgeOptions among parameters that were told; only their keys count, but for params."""
    from voirdire.cli.options import params_of

    fields = {_FIELDS.get(k, k): v for k, v in told.items()}
    if "params" in fields:
        fields["params"] = params_of(fields["params"] or [])
    return fields


def _own_parameters(load: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    config = typer.Option(
        "--config",
        callback=load,
        is_eager=True,
        metavar="FILE",
        envvar=f"{_VARIABLE}CONFIG",
        show_envvar=False,
        help="Configuration file, or none. Default: voirdire.toml or pyproject.toml here or above.",
    )
    trust = typer.Option(
        "--trust-config",
        envvar=f"{_VARIABLE}TRUST_CONFIG",
        show_envvar=False,
        help="Let the configuration file run code, choose hosts and use files elsewhere.",
    )
    keyword = inspect.Parameter.KEYWORD_ONLY
    return (
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        inspect.Parameter("config", keyword, default=None, annotation=Annotated[str | None, config]),
        inspect.Parameter("trust_config", keyword, default=False, annotation=Annotated[bool, trust]),
    )


def _with_variable(parameter: inspect.Parameter) -> inspect.Parameter:
    """The option with its variable of the environment, VOIRDIRE_MAX_CALLS for --max-calls."""
    info = _info(parameter)
    if info is None:
        return parameter
    info = copy.copy(info)
    info.envvar = info.envvar or _VARIABLE + _names_of(info, parameter.name)[0].upper()
    info.show_envvar = False
    return parameter.replace(annotation=Annotated[typing.get_args(parameter.annotation)[0], info])


def _options_of(parameter: inspect.Parameter) -> list[Option]:
    """The keys under which a file can set a parameter: --sequential/--fixed gives two, an argument none."""
    info = _info(parameter)
    if info is None:
        return []
    kind: Kind = "params" if parameter.name == "param" else _kind(typing.get_args(parameter.annotation)[0])
    name, *opposites = _names_of(info, parameter.name)
    return [Option(name, parameter.name, kind), *(Option(o, parameter.name, kind, negates=True) for o in opposites)]


def _info(parameter: inspect.Parameter) -> OptionInfo | None:
    found = [m for m in getattr(parameter.annotation, "__metadata__", ()) if isinstance(m, OptionInfo)]
    return found[0] if found else None


def _names_of(info: OptionInfo, parameter: str) -> tuple[str, ...]:
    """The long name of an option as a key, and that of its opposite."""
    # within Annotated, the first name of typer.Option(...) is kept as its default
    declared = (info.default, *(info.param_decls or ()))
    long = [d for d in declared if isinstance(d, str) and d.startswith("--")]
    names: Sequence[str] = long[0].split("/") if long else [parameter]
    return tuple(n.strip().lstrip("-").replace("-", "_") for n in names)


def _kind(annotation: Any) -> Kind:
    """What a value of the file must be for a parameter annotated so. Raises TypeError for what no option uses yet."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        (annotation,) = (a for a in typing.get_args(annotation) if a is not type(None))
    kinds: dict[Any, Kind] = {bool: "flag", int: "whole", float: "number", str: "text", Path: "path"}
    kinds[list[str]] = "texts"
    if annotation not in kinds:
        raise TypeError(f"a configuration file cannot set an option of type {annotation}")
    return kinds[annotation]
