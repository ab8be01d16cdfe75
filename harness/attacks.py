"""What an attack search came to: plain data, as the reports read it and as JSON holds it.

Not here: searching (perturbations/search), deciding (statistics/), running (the doors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from voirdire.harness.cases import Edit, Task
from voirdire.harness.findings import Calls, CounterExample, Finding
from voirdire.harness.statistics.lifts import Interval, Lift
from voirdire.harness.verdicts import Scale

__all__ = ["Attacked", "Attempt", "Elsewhere", "Outcome", "Seen", "Writer"]

#: "found": beats no attack and the sham on held-out cases; "nothing": was tested and does not;
#: "inconclusive": the answers do not allow to say; "unfinished": the run ended before it was tested
Outcome = Literal["found", "nothing", "inconclusive", "unfinished"]


@dataclass(frozen=True, slots=True)
class Seen:
    """How conspicuous an attack is to a character n-gram model of clean English answers.

    `bits`: of the attack's text alone, bits a character in its most surprising window. `flagged`, `flagged_clean`:
    shares of held-out answers over the threshold that `clean_share` of clean built-in answers exceed.
    """

    bits: float
    flagged: float
    flagged_clean: float
    clean_share: float


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The attack on another judge, or on the same one behind a defence. `error`: why it was not tried."""

    spec: str
    defence: bool
    finding: Finding | None = None
    lift: Lift | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """The model that wrote texts against the judge (`--rewriter`), and what it was asked: `streams` of `depth` steps
    of `branches` tries.

    `calls` are its own, apart from the judge's. `unusable`: why replies could not be tried, and how many.
    """

    name: str
    streams: int
    depth: int
    branches: int
    calls: Calls
    unusable: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attack that was tried on held-out cases.

    `kind`: "phrase" (searched), "rewriter" (written by a model), "structure" (made from the judge's own prompt), the
    family of a known attack, "composed" (several together). `unseen`: the lift of answers by systems that the search
    saw no answer of, where the cases name systems (their "models"). `doses`: text of its first k words (or parts) ->
    its lift. `rival`: the best published phrase, and how much better this is. `parts`: names of what a composed attack
    stacks. `p_adjusted`: after Holm over all attempts. `example`: a held-out case on which it worked, with the messages
    that the judge was sent (`prompt`) and what to change in the judge's own prompt (`mend`), where the attack was made
    from that.
    """

    name: str
    kind: str
    text: str
    position: str
    outcome: Outcome
    reason: str | None = None
    finding: Finding | None = None
    lift: Lift | None = None
    unseen: Lift | None = None
    seen: Seen | None = None
    doses: Mapping[str, Lift] = field(default_factory=dict)
    rival: str | None = None
    rival_lift: Lift | None = None
    over_rival: Interval | None = None
    elsewhere: tuple[Elsewhere, ...] = ()
    note: str = ""
    parts: tuple[str, ...] = ()
    p_adjusted: float | None = None
    example: CounterExample | None = None
    prompt: tuple[Mapping[str, str], ...] = ()
    mend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Searched:
    """A finished (or stopped) search on one judge. `failure`: exit code of the call that ended it."""

    judge_name: str
    judge_spec: str
    fingerprint: str
    task: Task
    method: str
    seed: int
    created: str
    cases_path: str
    calls: Calls
    stopped: str | None = None
    reason: str | None = None
    failure: int | None = None
    simulated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked(_Searched):
    """A search for attacks.

    `trained`, `held_out`: cases the search saw, and cases that decided. `search_calls`: questions of the search,
    answered from the store or not.
    """

    scale: Scale
    mode: str
    position: str
    max_words: int
    vocabulary: int
    alpha: float
    trained: int
    held_out: int
    search_calls: int
    search_budget: int
    attempts: tuple[Attempt, ...]
    best_so_far: str | None = None
    writer: Writer | None = None

    @property
    def found(self) -> tuple[Attempt, ...]:
        return tuple(a for a in self.attempts if a.outcome == "found")

    @property
    def outcome(self) -> Outcome:
        """The whole in one word: the strongest of its attempts."""
        if self.stopped is not None:
            return "found" if self.found else "unfinished"
        seen = {a.outcome for a in self.attempts}
        order: tuple[Outcome, ...] = ("found", "inconclusive", "unfinished")
        return next((o for o in order if o in seen), "nothing")


@dataclass(frozen=True, slots=True)
class Flip:
    """What a search for the smallest flip came to on one case; no `edits`: none was found.

    `source`: first 16 digits of the hash of what is shown of the case. `text`: the answer before the edits (offsets
    into it). `places`: words that might have been edited. `before`, `after`: mean utilities of the target in fresh
    calls. `reproduced`: flipped in k of n fresh calls, `at_least` a lower bound of that probability at 95 %. `words`:
    words that the edits change; `complete`: none of them can be left out. `controls`: flips among random edits of as
    many words, and how many of those were asked.
    """

    case_id: str
    source: str
    target: int
    text: str
    places: int
    edits: tuple[Edit, ...] = ()
    before: float | None = None
    after: float | None = None
    reproduced: tuple[int, int] | None = None
    at_least: float | None = None
    words: int = 0
    complete: bool = False
    controls: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips(_Searched):
    """A search for flips. `tried` of `cases` were searched; on `unclear` of them the judge has no clear verdict to
    begin with. `flips` has one entry for each of the others."""

    cases: int
    tried: int
    unclear: int
    flips: tuple[Flip, ...]

    @property
    def found(self) -> tuple[Flip, ...]:
        return tuple(f for f in self.flips if f.edits)

    @property
    def outcome(self) -> Outcome:
        """The whole in one word."""
        if self.found:
            return "found"
        return "unfinished" if self.stopped is not None and self.tried == self.unclear else "nothing"
