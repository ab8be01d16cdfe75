"""Does voirdire find what is there, and only that? Hundreds of audits of judges whose defects are known.

    python benchmarks/detection.py                      # the table of the README: 200 audits a judge
    python benchmarks/detection.py --audits 12 --planted 6

Suite `quick` on 120 built-in cases; the clean judge also in suite `standard` at its recommended size. A judge's seed
is all that differs between audits. Exits 1 if a rate misses what the README promises (only with 100 audits or more:
fewer cannot tell).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from scipy.stats import binomtest

from voirdire.harness.cases import Case
from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.relations import Relation
from voirdire.harness.statistics.analyse import analyse
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.phrases import PHRASES
from voirdire.suites.builtin_cases import builtin_cases, spread
from voirdire.suites.loading import load_suite

CLEAN = "noisy?accuracy=.85"
#: judge -> the family in which its defect must be found
PLANTED = {
    f"{CLEAN}&first=.3": "order",
    f"{CLEAN}&longer=.35": "verbosity",
    f"{CLEAN}&cited=.4": "authority",
    f"{CLEAN}&phrase={PHRASES['phrases.full-marks']}&rate=.4": "phrases",
}


@dataclass
class Tally:
    """Counts over the audits of one judge."""

    spec: str
    audits: int = 0
    found: int = 0
    false_alarm: int = 0
    failed: int = 0
    all_hold: int = 0
    families: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def worst_other(self) -> int:
        return max(self.families.values(), default=0)


def stretch(cases: Sequence[Case], n: int) -> list[Case]:
    """`n` cases: the given ones, then pairs of an answer and another case's answer (which misses the question)."""
    out = list(cases)
    for i, case in enumerate(cases):
        if len(out) >= n:
            break
        other = cases[(i + 7) % len(cases)]
        right, off = case.responses[int(case.label == 1)], other.responses[int(other.label == 1)]
        pair, label = ((right, off), 0) if i % 2 else ((off, right), 1)
        out.append(case.replace(id=f"{case.id}-off-topic", responses=pair, label=label, group=None))
    return out[:n]


def make_plan(suite_name: str, n: int) -> Plan:
    cases = builtin_cases()
    chosen = spread(cases, n) if n <= len(cases) else stretch(cases, n)
    return build_plan(load_suite(suite_name), chosen, task="pairwise", scale=Scale(), followups=FollowUps())


def audit_many(plan: Plan, spec: str, audits: int, family: str | None) -> Tally:
    """`audits` audits of one mock with different seeds."""
    tally = Tally(spec)
    started = time.perf_counter()
    for seed in range(audits):
        judge = mock_judge(spec, seed=seed)
        found = analyse(plan, [judge.answer(call.case, call.sample) for call in plan.calls])
        violated = {f.family for f in found.findings.values() if f.decision == "violated"}
        tally.audits += 1
        tally.failed += found.verdict == "fail"
        tally.found += family in violated
        others = violated - {family}
        tally.false_alarm += bool(others)
        tally.families.update(others)
        tally.all_hold += all(
            f.decision == "holds"
            for f in found.findings.values()
            if f.relation in (Relation.NO_GAIN, Relation.INVARIANT)
        )
    tally.seconds = time.perf_counter() - started
    return tally


def rate(k: int, n: int) -> str:
    low, high = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k / n:.1%} [{low:.1%}, {high:.1%}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=200, help="audits of the clean judges")
    parser.add_argument("--planted", type=int, default=None, help="audits of each planted judge (default: as --audits)")
    parser.add_argument("--cases", type=int, default=120)
    options = parser.parse_args()
    planted = options.planted or options.audits

    plan = make_plan("quick", options.cases)
    print(f"suite quick, {len(plan.cases)} cases, {len(plan.calls):,} calls an audit\n")
    print("| judge | audits | defect found | another family violated | worst other family | verdict fail |")
    print("|---|---|---|---|---|---|")
    misses: list[str] = []

    def row(tally: Tally, family: str | None) -> None:
        n = tally.audits
        shown = tally.spec if len(tally.spec) < 60 else tally.spec[:40] + "…&rate=.4"
        found = rate(tally.found, n) if family else "nothing to find"
        print(
            f"| `mock:{shown}` | {n} | {found} | {rate(tally.false_alarm, n)} | {tally.worst_other / n:.1%} "
            f"| {tally.failed / n:.1%} |",
            flush=True,
        )

    clean = audit_many(plan, CLEAN, options.audits, None)
    row(clean, None)
    if clean.false_alarm > 0.05 * clean.audits:
        misses.append("the clean judge has findings in more than 5 % of audits")
    for spec, family in PLANTED.items():
        tally = audit_many(plan, spec, planted, family)
        row(tally, family)
        if tally.found < 0.95 * tally.audits:
            misses.append(f"{spec}: found in less than 95 %")
        if tally.worst_other > 0.05 * tally.audits:
            misses.append(f"{spec}: another family is violated in more than 5 %")
    constant = audit_many(plan, "constant", planted, "order")
    row(constant, "order")
    if constant.failed < constant.audits:
        misses.append("mock:constant passed")

    suite = load_suite("standard")
    size = suite.cases or options.cases
    big = make_plan("standard", size)
    whole = audit_many(big, CLEAN, max(planted // 2, 5), None)
    print(
        f"\nsuite standard, {size} cases, {len(big.calls):,} calls an audit: every NO_GAIN and INVARIANT probe of "
        f"`mock:{CLEAN}` holds in {rate(whole.all_hold, whole.audits)} of {whole.audits} audits; "
        f"false alarms {rate(whole.false_alarm, whole.audits)}"
    )
    if whole.all_hold < 0.8 * whole.audits:
        misses.append("standard: the clean judge holds whole in less than 80 %")
    for miss in misses:
        print(f"MISSED: {miss}")
    return int(bool(misses) and options.audits >= 100)


if __name__ == "__main__":
    raise SystemExit(main())
