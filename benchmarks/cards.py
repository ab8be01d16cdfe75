"""The card of a local model: suite `standard` over 60 pairs of MT-bench, as in docs/cards.

    python benchmarks/cards.py --data LLMBar/MT-Bench.json --judge local:smollm2      # 3,318 questions
    python benchmarks/cards.py --data LLMBar/MT-Bench.json --judge local:qwen         # hours; the same command goes on

The data are LLMBar's (Zeng et al. 2024, MIT), which labelled pairs of MT-bench by hand; the 60 shortest are taken, so
that a processor can read them, and written to `--out`, beside the report (HTML, Markdown, JSON, judge card). Every
answer is kept in `--cache`. `--page FILE.md` writes what docs/cards shows of a run: the card and the report, without
the examples, which quote the data.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import voirdire as vd
from voirdire.cli.terminal import Terminal
from voirdire.harness.cases import Case
from voirdire.suites.loaders import load


def shortest(data: Path, number: int) -> list[Case]:
    """The shortest labelled pairs, in the order of the file."""
    cases = load(f"llmbar:{data}").cases
    size = [len(c.instruction_text) + sum(map(len, c.responses)) for c in cases]
    chosen = sorted(sorted(range(len(cases)), key=lambda i: (size[i], i))[:number])
    return [cases[i] for i in chosen]


def written(cases: list[Case], path: Path) -> Path:
    """`path`, with the cases in it: the report's commands name a file."""
    fields = ("id", "instruction", "responses", "label", "group", "meta")
    rows = [{name: getattr(c, name) for name in fields} for c in cases]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False, default=dict)}\n" for row in rows), encoding="utf-8")
    return path


def page(judge: str, folder: Path) -> str:
    """The card and the report in `folder`, from the files as they were written, as one page."""
    card = (folder / "judge-card.md").read_text(encoding="utf-8").replace("\n## ", "\n### ")
    head, _, rest = card.partition("\n")
    report = (folder / "audit.md").read_text(encoding="utf-8").partition("<details>")[0]
    made = f"`python benchmarks/cards.py --data MT-Bench.json --judge {judge} --out {folder.name}`"
    return (
        f"{head}\n\nMade by {made}; see [the cards](README.md).\n{rest.rstrip()}\n\n"
        f"## The report for a pull request\n\n{report.strip()}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="MT-Bench.json of LLMBar")
    parser.add_argument("--judge", default="local:smollm2")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--suite", default="standard")
    parser.add_argument("--out", type=Path, default=Path("card"))
    parser.add_argument("--cache", type=Path, default=Path(".voirdire/cards.sqlite"))
    parser.add_argument("--utility", default="verdict", help="verdict, or probability: how sure the model was")
    parser.add_argument("--page", type=Path, help="write card and report to this Markdown file as well")
    arguments = parser.parse_args()
    started = time.perf_counter()
    judge, terminal = vd.judge(arguments.judge, task="pairwise", utility=arguments.utility), Terminal()
    with terminal.progress() as emit:
        cases = written(shortest(arguments.data, arguments.cases), arguments.out / "cases.jsonl")
        result = vd.audit(judge, cases, arguments.suite, cache=arguments.cache, minimise=0, emit=emit)
    terminal.done(result.audit, result.save(arguments.out, ("html", "md", "json", "card")))
    if arguments.page is not None:
        arguments.page.write_text(page(arguments.judge, arguments.out), encoding="utf-8")
    calls = result.audit.calls
    print(f"\n{calls.made:,} calls made, {calls.cached:,} from the cache, {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
