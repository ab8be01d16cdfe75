"""Makes docs/suites.md: every suite in plain words, with its paper's numbers, from the registry.

    python scripts/make_suites_page.py            # writes the page
    python scripts/make_suites_page.py --check    # exits 1 if the page differs

Run it when a suite is added or changed. Nothing of the page is written by hand but the opening below.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ["VOIRDIRE_NO_PLUGINS"] = "1"  # the page describes what voirdire ships, not what this machine has installed

from voirdire.harness.probes import Suite
from voirdire.suites.explaining import commands, facts, published_rows
from voirdire.suites.loading import builtin_suites, load_suite

PAGE = Path(__file__).parent.parent / "docs" / "suites.md"

OPENING = """\
# Suites

A suite is a named list of probes with its tolerances and its size. `voirdire suites --show NAME` prints what stands
here; how to write one of your own, or to extend one, is in [Extending](extending.md#a-suite-of-your-own).

The first suites are ours. The others follow a paper each: its probes, by rule where the paper had a model write them,
its metrics under their names, with 95 % intervals over cases, and its published numbers beside ours in every report.
Published numbers are of other judges on other cases than yours: they say what has been seen, not what is good. Where
the paper's data can be loaded, bring it with `--cases FORMAT:FILE`; otherwise the built-in cases serve, and the report
says so.
"""


def page() -> str:
    """The page as Markdown."""
    suites = [load_suite(name) for name in builtin_suites()]
    ours = [s for s in suites if s.paper is None]
    papers = [s for s in suites if s.paper is not None]
    lines = [OPENING, "| suite | what it asks | probes |", "|---|---|---:|"]
    for suite in [*ours, *papers]:
        lines.append(f"| [`{suite.name}`](#{suite.name}) | {_cell(suite.summary)} | {len(suite.probes)} |")
    for suite in [*ours, *papers]:
        lines += ["", *_section(suite)]
    return "\n".join(lines) + "\n"


def _section(suite: Suite) -> Iterator[str]:
    paper = suite.paper
    yield f"## {suite.name}"
    yield ""
    yield f"**{paper.title}.** {suite.summary}" if paper is not None else suite.summary
    yield ""
    for heading, sentence in facts(suite):
        if sentence and heading not in ("Metrics", "Paper"):
            yield f"- **{heading}**: {sentence}"
        elif heading == "Metrics":
            yield f"- **{heading}**: {', '.join(f'`{m}`' for m in sentence.rstrip('.').split(', '))}"
        elif sentence:
            name, _, url = sentence.rpartition(". ")
            yield f"- **{heading}**: [{name}]({url})" if url.startswith("http") else f"- **{heading}**: {sentence}"
    groups = dict(paper.groups) if paper is not None else {}
    grouped = {name for names in groups.values() for name in names}
    for group, names in groups.items():
        yield f"- **{group}**: {_names(names)}"
    rest = [p.name for p in suite.probes if p.name not in grouped]
    if rest:
        yield f"- **{'besides' if groups else 'Probes'}**: {_names(rest)}"
    if paper is not None and paper.published:
        yield from ("", "| metric | of | published |", "|---|---|---|")
        for metric, group, numbers in published_rows(paper):
            texts = [f"{n.judge} {n.value:g}{f' ({n.note})' if n.note else ''}" for n in numbers]
            yield f"| `{metric}` | {_cell(group)} | {_cell('; '.join(texts))} |"
    yield from ("", "```", *commands(suite), "```")


def _names(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the page differs")
    found = page()
    if parser.parse_args().check:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if current != found:
            print("docs/suites.md is not what the suites give: run python scripts/make_suites_page.py")
            return 1
        return 0
    PAGE.write_text(found, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
