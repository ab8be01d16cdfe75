"""One judge asked several times: both orders, several samples, or both.

    swap_average(JUDGE; k=1)       both orders, k samples of each, averaged: balanced position calibration
    mean(JUDGE; k=3)               k samples, averaged
    majority(JUDGE; k=5)           k samples, one vote each
    mec(JUDGE; k=3, swap=yes)      evidence before the verdict, k samples, both orders: FairEval's whole recipe

Repeat `s` of the wrapper is made of the judge's repeats k * s to k * s + k - 1, so no two repeats share an answer, and
with k = 1 they are the very calls that an audit of the bare judge makes.

Sources: Wang et al. 2023, "Large Language Models are not Fair Evaluators" (arXiv:2305.17926): MEC and BPC; Zheng et
al. 2023 (arXiv:2306.05685): swapping.
"""

from __future__ import annotations

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.base import WrappedJudge, need_task, wrapped
from voirdire.harness.judges.wrappers.calls import Question, Session, mirrored, turned
from voirdire.harness.judges.wrappers.combine import average, vote
from voirdire.harness.judges.wrappers.prompting import evidence_first
from voirdire.harness.orders import Order
from voirdire.harness.verdicts import Verdict

__all__ = ["MOST_SAMPLES", "ask_orders", "both_orders", "majority", "mean", "mec", "samples_of", "swap_average"]

#: samples of one judge in one call of a wrapper
MOST_SAMPLES = 64


def samples_of(judge: Judge, k: int, sample: int) -> range:
    """The judge's own repeats that make up repeat `sample`: one is enough of a deterministic judge."""
    return range(1) if judge.deterministic else range(k * sample, k * (sample + 1))


async def ask_orders(
    session: Session, member: int, case: Case, orders: tuple[Order, ...], samples: range
) -> list[Verdict]:
    """Every sample of every order, as verdicts about `case` as it was shown."""
    questions = [(order, Question(member, turned(case, order), s)) for order in orders for s in samples]
    answers = await session.ask(question for _, question in questions)
    return [mirrored(answer, order) for (order, _), answer in zip(questions, answers, strict=True)]


def both_orders(case: Case) -> tuple[Order, Order]:
    """Forwards and backwards."""
    forwards = tuple(range(len(case.responses)))
    return (forwards, forwards[::-1])


def _need_k(kind: str, k: int) -> None:
    if not 1 <= k <= MOST_SAMPLES:
        raise UsageError(f"{kind}: k={k} must be a number from 1 to {MOST_SAMPLES}")


def swap_average(judge: Judge, *, k: int = 1) -> WrappedJudge:
    """Both orders of the answers (a ranking: forwards and backwards), `k` samples of each, averaged.

    Pairwise: a tie where the orders contradict each other. Costs nothing in an audit with k = 1: the two orders are
    those that the plan asks anyway. Raises UsageError for judges of one answer.
    """
    need_task("swap_average", judge, "pairwise", "ranking", hint="One answer has no order; mean(JUDGE; k=3) averages.")
    _need_k("swap_average", k)

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await ask_orders(session, 0, case, both_orders(case), samples_of(judge, k, sample))
        return average(verdicts, task=judge.task, scales=[judge.scale] * len(verdicts))

    return wrapped("swap_average", [judge], decide, asks=2 * k, params={"k": k} if k != 1 else {})


def _repeated(kind: str, judge: Judge, k: int, *, votes: bool) -> WrappedJudge:
    _need_k(kind, k)

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await session.ask(Question(0, case, s) for s in samples_of(judge, k, sample))
        if votes:
            return vote(verdicts, task=judge.task)
        return average(verdicts, task=judge.task, scales=[judge.scale] * len(verdicts))

    return wrapped(kind, [judge], decide, asks=k, params={"k": k})


def mean(judge: Judge, *, k: int = 3) -> WrappedJudge:
    """`k` samples, averaged: probabilities where the judge gives them, scores, ranks. Any task."""
    return _repeated("mean", judge, k, votes=False)


def majority(judge: Judge, *, k: int = 5) -> WrappedJudge:
    """`k` samples, one vote each. A judge of two answers that is right with probability p, independently from sample to
    sample, becomes right with that of more than k / 2 of k: .75 becomes .896 with 5. Raises UsageError for scores."""
    need_task("majority", judge, "pairwise", "grade", "ranking", hint="Scores are averaged: mean(JUDGE; k=5).")
    return _repeated("majority", judge, k, votes=True)


def mec(judge: Judge, *, k: int = 3, swap: bool = True) -> WrappedJudge:
    """Multiple evidence calibration: the judge is told to write its evidence first, asked `k` times, and averaged; with
    `swap` in both orders. Raises UsageError for judges that voirdire does not prompt (see `evidence_first`)."""
    _need_k("mec", k)
    asked = evidence_first(judge)
    swapped = swap and judge.task in ("pairwise", "ranking")

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        orders = both_orders(case) if swapped else both_orders(case)[:1]
        verdicts = await ask_orders(session, 0, case, orders, samples_of(asked, k, sample))
        return average(verdicts, task=judge.task, scales=[judge.scale] * len(verdicts))

    params = {"k": k} | ({} if swap else {"swap": False})
    return wrapped("mec", [asked], decide, asks=k * (1 + swapped), params=params, written=[judge])
