"""Setups: the same judge asked in another way. Other names for the slots, another scale, other words, no reasoning.

A setup is a change of a `PromptProtocol`. Where the prompt leaves no room for it, it does not apply, and says why:
slots can only be renamed where the prompt calls them `{{ label_a }}` and `{{ label_b }}`, scores only be stretched
where it says `{{ scale_low }}` and `{{ scale_high }}`. Judges that have no prompt of ours have no setups. Two setups
take several calls a verdict: answers rated one by one, criteria asked about one by one (setup_parts.py).

Not here: changes of the rubric or the reference, which are edits of the case (perturbations/setup.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from voirdire.harness.cases import ALL_TASKS, Case, Task
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.judges.prompts import PromptProtocol, load_prompt
from voirdire.harness.judges.setup_parts import CRITERIA, RATINGS, Parts
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale

__all__ = ["SETUPS", "Setup", "apply_setup", "setup_reason"]

Change = Callable[[PromptProtocol], PromptProtocol]


@dataclass(frozen=True, slots=True)
class Setup:
    """`change` raises NotApplicable with a plain reason. `writes`: only for models that write more than one token.
    `parts`: how one verdict is made of several calls."""

    summary: str
    source: str
    change: Change
    writes: bool = False
    tasks: tuple[Task, ...] = ALL_TASKS
    relation: Relation = Relation.INVARIANT
    parts: Parts | None = None


def apply_setup(name: str, protocol: PromptProtocol) -> PromptProtocol:
    """`protocol` under the setup `name`. Raises NotApplicable, and UsageError for an unknown name."""
    setup = SETUPS.get(name)
    if setup is None:
        raise UsageError(f"there is no setup called {name!r}", hint=nearest(name, SETUPS))
    return setup.change(protocol)


def setup_reason(name: str, protocol: PromptProtocol, case: Case | None = None, *, one_token: bool) -> str | None:
    """Why `protocol` cannot be asked about `case` (None: about any) under the setup `name`; None if it can."""
    try:
        other = apply_setup(name, protocol)
        setup = SETUPS[name]
        if one_token and setup.writes:
            return "the model answers with one token, so there is no reasoning"
        if one_token and setup.parts is RATINGS and not (other.prefill or other.parser == "number"):
            return "the prompt for single scores is for models that write more than one token"
        if case is not None and setup.parts is not None:
            setup.parts.of(case)
    except NotApplicable as error:
        return error.message
    return None


def _labels(first: str, second: str) -> Change:
    def change(protocol: PromptProtocol) -> PromptProtocol:
        if protocol.task != "pairwise":
            raise NotApplicable(f"a {protocol.task} judge has no slots to name")
        if not protocol.uses("label_a", "label_b"):
            raise NotApplicable("the prompt does not call the slots {{ label_a }} and {{ label_b }}")
        return replace(protocol, slots=(first, second))

    return change


def _scale(low: float, high: float) -> Change:
    def change(protocol: PromptProtocol) -> PromptProtocol:
        if protocol.task != "score":
            raise NotApplicable(f"a {protocol.task} judge has no scale")
        if not protocol.uses("scale_low", "scale_high"):
            raise NotApplicable("the prompt does not name its scale by {{ scale_low }} and {{ scale_high }}")
        if (protocol.scale.low, protocol.scale.high) == (low, high):
            raise NotApplicable("this is the scale it has")
        return replace(protocol, scale=Scale(low, high))

    return change


def _framed(before: str, after: str = "") -> Change:
    def change(protocol: PromptProtocol) -> PromptProtocol:
        parts = [part for part in (before, protocol.user, after) if part]
        return replace(protocol, user="\n\n".join(parts))

    return change


def _no_reasoning(protocol: PromptProtocol) -> PromptProtocol:
    if protocol.header.reasoning == "none":
        raise NotApplicable("the prompt asks for no reasoning as it is")
    return _framed("", "Leave out every explanation: write the verdict alone, in the form asked for.")(protocol)


def _reasoning_first(protocol: PromptProtocol) -> PromptProtocol:
    if protocol.header.reasoning == "before":
        raise NotApplicable("the prompt asks for reasoning before the verdict as it is")
    return _framed("", "First think it through in a few sentences, then write the verdict in the form asked for.")(
        protocol
    )


def _two_scores(protocol: PromptProtocol) -> PromptProtocol:
    """FairEval's prompt, which has two marks given, in the words of this project's protocol."""
    if protocol.task != "pairwise":
        raise NotApplicable(f"a {protocol.task} judge compares no two answers")
    if protocol.parser == "two-scores":
        raise NotApplicable("the prompt asks for two marks as it is")
    marks = load_prompt("faireval")
    return replace(marks, name=protocol.name, line=protocol.line)


#: default prompts for pairs -> for single scores; prompts with a header name theirs there
_SINGLE = {"pairwise": "score", "pairwise-letter": "score-digit"}


def _rating(protocol: PromptProtocol) -> PromptProtocol:
    name = protocol.header.single or _SINGLE.get(protocol.name)
    if name is None:
        raise NotApplicable("the prompt names no other one for single scores (`single` in its header)")
    return load_prompt(name, "score")


def _with_rubric(protocol: PromptProtocol) -> PromptProtocol:
    if not protocol.uses("rubric"):
        raise NotApplicable("the judge's prompt does not show the rubric")
    return protocol


_SYMBOLS = "Song et al. 2024 (arXiv:2406.11629), symbol bias"
_SCALES = "Li et al. 2024, JRH and scale sensitivity; Murugadoss et al. 2024"
_WORDING = "Mizrahi et al. 2024, State of What Art? (arXiv:2401.00595)"
_REASON = "Zheng et al. 2023 (arXiv:2306.05685); Wang et al. 2023 (arXiv:2305.17926), evidence first"

#: every setup by the name of its probe
SETUPS: Mapping[str, Setup] = {
    "setup.labels-numbers": Setup("Calls the slots 1 and 2.", _SYMBOLS, _labels("1", "2"), tasks=("pairwise",)),
    "setup.labels-last": Setup("Calls the slots X and Y.", _SYMBOLS, _labels("X", "Y"), tasks=("pairwise",)),
    "setup.labels-exchanged": Setup(
        "Calls the first slot B and the second A.", _SYMBOLS, _labels("B", "A"), tasks=("pairwise",)
    ),
    "setup.labels-names": Setup(
        "Calls the slots Alex and Robin.", _SYMBOLS, _labels("Alex", "Robin"), tasks=("pairwise",)
    ),
    "setup.labels-codes": Setup("Calls the slots K7 and Q3.", _SYMBOLS, _labels("K7", "Q3"), tasks=("pairwise",)),
    "setup.scale-5": Setup("Has it score from 1 to 5.", _SCALES, _scale(1, 5), tasks=("score",)),
    "setup.scale-10": Setup("Has it score from 1 to 10.", _SCALES, _scale(1, 10), tasks=("score",)),
    "setup.scale-100": Setup("Has it score from 0 to 100.", _SCALES, _scale(0, 100), tasks=("score",)),
    "setup.two-scores": Setup(
        "Has it mark both answers in place of a choice.",
        "Bansal et al. 2023, Peering through preferences (arXiv:2308.15812)",
        _two_scores,
        writes=True,
        tasks=("pairwise",),
    ),
    "setup.reasoning-none": Setup("Asks for the verdict alone.", _REASON, _no_reasoning, writes=True),
    "setup.reasoning-first": Setup("Asks for reasoning before the verdict.", _REASON, _reasoning_first, writes=True),
    "setup.wording-careful": Setup(
        "Opens the request with a call for care.", _WORDING, _framed("Please read what follows carefully.")
    ),
    "setup.wording-plain": Setup(
        "Opens the request with a plain announcement.", _WORDING, _framed("Here is what is to be judged.")
    ),
    "setup.wording-role": Setup(
        "Opens the request with a role.", _WORDING, _framed("You are an experienced reviewer of texts.")
    ),
    "setup.wording-formal": Setup(
        "Opens the request formally.", _WORDING, _framed("You are kindly requested to carry out the following task.")
    ),
    "setup.wording-thanks": Setup("Ends the request with thanks.", _WORDING, _framed("", "Thank you very much.")),
    "setup.rating": Setup(
        "Has it score each answer of a pair by itself; the higher score wins.",
        "Bansal et al. 2023, Peering through Preferences (arXiv:2308.15812), rating against ranking",
        _rating,
        tasks=("pairwise",),
        relation=Relation.AGREE,
        parts=RATINGS,
    ),
    "setup.criteria-isolated": Setup(
        "Asks about each criterion of the rubric by itself, and takes the mean.",
        "collect-intel, llm-judge-bias-suite; Doddapaneni et al. 2024, FBI (arXiv:2406.13439)",
        _with_rubric,
        tasks=("pairwise", "score", "grade"),
        relation=Relation.AGREE,
        parts=CRITERIA,
    ),
}
