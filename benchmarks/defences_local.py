"""Wrapper by family, with its price, on a real judge: a local model by default.

    python benchmarks/defences_local.py --judge local:qwen --cases 60        # hours; the same command goes on
    python benchmarks/defences_local.py --judge local:smollm2 --cases 20
    python benchmarks/defences_local.py --plan                               # how many calls each of them adds
    python benchmarks/defences_local.py --smoke                              # a mock with planted effects

Every answer is kept in `--cache` as it comes, so a run that is stopped (Ctrl-C, a kill) is resumed by the same command,
and wrappers cost what they add to what was asked before. A row is printed as soon as a wrapper is done; the table at
the end corrects over all of them (Holm) and says which pays. Cells are the family's effect with the wrapper; `*`: the
change of bias from the bare judge stands. `calls` are those of the wrapper asked alone. Wrappers that the judge cannot
take (those that need a judge that writes, or a prompt) are named and left out. J is the judge.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from voirdire._compose import AuditRequest, prepare
from voirdire._gate import GateRequest, as_run, gate_async, prepare_gate
from voirdire.cli.terminal import Terminal
from voirdire.harness.costs import Cost, cost_of
from voirdire.harness.engine.runner import Limits
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.judges.spec import JudgeOptions, make_judge
from voirdire.harness.judges.wrappers.tally import tally
from voirdire.harness.prices import load_prices
from voirdire.harness.statistics.side_by_side import StoredRun, side_by_side
from voirdire.harness.statistics.trade import Trade, trades
from voirdire.reports.comparison_trade import best_sentence, pay_sentence
from voirdire.reports.formatting import count, effect, interval, percent, share

#: those that share most calls with the judge first, so that a run that is stopped has said most
FORMS = (
    "swap_average({0})",
    "majority({0}; k=3)",
    "neutralise({0})",
    "detector({0})",
    "perplexity_window({0})",
    "strip_markup({0})",
    "swap_average(neutralise({0}))",
    "warn({0})",
    "sandwich({0})",
    "jury({0}, warn({0}), sandwich({0}))",
    "delimit({0})",
    "retokenise({0})",
    "swap_average(neutralise(delimit(sandwich(warn({0})))))",
    "evidence_first({0})",
    "split_and_merge({0})",
    "mec({0})",
    "wide_and_deep({0})",
)
#: a probe or more of each family that wrappers are for, and of what they may cost
PROBES = (
    *("stability.neutral", "order.swap", "verbosity.filler", "authority.book", "format.bold"),
    *("phrases.full-marks", "injection.plea", "injection.fake-completion", "degradation.number"),
)


def forms(spec: str) -> list[tuple[str, Judge]]:
    """The judge itself, then every wrapper that it can take."""
    found = []
    for form in ("{0}", *FORMS):
        try:
            found.append((form.replace("{0}", "J"), make_judge(form.format(spec), JudgeOptions(task="pairwise"))))
        except UsageError as error:
            if form == "{0}":
                raise
            print(f"{form.replace('{0}', 'J')} is left out: {error.args[0]}", file=sys.stderr)
    return found


async def audited(name: str, judge: Judge, request: AuditRequest) -> tuple[StoredRun, Cost]:
    """(the run, what it would cost alone). Raises SystemExit for a run that did not get to its end."""
    ready = prepare_gate(judge.task, judge.scale, GateRequest(request, reuse=True), traits=traits_of(judge))
    cost = await cost_of(ready.prepared.plan.calls, judge, load_prices())
    with Terminal().progress() as emit:
        result = await gate_async(judge, ready, emit=emit)
    run = result.result.run
    if run.stopped is not None:
        raise SystemExit(f"{name}: {run.reason}. Answers received are kept; run the same command to go on.")
    return as_run(name, judge.spec, judge, result), cost


async def planned(spec: str, request: AuditRequest) -> list[str]:
    """How many questions each wrapper adds at most to those before it, by a dry run, as a table."""
    seen: set[tuple[str, str, int]] = set()
    out = ["| wrapper | calls that it adds |", "|---|---:|"]
    for name, judge in forms(spec):
        plan = prepare(judge.task, judge.scale, request, traits=traits_of(judge)).plan
        _, most = await tally(plan.calls, judge)
        before = len(seen)
        seen |= {(asked.judge.fingerprint, call.content, call.sample) for asked in most for call in asked.calls}
        out.append(f"| {name} | {len(seen) - before:,} |")
    return [*out, f"| all of them | {len(seen):,} |"]


class Table:
    """Rows of the runs so far, each against the first."""

    def __init__(self) -> None:
        self.runs: list[StoredRun] = []
        self.costs: list[Cost] = []

    def add(self, run: StoredRun, cost: Cost) -> None:
        self.runs.append(run)
        self.costs.append(cost)

    def lines(self, last_only: bool = False) -> list[str]:
        """The table as Markdown; until there are two runs, nothing. `last_only`: the last row alone."""
        if len(self.runs) < 2:
            return []
        found = trades(self.runs, side_by_side(self.runs))
        families = list(dict.fromkeys(c.family for t in found for c in t.families))
        if last_only:
            return [self._row(found[-1], families)]
        head = ["wrapper", "a verdict", "calls", "accuracy", "clean changed", *families, "pays"]
        before = {c.family: c.before for t in found for c in t.families}
        accuracy = self.runs[0].audit.discrimination.accuracy if self.runs[0].audit is not None else None
        bare = ["J", "1", count(self.costs[0].calls), share(accuracy), "", *(effect(before[f]) for f in families), ""]
        out = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1), f"| {' | '.join(bare)} |"]
        return [*out, *(self._row(trade, families) for trade in found)]

    def _row(self, trade: Trade, families: Sequence[str]) -> str:
        cost, gained = self.costs[trade.run], trade.accuracy
        calls = count(cost.calls) if cost.calls == cost.most_calls else f"{cost.calls:,} to {cost.most_calls:,}"
        cells = {c.family: f"{effect(c.after)}{'*' if c.p_adjusted < 0.05 else ''}" for c in trade.families}
        right = "" if gained is None else f"{effect(gained.value)} {interval(gained.low, gained.high)}"
        changed = "" if trade.changed is None else percent(max(0.0, trade.changed))
        row = [self.runs[trade.run].label, str(cost.a_verdict), calls, right, changed]
        return f"| {' | '.join([*row, *(cells.get(f, '') for f in families), 'yes' if trade.pays() else ''])} |"

    def sentences(self) -> list[str]:
        """Why each wrapper pays or does not, and which pays."""
        found = trades(self.runs, side_by_side(self.runs))
        said = [pay_sentence(self.runs, trade) for trade in found if trade.families]
        return [*said, best_sentence(self.runs, found, self.costs)]


async def run(spec: str, request: AuditRequest, wanted: Sequence[str], tell: Callable[[str], None] = print) -> Table:
    """Audits all of them, telling each row as it is known."""
    table = Table()
    found = [
        pair
        for pair in forms(spec)
        if not wanted or pair[0] == "J" or {pair[0], pair[0].partition("(")[0]} & set(wanted)
    ]
    for name, judge in found:
        started = time.perf_counter()
        table.add(*await audited(name, judge, request))
        for text in table.lines(last_only=True) or [f"J: {table.costs[0].calls:,} calls"]:
            tell(f"{text}  {time.perf_counter() - started:.0f} s")
    tell("")
    for text in (*table.lines(), "", *table.sentences()):
        tell(text)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", default="local:qwen", help="the spec of a judge for pairs")
    parser.add_argument("--cases", type=int, default=60, help="built-in pairs, from the first")
    parser.add_argument("--probes", nargs="*", default=PROBES)
    parser.add_argument(
        "--wrappers",
        nargs="*",
        default=(),
        help="only these: a name for all of its forms, or one form as printed, 'warn(J)'",
    )
    parser.add_argument("--cache", type=Path, default=Path(".voirdire/defences-local.sqlite"))
    parser.add_argument("--plan", action="store_true", help="ask nobody; say how many calls it would take")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    cache: Path | None = arguments.cache
    if arguments.smoke:
        arguments.judge, arguments.cases, cache = "mock:noisy?accuracy=.9&first=.3&phrase=full marks", 30, None
    request = AuditRequest(
        suite="full", probes=tuple(arguments.probes), limit=arguments.cases, cache=cache, minimise=0, limits=Limits()
    )
    if arguments.plan:
        print("\n".join(asyncio.run(planned(arguments.judge, request))))
        return 0
    started = time.perf_counter()
    asyncio.run(run(arguments.judge, request, arguments.wrappers, _tell))
    print(f"\n{arguments.judge}, {arguments.cases} cases, {time.perf_counter() - started:.0f} s")
    return 0


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
