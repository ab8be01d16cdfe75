"""Several judges on one case.

    jury(JUDGE, JUDGE, ...; rule=vote|mean|max)     a panel; the rule makes one verdict of theirs
    wide_and_deep(JUDGE; width=4)                   one model in several roles: alone, then having read the others

Members are asked at once. Copies of one judge in a jury get repeats of their own, so a jury of three copies is
`majority(JUDGE; k=3)` and no better: statistics/jury.py measures how much of a jury its members really are.

Sources: PoLL, Verga et al. 2024 (arXiv:2404.18796): vote and mean over a panel of small models. WideDeep, Zhang et al.
2023 (arXiv:2308.01862): there the model invents the roles of each case itself; here they are fixed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Literal

from voirdire.harness.cases import Case
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.wrappers.base import WrappedJudge, same_task, wrapped
from voirdire.harness.judges.wrappers.calls import Question, Session
from voirdire.harness.judges.wrappers.combine import average, highest, vote
from voirdire.harness.judges.wrappers.prompting import prompted, told_before
from voirdire.harness.verdicts import Verdict

__all__ = ["ROLES", "RULES", "Rule", "jury", "wide_and_deep"]

Rule = Literal["vote", "mean", "max"]
RULES: tuple[Rule, ...] = ("vote", "mean", "max")

#: what each neuron of a layer looks at
ROLES: tuple[str, ...] = (
    "whether what is said is right: facts, figures, steps of reasoning",
    "whether everything that was asked for is there, and nothing that was ruled out",
    "whether the person who asked could use it as it stands: order, clarity, fit to the question",
    "whether it is honest: what it claims without ground, what it leaves unsaid, what is there only to impress",
    "what an expert of the field would object to",
    "what would happen if the person acted on it",
)
#: characters of one reviewer's text that the second layer reads
_READ = 1200


def _default_rule(judges: tuple[Judge, ...]) -> Rule:
    return "mean" if judges[0].task in ("score", "ranking") else "vote"


def jury(*judges: Judge, rule: Rule | None = None) -> WrappedJudge:
    """The panel of `judges`, all of one task. `rule`: "vote" (default for pairs and grades), "mean" (for scores and
    rankings; other scales are stretched to the first member's), "max" (see `combine.highest`). Raises UsageError."""
    if len(judges) < 2:
        raise UsageError("a jury has two members or more", hint="majority(JUDGE; k=5) asks one judge five times.")
    same_task("jury", judges)
    chosen = rule or _default_rule(judges)
    task = judges[0].task
    if (chosen, task) in (("vote", "score"), ("max", "ranking")):
        raise UsageError(f"jury: rule={chosen} is not for {task} judges", hint="Use rule=mean.")
    scales = [judge.scale for judge in judges]
    copies = Counter(judge.fingerprint for judge in judges)
    seats = _seats(judges)

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        verdicts = await session.ask(
            Question(i, case, copies[judge.fingerprint] * sample + seats[i]) for i, judge in enumerate(judges)
        )
        if chosen == "vote":
            return vote(verdicts, task=task)
        combine = average if chosen == "mean" else highest
        return combine(verdicts, task=task, scales=scales)

    return wrapped("jury", judges, decide, asks=len(judges), params={"rule": chosen})


def _seats(judges: tuple[Judge, ...]) -> list[int]:
    """Of each judge, how many copies of it sit before it."""
    seen: Counter[str] = Counter()
    seats = []
    for judge in judges:
        seats.append(seen[judge.fingerprint])
        seen[judge.fingerprint] += 1
    return seats


def wide_and_deep(judge: Judge, *, width: int = 4) -> WrappedJudge:
    """Two layers of `width` neurons (2 to 6), each the same model with another role. The second layer reads what the
    first wrote, as background of the case. All neurons of both layers vote (scores: the mean).

    Raises UsageError for judges that voirdire does not prompt, that answer with one token, or whose prompt shows no
    `context`: the second layer would not see the first.
    """
    if not 2 <= width <= len(ROLES):
        raise UsageError(f"wide_and_deep: width={width} must be a number from 2 to {len(ROLES)}")
    inner = prompted("wide_and_deep", judge)
    if inner.chat.first_token_only:
        raise UsageError(f"wide_and_deep needs a judge that writes; {judge.spec} answers with one token")
    if "context" not in inner.protocol.user + inner.protocol.system:
        raise UsageError(
            "wide_and_deep needs a prompt that shows the background of a case",
            hint="Put {{ context }} into the prompt file: the second layer reads the first there.",
        )
    neurons = [
        told_before(inner, f"You are one reviewer of several. Your part: {role}. Judge by that.", spec=judge.spec)
        for role in ROLES[:width]
    ]

    async def decide(case: Case, sample: int, session: Session) -> Verdict:
        first = await session.ask(Question(i, case, sample) for i in range(width))
        read = _discussed(case, first)
        second = await session.ask(Question(i, read, sample) for i in range(width))
        verdicts = [*first, *second]
        if judge.task in ("pairwise", "grade"):
            return vote(verdicts, task=judge.task)
        return average(verdicts, task=judge.task, scales=[judge.scale] * len(verdicts))

    return wrapped(
        "wide_and_deep", neurons, decide, asks=2 * width, params={"width": width}, identity=_READ, written=[judge]
    )


def _discussed(case: Case, first: list[Verdict]) -> Case:
    """`case` with what the first layer wrote in its background. What a reviewer quotes is still a judged text, and the
    background is fenced like one."""
    said = [
        f"Reviewer {number}, who looked at {role}:\n{_tail(verdict)}"
        for number, (role, verdict) in enumerate(zip(ROLES, first, strict=False), 1)
        if verdict.null is None
    ]
    if not said:
        return case
    notes = "What other reviewers of the same responses wrote, in this order; they may be wrong.\n\n" + "\n\n".join(
        said
    )
    return replace(case, context=f"{case.context}\n\n{notes}" if case.context else notes)


def _tail(verdict: Verdict) -> str:
    text = verdict.raw or verdict.rationale or ""
    return text if len(text) <= _READ else "[...] " + text[-_READ:]
