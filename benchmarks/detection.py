"""Does voirdire find what is there, and only that? Hundreds of audits of judges whose defects are known.

    python benchmarks/detection.py                      # the table of the README: 200 audits a judge
    python benchmarks/detection.py --grid               # every judge of `voirdire selfcheck`
    python benchmarks/detection.py --audits 12

Suite `quick` on 120 built-in cases; the clean judge also in suite `standard` at its recommended size. Exits 1 if a
rate misses what the README promises (only with 100 audits or more: fewer cannot tell).
"""

from __future__ import annotations

import argparse

from voirdire.suites.loading import load_suite
from voirdire.suites.selfcheck import GRID, Row, Tally, check, make_plan

CLEAN = next(row for row in GRID if row.words == "clean, accuracy .85")
#: fewer audits than this cannot tell whether a rate is kept
ENOUGH = 100
CONSTANT = next(row for row in GRID if row.spec == "constant")
#: the defects that the README's table lists, each with the family in which it must be found
PLANTED = tuple(row for row in GRID if row.task == "pairwise" and row.family and "&fresh=0" not in row.spec
                and row.spec not in ("constant", "random"))  # fmt: skip


def rate(k: int, n: int) -> str:
    from scipy.stats import binomtest

    low, high = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k / n:.1%} [{low:.1%}, {high:.1%}]"


def show(tally: Tally) -> None:
    n = tally.audits
    found = rate(tally.found, n) if tally.row.family else "nothing to find"
    print(
        f"| {tally.row.words} | {tally.row.task} | {n} | {found} | {rate(tally.false_alarm, n)} "
        f"| {tally.worst_other / n:.1%} | {tally.failed / n:.1%} |",
        flush=True,
    )


def misses(tally: Tally) -> list[str]:
    """What this row promises and does not keep."""
    out = []
    if tally.row.family and tally.found < 0.95 * tally.audits:
        out.append(f"{tally.row.words}: found in less than 95 %")
    if tally.worst_other > 0.05 * tally.audits:
        out.append(f"{tally.row.words}: a family without defect is violated in more than 5 %")
    if not tally.row.family and tally.false_alarm > 0.05 * tally.audits:
        out.append(f"{tally.row.words}: findings in more than 5 % of audits")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=200, help="audits of each judge")
    parser.add_argument("--grid", action="store_true", help="every judge of the grid, not the README's six")
    options = parser.parse_args()

    plan = make_plan("quick", CLEAN.cases)
    print(f"suite quick, {len(plan.cases)} cases, {len(plan.calls):,} calls an audit (pairwise)\n")
    print("| judge | task | audits | defect found | another family violated | worst other family | verdict fail |")
    print("|---|---|---|---|---|---|---|")
    missed: list[str] = []
    for row in GRID if options.grid else (CLEAN, *PLANTED, CONSTANT):
        tally = check(row, options.audits)
        show(tally)
        missed += misses(tally)
        if row is CONSTANT and tally.failed < tally.audits:
            missed.append("a constant judge passed")

    size = load_suite("standard").cases or CLEAN.cases
    whole = Row(CLEAN.words, CLEAN.spec, cases=size)
    tally = check(whole, max(options.audits // 2, 5), suite="standard")
    calls = len(make_plan("standard", size).calls)
    print(
        f"\nsuite standard, {size} cases, {calls:,} calls an audit: every NO_GAIN and INVARIANT probe of the judge "
        f"'{CLEAN.words}' holds in {rate(tally.all_hold, tally.audits)} of {tally.audits} audits; false alarms "
        f"{rate(tally.false_alarm, tally.audits)}"
    )
    if tally.all_hold < 0.8 * tally.audits:
        missed.append("standard: the clean judge holds whole in less than 80 %")
    if options.audits < ENOUGH:
        return 0
    for line in missed:
        print(f"MISSED: {line}")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
