"""A suite in plain words: for `voirdire suites --show NAME` and docs/suites.md (scripts/make_suites_page.py)."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

from voirdire.harness.cases import ALL_TASKS
from voirdire.harness.papers import Paper, Published
from voirdire.harness.probes import Suite

__all__ = ["as_row", "commands", "explained", "facts", "published_rows"]


def as_row(suite: Suite) -> dict[str, Any]:
    """The suite as plain JSON data, probes by name."""
    paper = suite.paper
    told = {} if paper is None else dataclasses.asdict(paper)
    return {
        "name": suite.name,
        "family": "",
        # the keys that every listing has: the relation of a suite is a sentence
        "relation": told.pop("relation", ""),
        "source": suite.source,
        "summary": suite.summary,
        "title": told.pop("title", ""),
        "paper": told.pop("paper", ""),
        **told,
        "probes": [p.name for p in suite.probes],
        "tasks": list(suite.tasks),
        "cases": suite.cases,
        "samples": suite.samples,
        "needs": list(suite.needs),
    }


def commands(suite: Suite, named: str = "") -> list[str]:
    """What to type: the plain run, the paper's prompt and data, the judges to compare with.

    `named` is how the suite was named, where not by its name: its file.
    """
    paper = suite.paper or Paper("")
    named = shlex.quote(named or suite.name)
    audit = f"voirdire audit --judge JUDGE --suite {named}"
    lines = [audit]
    if paper.prompts or paper.data:
        prompt = f" --prompt {paper.prompts[0]}" if paper.prompts else ""
        data = f" --cases {paper.data[0]}:FILE" if paper.data else ""
        lines.append(f"{audit}{prompt}{data}")
    if paper.compare:
        others = " ".join(f"'{spec}'" for spec in paper.compare)
        lines.append(f"voirdire compare JUDGE {others} --suite {named}")
    return lines


def facts(suite: Suite) -> Iterator[tuple[str, str]]:
    """(heading, sentence) for all that the suite says of itself."""
    paper = suite.paper
    if paper is not None:
        source = f"{paper.paper}. {paper.url}" if paper.url else paper.paper
        yield from (
            ("What must hold", paper.relation),
            ("What is attacked", paper.target),
            ("Chance", paper.chance),
            ("Paper", source),
        )
    size = f"{suite.cases} cases" if suite.cases else "all cases"
    yield "Size", f"{len(suite.probes)} probes, {size}, {suite.samples} sample{'s' * (suite.samples != 1)} an arm."
    if suite.tasks != ALL_TASKS:
        yield "Judges", f"For {' and '.join(suite.tasks)} judges."
    if suite.needs:
        yield "Cases", f"With a {' and a '.join(suite.needs)} each; the built-in ones that have it serve."
    if paper is None:
        return
    if paper.prompts:
        yield "Prompts", f"Nearest to the paper's: {', '.join(f'--prompt {p}' for p in paper.prompts)}."
    wanted = " or ".join(f"--cases {name}:FILE" for name in paper.data)
    if wanted:
        yield "Data", f"{paper.data_note} {wanted}; without it the built-in cases serve.".strip()
    elif paper.data_note:
        yield "Data", f"{paper.data_note} The built-in cases serve."
    if paper.metrics:
        yield "Metrics", ", ".join(paper.metrics) + "."


def published_rows(paper: Paper) -> list[tuple[str, str, list[Published]]]:
    """(metric, group, numbers) in the order of the file."""
    rows: dict[tuple[str, str], list[Published]] = {}
    for number in paper.published:
        rows.setdefault((number.metric, number.group), []).append(number)
    return [(metric, group, numbers) for (metric, group), numbers in rows.items()]


def explained(suite: Suite, *, named: str = "", width: int = 80) -> str:
    """The whole suite as text for a terminal; `named` as for `commands`."""
    paper = suite.paper
    title = paper.title if paper is not None and paper.title != suite.name else ""
    lines = [suite.name, *_wrapped(title, width, "  "), *_wrapped(suite.summary, width, "  ")]
    for heading, sentence in facts(suite):
        if sentence:
            lines += ["", heading, *_wrapped(sentence, width, "  ")]
    lines += ["", "Probes"]
    groups = dict(paper.groups) if paper is not None else {}
    grouped = {name for names in groups.values() for name in names}
    for group, names in groups.items():
        lines += _wrapped(f"{group}: {', '.join(names)}", width, "  ")
    rest = [p.name for p in suite.probes if p.name not in grouped]
    if rest:
        lines += _wrapped(f"{'besides: ' if groups else ''}{', '.join(rest)}", width, "  ")
    if paper is not None and paper.published:
        lines += ["", "Published"]
        for metric, group, numbers in published_rows(paper):
            texts = [f"{n.judge} {n.value:g}{f' ({n.note})' if n.note else ''}" for n in numbers]
            lines += _wrapped(f"{metric}{f', {group}' if group else ''}: {'; '.join(texts)}", width, "  ")
    lines += ["", "Run it"]
    for command in commands(suite, named):
        # a quoted judge holds no line break
        words = textwrap.wrap(
            command.replace("; ", ";\xa0").replace(", ", ",\xa0"),
            width - 6,
            break_on_hyphens=False,
            break_long_words=False,
        )
        lines.append("  " + " \\\n    ".join(words).replace("\xa0", " "))
    return "\n".join(lines)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    further = indent + "  " * (": " in text[:40])
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=further, break_on_hyphens=False)
