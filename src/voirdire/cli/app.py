"""The Typer application: which commands there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from voirdire.cli import (
    attack,
    audit,
    baseline,
    cache,
    compare,
    freeze,
    gate,
    listing,
    models,
    plan,
    probes,
    replay,
    report,
    selfcheck,
)
from voirdire.cli.configured import Commands

app = typer.Typer(
    name="voirdire",
    help="Tests LLM judges: are their verdicts swayed by order, padding, fake citations, attack phrases?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from voirdire import __version__

        typer.echo(f"voirdire {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Tests LLM judges: are their verdicts swayed by order, padding, fake citations, attack phrases?"""


def _add(name: str, command: Callable[..., Any]) -> None:
    """The command, its help in paragraphs that the terminal breaks: the source breaks lines for its own width."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    app.command(name, help="\n\n".join(" ".join(p.split()) for p in paragraphs))(command)


# these take their defaults from the configuration file and the environment
_commands = Commands()
_add("audit", _commands.configured("audit", audit.audit))
_add("gate", _commands.configured("gate", gate.gate))
_add("baseline", _commands.configured("baseline", baseline.baseline))
_add("attack", _commands.configured("attack", attack.attack))
_add("compare", _commands.configured("compare", compare.compare))
_add("plan", _commands.configured("plan", plan.plan))
_add("report", report.report)
_add("replay", replay.replay)
_add("selfcheck", selfcheck.selfcheck)
_add("freeze", _commands.configured("freeze", freeze.freeze))
_add("probes", _commands.configured("probes", probes.probes))
_add("suites", listing.suites)
_add("judges", listing.judges)
_add("protocols", listing.protocols)
_add("metrics", listing.metrics)
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
