"""How often does the gate fail: on an unchanged judge, on one that got worse, on one that got better, day after day?

    python benchmarks/gate_rates.py                 # 400 gates of the same judge, 200 of each other row; 12 minutes
    python benchmarks/gate_rates.py --gates 20

Suite `ci`, 200 cases, 3 samples an arm, judges of accuracy .85 unless said otherwise. Every gate is the real one (run,
statistics, exit code) against a baseline that was stored and read back; judge and baseline have seeds of their own.
"Worse by .15" is the true growth of the named probe's effect, in utility units. A gate *fails* with exit code 1;
exit 3 says that some test could not rule out growth beyond the resolution. Exits 1 itself if a promise is missed (only
with 100 gates or more: fewer cannot tell).
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from detection import ENOUGH, rate

from voirdire._compose import AuditRequest
from voirdire._gate import GateRequest, GateResult, PreparedGate, gate_async, prepare_gate
from voirdire.harness.baseline import Baseline, align
from voirdire.harness.baseline_file import dumps, loads
from voirdire.harness.errors import ExitCode
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.change import MARGIN, paired_rise
from voirdire.harness.statistics.drift import level_of_run
from voirdire.harness.statistics.estimands import measure
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.selfcheck import PLEA, stretch

CASES, ACCURACY, WORSE = 200, 0.85, 0.15
CLEAN = f"noisy?accuracy={ACCURACY}"
ALPHA = 0.05
#: drift: gates of one baseline, one a day, and the day on which its judge turns worse
DAYS, CHANGED = 130, 100


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of change: the judge `then` and `now`, the probe that must regress, and what is promised.

    `share`: of gates, by which this row gets fewer. `rate` in a spec stands for the rate of its channel.
    """

    words: str
    now: str
    probe: str | None = None
    then: str = CLEAN
    at_most: float | None = None
    at_least: float | None = None
    share: float = 0.5


def rate_of(spec: str, probe: str, ready: PreparedGate) -> float:
    """The rate at which a channel lifts the probe's target by WORSE, on average over these cases.

    A judge that obeys the channel in a share of its calls has that share of the effect of one that always does.
    """
    plan = ready.prepared.plan
    certain = mock_judge(spec.format(rate=1))
    answers = Answers.of(plan, [certain.answer(call.case, call.sample) for call in plan.calls], soft=False)
    measured = measure(plan, next(p for p in plan.probes if p.probe.name == probe), answers)
    return WORSE / min(float(contrast.values.mean()) for contrast in measured.contrasts.values())


ROWS = (
    Row("the same judge", CLEAN, at_most=0.05, share=1.0),
    Row("worse: citations +.15", f"{CLEAN}&cited={{rate}}", "authority.book", at_least=0.90),
    Row("worse: first slot +.15", f"{CLEAN}&first={WORSE}", "order.swap", at_least=0.90),
    Row("worse: padding +.15", f"{CLEAN}&longer={{rate}}", "verbosity.filler", at_least=0.90),
    Row("worse: plea +.15", f"{CLEAN}&phrase={PLEA}&rate={{rate}}", "phrases.full-marks", at_least=0.90),
    Row("worse: accuracy -.15", f"noisy?accuracy={ACCURACY - WORSE:.2f}", "discrimination", at_least=0.90),
    Row("better: accuracy .95", "noisy?accuracy=.95", at_most=0.0),
    Row("better: lost its biases", CLEAN, then=f"{CLEAN}&first=.15&cited=.18", at_most=0.0),
)


@dataclass(slots=True)
class Tally:
    """Counts over the gates of one row. `open_`: regression tests that stayed open, of all `tests`."""

    gates: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    named: int = 0
    open_: int = 0
    tests: int = 0


def run(spec: str, seed: int, ready: PreparedGate) -> GateResult:
    return asyncio.run(gate_async(mock_judge(spec, seed=seed), ready))


def stored(spec: str, seed: int, ready: PreparedGate) -> Baseline:
    return loads(dumps(run(spec, seed, ready).stored))


def against(baseline: Baseline, ready: PreparedGate) -> PreparedGate:
    """The same plan (it is made once for all gates) against another baseline."""
    return replace(
        ready, request=replace(ready.request, baseline=baseline), alignment=align(baseline, ready.prepared.plan)
    )


def count(tally: Tally, result: GateResult, probe: str | None) -> None:
    outcome = result.outcome
    tally.gates += 1
    tally.codes[outcome.code] += 1
    tally.named += probe in outcome.red
    tally.open_ += len(outcome.open)
    tally.tests += len(outcome.changes)


