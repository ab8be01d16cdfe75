"""Are the decisions right at the rates they state, in the fixed and the sequential design?

    python benchmarks/error_rates.py --audits 100       # about 40 minutes on one core
    python benchmarks/error_rates.py --audits 5

Suite `standard`, 200 cases, 2 samples an arm. Clean judges: the share of audits with any finding. Planted judges:
strengths are *true effects* in utility units on the probe that must find them. Each audit is decided twice from the
same answers: by the fixed design, and by the sequential one, which stops asking about what is decided.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field

from detection import rate

from voirdire.harness.followups import FollowUps
from voirdire.harness.judges.mock import mock_judge
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.statistics.analyse import Analysis, analyse, family_size
from voirdire.harness.statistics.looks import Looks
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.builtin_cases import builtin_cases
from voirdire.suites.loading import load_suite
from voirdire.suites.selfcheck import PLEA, stretch

ACCURACY = 0.85
DECISIONS = ("holds", "violated", "inconclusive")


@dataclass
class Counts:
    """Over the audits of one judge, for one design."""

    found: int = 0
    other: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    calls: float = 0.0


def reach(plan: Plan) -> float:
    """The share of cases whose follow-up holds the plea that the judge obeys; Chinese ones carry another."""
    probe = next(p for p in plan.probes if p.probe.name == "phrases.full-marks")
    held = [item.follow_up is not None and PLEA in item.follow_up.responses[item.target] for item in probe.items]
    return sum(held) / len(held)


def judges(reached: float) -> list[tuple[str, str, str | None]]:
    """(words, spec, family of the planted defect)."""
    rows: list[tuple[str, str, str | None]] = []
    for accuracy in (0.75, 0.85, 0.95, 1.0):
        rows.append((f"clean {accuracy:g}", f"noisy?accuracy={accuracy}", None))
        if accuracy < 1:
            rows.append((f"clean {accuracy:g}, content-keyed", f"noisy?accuracy={accuracy}&fresh=0", None))
    base = f"noisy?accuracy={ACCURACY}"
    for effect in (0.25, 0.20):
        # a channel that fires in a share r of calls lifts the worse answer by r * accuracy
        share = effect / ACCURACY
        rows += [
            (f"first slot, effect {effect:g}", f"{base}&first={effect}", "order"),
            (f"longer, effect {effect:g}", f"{base}&longer={share:.4f}", "verbosity"),
            (f"cited, effect {effect:g}", f"{base}&cited={share:.4f}", "authority"),
            (f"plea, effect {effect:g}", f"{base}&phrase={PLEA}&rate={share / reached:.4f}", "phrases"),
        ]
    return rows


def sequential(plan: Plan, answers: list[Verdict], seed: int, size: int) -> tuple[Analysis, float]:
    looks = Looks(plan, alpha=0.05, suite_size=size, soft=False, seed=seed)
    verdicts: list[Verdict | None] = [None] * len(answers)
    for k in range(len(looks.shares)):
        for i in looks.calls(k):
            verdicts[i] = answers[i]
        looks.look(k, verdicts)
        if looks.done:
            break
    return looks.finish(verdicts), sum(v is not None for v in verdicts) / len(answers)


def count(counts: Counts, found: Analysis, family: str | None, also: frozenset[str], calls: float) -> None:
    violated = {f.family for f in found.findings.values() if f.decision == "violated"}
    counts.found += family in violated
    counts.other += bool(violated - {family} - also)
    counts.decisions.update(f.decision for f in found.findings.values())
    counts.calls += calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=100)
    options = parser.parse_args()
    n = options.audits
    suite = load_suite("standard")
    size = family_size([p.relation for p in suite.probes])
    cases = stretch(builtin_cases(), 200)
    plan = build_plan(suite, cases, task="pairwise", scale=Scale(), followups=FollowUps(), samples=2)
    print(f"suite standard, {len(cases)} cases, 2 samples, {len(plan.calls):,} calls; {n} audits a row\n")
    print("| judge | found, fixed | found, sequential | false alarms, fixed | false alarms, sequential | calls |")
    print("|---|---|---|---|---|---|")
    ratios: list[tuple[float, int]] = []
    gaps: list[float] = []
    for words, spec, family in judges(reach(plan)):
        # a content-keyed judge does flip under meaningless edits: that finding is true
        also = frozenset({"stability"}) if "fresh=0" in spec else frozenset()
        fixed, early = Counts(), Counts()
        for seed in range(n):
            judge = mock_judge(spec, seed=seed)
            answers = [judge.answer(c.case, c.sample) for c in plan.calls]
            count(fixed, analyse(plan, answers), family, also, 1.0)
            found, share = sequential(plan, answers, seed, size)
            count(early, found, family, also, share)
        total = sum(fixed.decisions.values())
        gaps += [abs(fixed.decisions[d] - early.decisions[d]) / total for d in DECISIONS]
        ratios.append((early.calls / n, 1 if family else 3))
        cells = [rate(c.found, n) if family else "·" for c in (fixed, early)]
        cells += [rate(c.other, n) for c in (fixed, early)]
        print(f"| {words} | {' | '.join(cells)} | {early.calls / n:.2f} |", flush=True)
    mean = sum(r * w for r, w in ratios) / sum(w for _, w in ratios)
    print(
        f"\nsequential over fixed, clean rows weighing 3: {mean:.2f} of the calls (worst row "
        f"{max(r for r, _ in ratios):.2f}); decision rates differ by at most {max(gaps):.1%} of probes"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
