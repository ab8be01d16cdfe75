"""`voirdire suites`, `judges`, `protocols`, `metrics`: what there is. Probes have a file of their own (probes.py)."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from voirdire.cli.lines import tell, tell_json

__all__ = ["judges", "metrics", "protocols", "suites"]

Json = Annotated[bool, typer.Option("--json", help="Print a list of objects.")]


def suites(
    show: Annotated[
        str | None,
        typer.Option("--show", help="What this suite (or FILE.toml) asks, of which paper, and how to run it."),
    ] = None,
    as_json: Json = False,
) -> int:
    """List every suite: name, what it is for, the paper it follows; --show NAME explains one."""
    from voirdire.suites.explaining import as_row, explained
    from voirdire.suites.loading import builtin_suites, load_suite

    if show is not None:
        suite = load_suite(show)
        if as_json:
            tell_json([as_row(suite)])
        else:
            tell(explained(suite, named=show, width=min(shutil.get_terminal_size((80, 24)).columns, 100)))
        return 0
    rows = [as_row(s) for s in map(load_suite, builtin_suites())]
    if not as_json:
        # ours first, then those that follow a paper
        rows.sort(key=lambda row: bool(row["paper"]))
    _show(rows, as_json, keys=("summary", "paper"))
    if not as_json:
        print("\nvoirdire suites --show NAME explains one.")
    return 0


def metrics(as_json: Json = False) -> int:
    """List the papers' metrics: name, what it is, range, value of a judge that tosses a coin, source."""
    from voirdire.harness.statistics.metric_catalogue import as_rows

    rows = [{"name": r["name"], "family": "", "relation": "", **r} for r in as_rows()]
    if not as_json:
        rows = [{**r, "numbers": f"range {r['range']} · chance {r['chance']}"} for r in rows]
    _show(rows, as_json, keys=("summary", "numbers", "source"))
    return 0


def judges(as_json: Json = False) -> int:
    """List the ways to name a judge."""
    from voirdire.harness.judges.mock import MOCKS
    from voirdire.harness.judges.spec import SCHEMES

    words = {
        "openai": "Any OpenAI-compatible chat endpoint; --base-url names the host, OPENAI_API_KEY holds the key.",
        "anthropic": "A Claude model; ANTHROPIC_API_KEY holds the key.",
        "gemini": "A Gemini model; GEMINI_API_KEY or GOOGLE_API_KEY holds the key.",
        "http": "Any JSON endpoint: a TOML file says what is sent and where the answer stands (docs/judges.md).",
        "score": "A reward model or reranker: /score, /rerank, /classify (vLLM), /rerank, /predict (TEI).",
        "command": "A program that reads one case a line and writes one answer a line, as JSON; no shell.",
        "local": "A small language model in this process; `voirdire models` lists them.",
        "python": "Any callable f(case) -> answer, or a judge of another package (docs/judges-packages.md).",
        "reward": "A reward model of transformers in a folder, in this process.",
        "replay": "Recorded verdicts; `voirdire audit --record FILE` makes them.",
        "mock": f"Judges with planted defects: {', '.join(MOCKS)}.",
    }
    rows = [
        {"name": name, "family": "", "relation": "", "source": "", "summary": words[name], "example": example}
        for name, example in SCHEMES.items()
    ]
    _show(rows, as_json, keys=("summary", "example"))
    return 0


def protocols(as_json: Json = False) -> int:
    """List the prompts that `--prompt NAME` takes: the protocols of the field, worded by us, with their parsers."""
    from voirdire.harness.judges.prompt_files import protocol_names, read_protocol

    rows = []
    for name in protocol_names():
        header = read_protocol(name).header
        scale = (
            f" from {header.scale.low:g} to {header.scale.high:g}" if header.scale and header.task == "score" else ""
        )
        needs = f" · needs a {' and a '.join(header.needs)}" if header.needs else ""
        rows.append(
            {
                "name": name,
                "family": header.task,
                "relation": "",
                "source": header.source,
                "summary": f"{header.title} ({header.task}{scale}, --parse {header.parser}){needs}",
                "needs": list(header.needs),
            }
        )
    _show(sorted(rows, key=lambda row: str(row["family"])), as_json, keys=("summary", "source"))
    return 0


def _show(rows: Sequence[Mapping[str, object]], as_json: bool, *, keys: Sequence[str]) -> None:
    if as_json:
        tell_json(rows)
        return
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    family = None
    for row in rows:
        if row["family"] and row["family"] != family:
            family = row["family"]
            tell(f"\n{family}")
        tell(f"  {row['name']}")
        for key in keys:
            if row.get(key):
                tell(textwrap.fill(str(row[key]), width, initial_indent="      ", subsequent_indent="      "))
