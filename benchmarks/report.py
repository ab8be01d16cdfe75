"""What a report of a large run takes: a million call records, every probe of a large suite, a thousand examples.

    python benchmarks/report.py                       # a million records, some minutes and 1 GB of disk
    python benchmarks/report.py --records 200000
    python benchmarks/report.py --smoke               # small, and fails if a ratio is far off

Each step runs in a process of its own; the run is made first. Seconds are those of the processor, which neighbours on
the machine do not change. `times` is a step's time by that of reading the same records with json.loads alone: what a
reader of `calls.jsonl` cannot do without. `grows` is its time by that of the same step at a tenth of the records: 10 is
linear, 1 does not depend on them. Memory is the peak of the process.
The budget of 15 s and 1.5 GB for a million records is that of `voirdire report RUN` (page, Markdown and JSON).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Edit
from voirdire.harness.findings import (
    Audit,
    Calls,
    CounterExample,
    Discrimination,
    Finding,
    Findings,
    Noise,
    SliceValue,
)
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.reports.write import CALLS, read, write

PROBES, EXAMPLES = 150, 1000
#: of the answers, in words; and of a judge's reply
ANSWER, REPLY = 150, 40
STEPS = {
    "audit, all calls": ("html", "md", "json"),
    "report": ("html", "md", "json"),
    "report --format junit,card": ("junit", "card"),
    "report --format csv": ("csv",),
    "report --format parquet": ("parquet",),
}


def made(records: int) -> Audit:
    """The audit of a judge that is swayed by a tenth of the probes."""
    text = " ".join(f"word{k % 37}" for k in range(ANSWER))
    found, examples = [], []
    for k in range(PROBES):
        bad = k % 10 == 0
        found.append(
            Finding(
                f"family{k % 17}.probe{k}", f"family{k % 17}", Relation.NO_GAIN, "violated" if bad else "holds",
                effect=0.3 if bad else 0.01, low=0.2 if bad else -0.03, high=0.4 if bad else 0.05, level=0.95,
                estimand="gain over sham", tolerance=0.1, p=0.001, p_adjusted=0.01, n=1000, flip_rate=0.3,
                retest_flip_rate=0.1, sham_effect=0.01, metrics={"asr": 0.2, "asr_raw": 0.4, "asr_retest": 0.2},
                summary="What it does.", source="voirdire",
            )
        )  # fmt: skip
    for k in range(EXAMPLES):
        case = Case(f"Question {k}: {text[:300]}", (f"{text} a{k}.", f"{text} b{k}."), id=f"case-{k}", label=0)
        after = case.with_response(1, f"{case.responses[1]} (Hartwell 2011)")
        end = len(case.responses[1])
        edits = (Edit(end, end, " (Hartwell 2011)", "responses[1]"),)
        verdicts = (Verdict(choice=0, raw=text[:200]), Verdict(choice=1, raw=text[:200]))
        probe = f"family{k % 15 * 10 % 17}.probe{k % 15 * 10}"
        examples.append(CounterExample(case.id, probe, case, after, 1, edits, *verdicts, 0.0, 1.0, "the marked edit"))
    slices = tuple(SliceValue("category", f"c{k}", "accuracy", 0.8, 0.7, 0.9, 100, 0.5) for k in range(12))
    return Audit(
        "judge", "openai:m", "f" * 64, "pairwise", Scale(), "m-1", "full", "s", PROBES, 1000, "h", "cases.jsonl", 0,
        0.05, 2, "2026-11-02T10:20:30Z", Findings(found), Noise(0.1, 0.08, 0.12, 1000, 0.1),
        Discrimination(0.85, 0.8, 0.9, 1000, 0.6, "holds"), Calls(records, records, 0, 0, 0, None, 9.5, 900.0), "fail",
        examples=tuple(examples), slices=slices,
    )  # fmt: skip


def records(number: int) -> Iterator[dict[str, Any]]:
    reply = " ".join(f"reason{k % 23}" for k in range(REPLY))
    for k in range(number):
        yield {
            "call": k, "case": f"case-{k // 1000}", "order": [k % 2, 1 - k % 2], "edited": k % 3 > 0, "sample": k % 2,
            "content": f"{k:064x}", "choice": k % 2, "rationale": f"{k}: {reply}", "raw": f"{k}: {reply} [[A]]",
            "served_model": "m-1", "usage": {"input_tokens": 400 + k % 50, "output_tokens": 60, "cost_usd": 0.0001},
        }  # fmt: skip


def step(name: str, folder: Path, number: int) -> dict[str, float]:
    """One step in this process: its seconds and its peak of memory in MB."""
    start = time.process_time()
    if name == "json.loads":
        with (folder / CALLS).open("rb") as file:
            for line in file:
                json.loads(line)
    elif name.startswith("audit"):
        write(made(number), folder, STEPS[name], call_records=records(number))
    else:
        write(read(folder), folder / "out", STEPS[name], calls=folder / CALLS)
    seconds = time.process_time() - start
    return {"seconds": seconds, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(number: int, work: Path, steps: Sequence[str] = ()) -> dict[str, dict[str, float]]:
    """Figures of `steps` (default: all), of reading the records alone, and the sizes of the files."""
    folder = work / str(number)
    folder.mkdir()
    out = {}
    for name in (*(steps or STEPS), "json.loads"):
        command = [sys.executable, __file__, "--step", name, "--folder", str(folder), "--records", str(number)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr.strip()[-2000:]}")
        out[name] = json.loads(done.stdout)
    out["sizes"] = {p.name: p.stat().st_size / 1e6 for p in sorted(folder.rglob("*")) if p.is_file()}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--smoke", action="store_true", help="20,000 records, and fail if a ratio is far off")
    parser.add_argument("--step")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    number = 20_000 if given.smoke else given.records
    if given.step:
        print(json.dumps(step(given.step, given.folder, given.records)))
        return
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        del STEPS["report --format parquet"]
        print("pyarrow is not installed: no Parquet")
    with tempfile.TemporaryDirectory() as work:
        small = measured(max(1, number // 10), Path(work))
        large = measured(number, Path(work))
    floor = large["json.loads"]["seconds"]
    print(f"{number:,} records, {PROBES} probes, {EXAMPLES:,} examples; json.loads of them {floor:.2f} s\n")
    print(f"{'step':<30}{'seconds':>9}{'times':>8}{'grows':>8}{'MB':>8}")
    for name in STEPS:
        here = large[name]
        grows = here["seconds"] / small[name]["seconds"]
        print(f"{name:<30}{here['seconds']:>9.2f}{here['seconds'] / floor:>8.1f}{grows:>8.1f}{here['mb']:>8.0f}")
    print("\n" + ", ".join(f"{name} {size:.1f} MB" for name, size in large["sizes"].items()))
    if given.smoke:
        check(small, large)


def check(small: dict[str, dict[str, float]], large: dict[str, dict[str, float]]) -> None:
    """The ratios that must hold whatever the machine."""
    wrong = []
    if large["report"]["seconds"] > 3 * small["report"]["seconds"] + 0.5:
        wrong.append("a report grows with the calls that it does not show")
    for name in STEPS:
        if ("csv" in name or "parquet" in name) and large[name]["mb"] > 3 * small[name]["mb"] + 200:
            wrong.append(f"{name} keeps the calls in memory")
    if large["sizes"]["index.html"] > 2.0:
        wrong.append("the page is larger than 2 MB")
    if wrong:
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
