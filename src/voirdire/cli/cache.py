"""`voirdire cache`: what the file of answers holds, thinning it out, taking answers out, checking it."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import Annotated

import typer

from voirdire.cli.lines import tell, tell_json
from voirdire.harness.errors import ExitCode, UsageError

__all__ = ["app"]

app = typer.Typer(help="The file of answers: info, prune, export, verify.", no_args_is_help=True)

_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_BYTES = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}

CacheFile = Annotated[Path, typer.Option("--cache", help="The file of answers.")]
JudgeName = Annotated[
    str | None, typer.Option("--judge", help="Only this judge: its name, its spec, or the start of its fingerprint.")
]
_DEFAULT = Path(".voirdire") / "calls.sqlite"


@app.command()
def info(
    cache: CacheFile = _DEFAULT, as_json: Annotated[bool, typer.Option("--json", help="Print an object.")] = False
) -> int:
    """What the file holds: judges, answers, size."""
    from voirdire.harness.engine.store_maintenance import inspect_store

    found = inspect_store(cache)
    if as_json:
        rows = [
            {
                "fingerprint": j.fingerprint,
                "name": j.name,
                "spec": j.spec,
                "answers": j.answers,
                "first": j.first,
                "last": j.last,
                "open_run": j.open_run,
            }
            for j in found.judges
        ]
        tell_json({"path": str(found.path), "bytes": found.size, "judges": rows})
        return ExitCode.OK
    judges = f"{len(found.judges)} judge{'s' * (len(found.judges) != 1)}"
    tell(f"{found.path} · {found.answers:,} answers of {judges} · {_size(found.size)}")
    for judge in found.judges:
        tell(f"  {judge.name or '(a judge of an earlier voirdire)'}  {judge.fingerprint[:12]}")
        note = " · of a gate that has not finished" if judge.open_run else ""
        tell(f"      {judge.answers:,} answers, {_day(judge.first)} to {_day(judge.last)}{note}")
    return ExitCode.OK


@app.command()
def prune(
    cache: CacheFile = _DEFAULT,
    judge: JudgeName = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Answers older than e.g. 30d, 12h, 8w.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", help="Then the oldest, until the file has e.g. 50MB.")
    ] = None,
) -> int:
    """Drop answers; they would have to be asked, and paid for, again."""
    from voirdire.harness.engine.store_maintenance import prune_store

    if judge is None and older_than is None and max_size is None:
        raise UsageError("prune was not told what to drop", hint="Give --judge, --older-than or --max-size.")
    done = prune_store(
        cache,
        judge=judge,
        before=None if older_than is None else time.time() - _seconds(older_than),
        max_bytes=None if max_size is None else _bytes(max_size),
    )
    tell(f"{done.dropped:,} answers dropped, {done.left:,} left · {_size(done.before)} -> {_size(done.after)}")
    return ExitCode.OK


@app.command()
def export(
    cache: CacheFile = _DEFAULT,
    judge: JudgeName = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The JSONL file to write; default: print.")] = None,
) -> int:
    """Every answer, one JSON object a line."""
    from voirdire.harness.engine.store_format import create_private
    from voirdire.harness.engine.store_maintenance import export_store

    lines = (json.dumps(row) for row in export_store(cache, judge=judge))
    if out is None:
        for line in lines:
            print(line)  # data, and plain ASCII
        return ExitCode.OK
    first = next(lines, None)  # before the file is made: there may be no such cache
    # answers may quote private data: only the owner may read them, as in the cache itself
    create_private(out)
    with out.open("w", encoding="utf-8") as file:
        written = sum(bool(file.write(line + "\n")) for line in itertools.chain([first] if first else [], lines))
    tell(f"{written:,} answers written to {out}")
    return ExitCode.OK


@app.command()
def verify(cache: CacheFile = _DEFAULT) -> int:
    """Is the file whole, and is every row an answer?"""
    from voirdire.harness.engine.store_maintenance import verify_store

    found = verify_store(cache)
    if not found.problems:
        tell(f"{cache} is whole: {found.answers:,} answers")
        return ExitCode.OK
    for problem in found.problems:
        tell(f"  {problem}")
    raise UsageError(
        f"{cache} is damaged: {found.answers:,} answers could be read",
        hint="Damaged answers are asked again. To keep the others: voirdire cache export --out FILE, then delete it.",
    )


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([hdw])", text.strip().lower())
    if match is None:
        raise UsageError(f"--older-than {text!r} is no time", hint="Write it as 30d, 12h or 8w.")
    return float(match[1]) * _UNITS[match[2]]


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s?([KMG]B|)", text.strip().upper())
    if match is None:
        raise UsageError(f"--max-size {text!r} is no size", hint="Write it as 50MB, 500KB or 1GB.")
    return int(float(match[1]) * _BYTES[match[2]])


def _size(size: int) -> str:
    unit, divisor = next(((u, d) for u, d in (("GB", 1e9), ("MB", 1e6)) if size >= d), ("kB", 1e3))
    return f"{size / divisor:,.1f} {unit}"


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(moment))
