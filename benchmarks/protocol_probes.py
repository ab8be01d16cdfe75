"""Protocol by probe: one model, the same pairs, every prompt for pairs, and what each probe gains under each of them.

    python benchmarks/protocol_probes.py --judge local:qwen --cases 60       # hours; the same command goes on
    python benchmarks/protocol_probes.py --judge local:smollm2 --cases 60
    python benchmarks/protocol_probes.py --judge mock                        # a chat model with planted preferences
    python benchmarks/protocol_probes.py --verdicts --judge local:qwen       # the same answers, read as verdicts
    python benchmarks/protocol_probes.py --plan                              # how many calls each protocol takes
    python benchmarks/protocol_probes.py --smoke

Cells are the probe's effect with the interval that decided: at 95 % corrected over the probes of a row (Holm), or at
90 % where it lies within the tolerance. `*`: a violation. Utilities are probabilities: a prompt that locks a model to
one slot hides everything else from its verdicts, as `--verdicts` shows. Where protocols.py counts pairs whose winner
changes with the order, order is the slot preference in utility units here. Protocols, cases and the planted model are
those of protocols.py; the model also takes the answer that asks for full marks in `--phrase` of its calls.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from protocols import Planted, pairs, protocols, with_needs

from voirdire._compose import AuditRequest, audit_async, prepare
from voirdire.cli.terminal import Terminal
from voirdire.harness.cases import Case
from voirdire.harness.findings import Finding
from voirdire.harness.judges.base import ChatModel, traits_of
from voirdire.harness.judges.local import LocalChat
from voirdire.harness.judges.prompted import PromptedJudge
from voirdire.harness.judges.prompts import load_prompt
from voirdire.reports.formatting import effect, interval
from voirdire.suites.loading import load_suite, narrow

#: the noise of the judge and of any edit is asked about in any case; the rest are the columns of the table
NOISE = ("stability.neutral",)
PROBES = ("order.swap", "verbosity.filler", "phrases.full-marks")


def judges(chat: ChatModel, wanted: Sequence[str], *, soft: bool = True) -> Iterator[tuple[str, PromptedJudge]]:
    """The model under every protocol that it can answer; `soft`: its probabilities count, or its verdicts."""
    for name in wanted or protocols():
        yield name, PromptedJudge(chat, load_prompt(name), soft=soft)


def request_for(judge: PromptedJudge, cases: Sequence[Case], probes: Sequence[str], cache: Path | None) -> AuditRequest:
    asked = [with_needs(case, judge.needs) for case in cases]
    # a suite of these probes alone, so that the row is corrected for its own tests and no others
    suite = narrow(load_suite("full"), (*NOISE, *probes))
    return AuditRequest(cases=asked, suite=suite, cache=cache, minimise=0)


def cell(finding: Finding | None) -> str:
    if finding is None or finding.effect is None:
        return "–"
    mark = "*" if finding.decision == "violated" else ""
    return f"{effect(finding.effect)} {interval(finding.low, finding.high)}{mark}"


async def table(
    chat: ChatModel,
    cases: Sequence[Case],
    probes: Sequence[str],
    wanted: Sequence[str],
    cache: Path | None,
    *,
    soft: bool = True,
) -> dict[str, Mapping[str, Finding]]:
    """The findings by protocol; each row is printed as soon as it is known."""
    rows: dict[str, Mapping[str, Finding]] = {}
    print(f"| protocol | {' | '.join(f'`{p}`' for p in probes)} | calls |\n|---|{'---:|' * (len(probes) + 1)}")
    for name, judge in judges(chat, wanted, soft=soft):
        with Terminal().progress() as emit:
            result = await audit_async(judge, request_for(judge, cases, probes, cache), emit=emit)
        if result.run.stopped is not None:
            raise SystemExit(f"{name}: {result.run.reason}. Answers are kept; run the same command to go on.")
        found = rows[name] = result.audit.findings
        cells = " | ".join(cell(found.get(p)) for p in probes)
        print(f"| {name} | {cells} | {len(result.plan.calls):,} |", flush=True)
    return rows


def planned(chat: ChatModel, cases: Sequence[Case], probes: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """How many different questions each protocol takes; nobody is asked."""
    for name, judge in judges(chat, wanted):
        made = prepare(judge.task, judge.scale, request_for(judge, cases, probes, None), traits=traits_of(judge)).plan
        once = {c.content if judge.deterministic else (c.content, c.sample) for c in made.calls}
        yield f"{name}: {len(once):,}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", default="mock", help="mock, or local:NAME")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--probes", nargs="*", default=PROBES)
    parser.add_argument("--protocols", nargs="*", default=(), help="only these")
    parser.add_argument("--first", type=float, default=0.3, help="the mock's planted preference for what stands first")
    parser.add_argument("--phrase", type=float, default=0.3, help="and for the answer that asks for full marks")
    parser.add_argument("--cache", type=Path, default=Path(".voirdire/protocols.sqlite"))
    parser.add_argument("--verdicts", action="store_true", help="effects in verdicts instead of probabilities")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    if arguments.smoke:
        arguments.judge, arguments.cases, arguments.protocols = "mock", 20, ("mt-bench-pair", "pandalm")
    started = time.perf_counter()
    cases = pairs(arguments.cases)
    mock = arguments.judge == "mock"
    chat: ChatModel = (
        Planted.of(cases, first=arguments.first, phrase=arguments.phrase)
        if mock
        else LocalChat(arguments.judge.removeprefix("local:"))
    )
    if arguments.plan:
        print(*planned(chat, cases, arguments.probes, arguments.protocols), sep="\n")
        return 0
    cache = None if mock else arguments.cache
    asyncio.run(table(chat, cases, arguments.probes, arguments.protocols, cache, soft=not arguments.verdicts))
    print(f"\n{arguments.judge}, {len(cases)} cases, {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
