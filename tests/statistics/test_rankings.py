"""Rankings: what happens to any of the responses counts, wherever it stands in the file."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pytest

from voirdire.harness.cases import Case
from voirdire.harness.followups import FollowUps
from voirdire.harness.plan import Plan, build_plan
from voirdire.harness.probes import Suite
from voirdire.harness.statistics.analyse import Analysis, analyse
from voirdire.harness.statistics.arms import Answers
from voirdire.harness.statistics.discrimination import noise
from voirdire.harness.statistics.estimands import measure
from voirdire.harness.verdicts import Scale, Verdict
from voirdire.suites.rows import PROBES

GOOD = "{} answer number {} speaks of rivers, bridges and forests in some detail, and ends with a remark on winters."
BAD = "Nonsense about case {}."


def planned(bad: int, *names: str, n: int = 60, samples: int = 1) -> Plan:
    """Four responses a case, the bad one at index `bad`, unlabelled but for it."""
    cases = []
    for i in range(n):
        texts = [GOOD.format(k, i) for k in ("One", "Another", "Some")]
        texts.insert(bad, BAD.format(i))
        best = [k for k in range(4) if k != bad]
        cases.append(Case(f"Question {i}?", tuple(texts), label=(*best, bad)))
    probes = tuple(PROBES.get(name) for name in names)
    suite = Suite("some", "Some probes.", probes=probes)
    return build_plan(suite, cases, task="ranking", scale=Scale(), followups=FollowUps(), samples=samples)


def last_is_bad(key: Callable[[Case, str, int], object]) -> Callable[[Case, int], Verdict]:
    """The nonsense is last, always; the other three stand in the order of a hash of `key`."""

    def rank(case: Case, sample: int) -> Verdict:
        def place(i: int) -> tuple[bool, bytes]:
            text = case.responses[i]
            return "answer number" not in text, sha256(repr(key(case, text, sample)).encode()).digest()

        return Verdict(ranking=tuple(sorted(range(4), key=place)))

    return rank


def audited(plan: Plan, rank: Callable[[Case, int], Verdict]) -> Analysis:
    return analyse(plan, [rank(c.case, c.sample) for c in plan.calls])


@pytest.mark.parametrize("bad", [0, 3])
def test_a_response_is_held_against_its_own_floor(bad: int) -> None:
    """A deterministic judge that draws the order of three anew after any edit. At index 0 the floor was that of the
    nonsense, which never moves, so that edits of the others looked like more than a blank does."""
    names = ("typos.swap", "typos.keyboard", "layout.tabs")
    found = audited(planned(bad, *names), last_is_bad(lambda case, text, sample: (sorted(case.responses), text)))
    assert {f.decision for f in found.findings.values()} <= {"holds", "inconclusive"}
    assert found.noise.neutral_flip_rate == pytest.approx(2 / 9, abs=0.08)  # three of four move by 8/9 of 3 ranks


def test_noise_of_any_response_is_noise() -> None:
    """Three of four are shuffled in every call, and the first of the file never moves."""
    plan = planned(0, "stability.retest", "order.swap", n=100)
    found = audited(plan, last_is_bad(lambda case, text, sample: (case.responses, text, sample)))
    # |rank - rank'| of two random orders of three is 8/9 on average, over 3 ranks, for three responses of four
    assert found.noise.retest_flip_rate == pytest.approx(2 / 9, abs=0.05)
    assert not found.noise.deterministic
    retest, swap = found.findings["stability.retest"], found.findings["order.swap"]
    assert retest.effect == pytest.approx(2 / 9, abs=0.05)
    assert swap.flip_rate == pytest.approx(2 / 9, abs=0.05)


def test_a_judge_that_tosses_its_rankings_does_not_hold_as_repeatable() -> None:
    """Two random rankings of four differ by 5/12 a response: chance is no .5 there."""
    plan = planned(0, "stability.retest", n=400)
    rng = np.random.default_rng(0)
    found = analyse(plan, [Verdict(ranking=tuple(rng.permutation(4).tolist())) for _ in plan.calls])
    finding = found.findings["stability.retest"]
    assert finding.effect == pytest.approx(5 / 12, abs=0.05)
    assert finding.decision != "holds"


def test_order_flips_are_those_of_all_responses_and_the_slot_preference_is_counted_once() -> None:
    """A judge that swaps the two in the middle of the file when the order is turned: two of four move by a rank."""
    plan = planned(0, "order.swap", n=30)

    def rank(case: Case) -> Verdict:
        turned = case.meta["voirdire.order"][0] != 0
        by_file = [case.meta["voirdire.order"].index(k) for k in ((0, 2, 1, 3) if turned else (0, 1, 2, 3))]
        return Verdict(ranking=tuple(by_file))

    answers = Answers.of(plan, [rank(c.case) for c in plan.calls], soft=False)
    measured = measure(plan, plan.probes[0], answers)
    assert measured.flip_rate == pytest.approx((0 + 1 + 1 + 0) / 4 / 3)
    assert measured.n == 30
    assert measured.contrasts["slot preference"].values == pytest.approx(np.zeros(30))
    assert noise(plan, answers, alpha=0.05).deterministic
