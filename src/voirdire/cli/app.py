"""The Typer application: which commands there are."""

from __future__ import annotations

from typing import Annotated

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


# these take their defaults from the configuration file and the environment
_commands = Commands()
app.command("audit")(_commands.configured("audit", audit.audit))
app.command("gate")(_commands.configured("gate", gate.gate))
app.command("baseline")(_commands.configured("baseline", baseline.baseline))
app.command("attack")(_commands.configured("attack", attack.attack))
app.command("compare")(_commands.configured("compare", compare.compare))
app.command("plan")(_commands.configured("plan", plan.plan))
app.command("report")(report.report)
app.command("replay")(replay.replay)
app.command("selfcheck")(selfcheck.selfcheck)
app.command("freeze")(_commands.configured("freeze", freeze.freeze))
app.command("probes")(_commands.configured("probes", probes.probes))
app.command("suites")(listing.suites)
app.command("judges")(listing.judges)
app.command("protocols")(listing.protocols)
app.command("metrics")(listing.metrics)
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
