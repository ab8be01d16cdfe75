"""`escalate(JUDGE, STRONGER; above=.9, k=3)`: the least certain cases go to a stronger judge, or to a person.

FairEval's BPDE: the judge is asked `k` times in both orders, and the entropy of its win / tie / loss distribution says
how torn it is. There the top share of a data set goes to a person. A judge sees one case at a time and must answer
alike whatever came before, so the share becomes a threshold in bits: `threshold_for(verdicts, share)` reads it off an
earlier run of `swap_average(JUDGE; k=3)`.

Without a second judge the uncertain case is a null of kind "refused", reason "for a person"; where people have judged
some, `replay:FILE.jsonl` is the second judge.

Source: Wang et al. 2023, arXiv:2305.17926.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.averaging import MOST_SAMPLES, ask_orders, both_orders, samples_of
from voirdire.harness.judges.wrappers.base import WrappedJudge, need_task, same_task, wrapped
from voirdire.harness.judges.wrappers.calls import Question, Session
from voirdire.harness.judges.wrappers.combine import average, entropy, null_of
from voirdire.harness.verdicts import Verdict

__all__ = ["PERSON", "escalate", "threshold_for"]

PERSON = "too uncertain: for a person"
#: nothing is less certain than a judge that gives no verdict
_MOST_BITS = math.log2(3)


def escalate(*judges: Judge, above: float = 0.9, k: int = 3) -> WrappedJudge:
    """The first judge, averaged over `k` samples and both orders; where their entropy is at least `above` bits (0 to
    1.58), or most of them are nulls, the second judge answers, once, instead. Pairs only; raises UsageError."""
    if not 1 <= len(judges) <= 2:
        raise UsageError(f"escalate takes a judge and a stronger one, got {len(judges)}")
    need_task("escalate", judges[0], "pairwise", hint="Uncertainty is read off verdicts that contradict each other.")
    same_task("escalate", judges)
    if not 0.0 <= above <= _MOST_BITS:
        raise UsageError(f"escalate: above={above:g} must be bits from 0 to {_MOST_BITS:.2f}")
    if not 1 <= k <= MOST_SAMPLES:
        raise UsageError(f"escalate: k={k} must be a number from 1 to {MOST_SAMPLES}")
    judge = judges[0]

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await ask_orders(session, 0, case, both_orders(case), samples_of(judge, k, sample))
        if _certain(verdicts, above):
            return average(verdicts, task="pairwise", scales=[judge.scale] * len(verdicts))
        if len(judges) == 1:
            return Verdict(null="refused", reason=PERSON)
        (answer,) = await session.ask([Question(1, case, sample)])
        return answer

    params = {"above": above, "k": k}
    asks = 2 * k + len(judges) - 1
    return wrapped("escalate", judges, decide, asks=asks, params=params, asks_more=len(judges) == 2)


def _certain(verdicts: Sequence[Verdict], above: float) -> bool:
    if null_of(verdicts) is not None:
        return False
    return entropy([v for v in verdicts if v.null is None]) < above


def threshold_for(verdicts: Iterable[Verdict | None], share: float) -> float:
    """The `above` that sends `share` (0 to 1) of these cases on, from verdicts of `swap_average(JUDGE; k=...)`.

    Nulls count as the least certain. Cases that are exactly as uncertain all go, so the true share may be larger.
    Raises ValueError without verdicts.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must lie in (0, 1], got {share:g}")
    bits = sorted((_MOST_BITS if v.null is not None else entropy([v]) for v in verdicts if v is not None), reverse=True)
    if not bits:
        raise ValueError("no verdicts to calibrate on")
    return bits[max(1, math.floor(share * len(bits))) - 1]