def show(row: Row, tally: Tally) -> list[str]:
    """Print the row; returns what it promises and does not keep."""
    n, failed = tally.gates, tally.codes[ExitCode.VIOLATED]
    named = rate(tally.named, n) if row.probe else "·"
    print(
        f"| {row.words} | {n} | {rate(failed, n)} | {named} | {tally.codes[ExitCode.INCONCLUSIVE] / n:.1%} "
        f"| {tally.open_ / tally.tests:.1%} |",
        flush=True,
    )
    if row.at_most is not None and failed > row.at_most * n:
        return [f"{row.words}: fails in more than {row.at_most:.0%}"]
    if row.at_least is not None and failed < row.at_least * n:
        return [f"{row.words}: fails in less than {row.at_least:.0%}"]
    return []


def drift(series: int) -> None:
    """One test gated every day against one baseline, which all days share.

    Alarms: the judge is one margin worse than its baseline, the worst that must not be called a regression. Delay: it
    turns worse by WORSE on day CHANGED. Simulated from the calls of one arm, without texts.
    """
    never = DAYS - CHANGED + 2
    rng = np.random.default_rng(0)
    levels = {
        "alpha each day": lambda _day: ALPHA,
        "6 / (pi k)^2": lambda day: ALPHA * 6 / (math.pi * day) ** 2,
        "as voirdire spends it": lambda day: level_of_run(ALPHA, day),
    }
    alarms, delays = Counter[str](), dict[str, list[int]]((words, []) for words in levels)
    for _ in range(series):
        then = gains(rng, 0.0)
        lag = dict.fromkeys(levels, never)
        seen: set[str] = set()
        for day in range(1, DAYS + 1):
            p = rise_p(gains(rng, MARGIN), then)
            seen |= {words for words, level in levels.items() if p < level(day)}
            if day >= CHANGED:
                p = rise_p(gains(rng, WORSE), then)
                lag |= {w: day - CHANGED + 1 for w, f in levels.items() if p < f(day) and lag[w] == never}
        alarms.update(seen)
        for words, days in lag.items():
            delays[words].append(days)
    print(f"\n{DAYS} daily gates against one baseline, {series} baselines\n")
    print("| error rate | any alarm at change = margin | found on the day itself | in a week | in a month |")
    print("|---|---|---|---|---|")
    for words in levels:
        found = [f"{np.mean(np.asarray(delays[words]) <= days):.0%}" for days in (1, 7, 30)]
        print(f"| {words} | {rate(alarms[words], series)} | {' | '.join(found)} |", flush=True)


def gains(rng: np.random.Generator, gain: float) -> np.ndarray:
    """Follow-up minus source by case: both orders, 3 samples, for a target that wins with 1 - ACCURACY."""
    wins = 1 - ACCURACY
    return rng.binomial(6, wins + gain, CASES) / 6 - rng.binomial(6, wins, CASES) / 6


def rise_p(now: np.ndarray, then: np.ndarray) -> float:
    test = paired_rise("gain", now, then)
    assert test is not None
    return test.p(MARGIN)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=400, help="gates of the first row; half as many of the others")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose words hold one of these")
    parser.add_argument("--series", type=int, default=400, help="baselines that are gated daily (drift)")
    options = parser.parse_args()
    cases = stretch(builtin_cases(), CASES)
    request = GateRequest(AuditRequest(cases=cases, suite="ci", cache=None))
    ready = prepare_gate("pairwise", mock_judge(CLEAN).scale, request)
    plan = ready.prepared.plan
    print(f"suite ci, {len(plan.cases)} cases, {plan.samples} samples, {len(plan.calls):,} calls a run\n")
    print("| change | gates | exit 1 | names the probe | exit 3 | tests left open |")
    print("|---|---|---|---|---|---|")
    rows = [row for row in ROWS if not options.rows or any(word in row.words for word in options.rows)]
    tallies = {row.words: Tally() for row in rows}
    baselines: dict[str, Baseline] = {}
    specs = {r.words: r.now.format(rate=rate_of(r.now, r.probe or "", ready)) if "{" in r.now else r.now for r in rows}
    for seed in range(options.gates):
        baselines.clear()
        for number, row in enumerate(rows):
            if seed >= row.share * options.gates:
                continue
            if row.then not in baselines:
                baselines[row.then] = stored(row.then, seed, ready)
            result = run(specs[row.words], 1_000_000 * (number + 1) + seed, against(baselines[row.then], ready))
            count(tallies[row.words], result, row.probe)
    missed = [line for row in rows for line in show(row, tallies[row.words])]
    if options.series:
        drift(options.series)
    if options.gates < ENOUGH:
        return 0
    for line in missed:
        print(f"MISSED: {line}")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
