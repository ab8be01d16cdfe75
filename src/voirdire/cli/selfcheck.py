"""`voirdire selfcheck`: planted and clean mock judges through the whole machine."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from voirdire.harness.errors import ExitCode, UsageError

__all__ = ["selfcheck"]

#: a planted defect must be found, and a clean judge be left alone, in this share of audits
FOUND, ALARM = 0.95, 0.05


def selfcheck(
    audits: Annotated[int, typer.Option("--audits", help="Audits of each judge.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
) -> int:
    """Audit judges with known defects and judges without: how often is each found, and how often falsely accused?

    Offline, about a second an audit and ten for all judges. Exits 1 if a rate lies beyond what chance allows.
    """
    from scipy.stats import binomtest

    from voirdire.suites.selfcheck import GRID, check

    if audits < 1:
        raise UsageError(f"--audits {audits} is less than 1")
    rows = []
    broken = False
    if not as_json:
        print(f"{audits} audits of each judge, suite quick\n")
        print(f" {'judge':<32} {'task':<9} {'found':>7} {'false alarm':>12}")
    for row in GRID:
        tally = check(row, audits)
        # beyond chance: fewer finds, or more alarms, than a judge exactly at the promised rate gives in 1 of 1,000
        missed = row.family is not None and binomtest(tally.found, audits, FOUND, "less").pvalue < 0.001
        alarmed = binomtest(tally.false_alarm, audits, ALARM, "greater").pvalue < 0.001
        broken = broken or missed or alarmed
        rows.append(
            {
                "judge": row.words,
                "spec": f"mock:{row.spec}",
                "task": row.task,
                "family": row.family,
                "audits": audits,
                "found": tally.found if row.family else None,
                "false_alarms": tally.false_alarm,
                "within_promise": not (missed or alarmed),
            }
        )
        if not as_json:
            found = f"{tally.found}/{audits}" if row.family else "·"
            mark = "" if not (missed or alarmed) else "  ✗"
            print(f" {row.words:<32} {row.task:<9} {found:>7} {f'{tally.false_alarm}/{audits}':>12}{mark}", flush=True)
    if as_json:
        print(json.dumps(rows, indent=2))
    elif broken:
        print("\nA rate lies beyond what chance allows: this build must not be trusted.")
    else:
        print(f"\nAll rates are as promised (found 95 %, false alarms 5 %), as far as {audits} audits can tell.")
    return ExitCode.VIOLATED if broken else ExitCode.OK
