"""`voirdire attack --flips`: the smallest edit of an answer, keeping what it says, after which its verdict is another.

Case by case: the source is asked a few times; where its verdict is clear, a search (perturbations/search/flips.py, or
one of textattack's recipes) edits the answer that is ahead until it is not; the minimiser then makes the edits few and
confirms on fresh samples that they do it, and that the unedited answer does not. As many random edits of the same kind
are asked about beside it: a judge that falls over any typo is told from one with a weak spot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from voirdire._attack import Progress
from voirdire._attack_asking import Asker, Stopped
from voirdire._compose import DEFAULT_CACHE, AuditRequest, Cases, _now, cases_of
from voirdire.harness.attacks import Flip, Flips
from voirdire.harness.casefiles import check_needs
from voirdire.harness.cases import Case, FollowUp, apply_edits, shown_hash
from voirdire.harness.engine.runner import Limits
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.plan import PlannedCall
from voirdire.harness.statistics.confirm import Certain, Noisy
from voirdire.harness.verdicts import utility
from voirdire.perturbations.promise import broken
from voirdire.perturbations.search.flips import (
    KINDS,
    MASKS,
    Candidate,
    Kind,
    Mask,
    Place,
    find_flip,
    places_of,
    random_edits,
)
from voirdire.perturbations.search.minimise import Minimal, minimise
from voirdire.perturbations.textattack_recipes import RECIPES, recipe_edits

__all__ = ["FlipRequest", "PreparedFlips", "flips_async", "prepare_flips"]

#: answers that say what the verdict on the unedited case is
_PILOT = 3
#: a score that moves by this share of its scale is another verdict
_SCORE_MOVE = 0.2
#: share of the words that may be edited, and never fewer than this many
_MOST_EDITED, _FEWEST_EDITED = 0.15, 5
#: random edits of the same number that are asked about for each flip
_CONTROLS = 5


@dataclass(frozen=True, slots=True)
class FlipRequest:
    """Everything a search for flips is told, apart from the judge. `per_case`: calls for one case at most; `recipe`:
    one of textattack's in place of our own search."""

    cases: Cases | None = None
    kinds: Sequence[Kind] = KINDS
    mask: Mask = "unk"
    recipe: str | None = None
    max_calls: int = 4000
    per_case: int = 400
    seed: int = 0
    limit: int | None = None
    case_ids: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    cache: str | None = str(DEFAULT_CACHE)
    created: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedFlips:
    """A planned search: nothing has been asked."""

    request: FlipRequest
    cases: tuple[Case, ...]
    cases_path: str
    notes: tuple[str, ...] = ()


def prepare_flips(judge: Judge, request: FlipRequest) -> PreparedFlips:
    """Read the cases. Raises UsageError."""
    if request.mask not in MASKS:
        raise UsageError(f"--mask {request.mask!r} is none of {', '.join(MASKS)}")
    if request.recipe is not None:
        if request.recipe not in RECIPES:
            raise UsageError(f"there is no recipe called {request.recipe!r}", hint=nearest(request.recipe, RECIPES))
        from voirdire.perturbations.textattack_bridge import load

        try:
            load()
        except NotApplicable as error:
            raise UsageError(f"--recipe {request.recipe}: {error.message}") from None
    if not request.kinds:
        raise UsageError("--edits names no kind of edit", hint=f"Known: {', '.join(KINDS)}.")
    places_of("", 0, request.kinds, Random(0))
    audit = AuditRequest(cases=request.cases, limit=request.limit, case_ids=request.case_ids)
    cases, path, notes = cases_of(audit, judge.task, judge.scale)
    check_needs(cases, traits_of(judge).needs, judge=judge.name)
    return PreparedFlips(request, tuple(cases), path, notes)


async def flips_async(
    judge: Judge, prepared: PreparedFlips, *, tell: Callable[[Progress], None] = lambda _progress: None
) -> Flips:
    """Search a flip for each case, in order, until the calls are used up. The judge is closed at the end."""
    request = prepared.request
    store = CallStore(request.cache) if request.cache is not None and judge.reusable else None
    asker = Asker(request.limits, store)
    found: list[Flip] = []
    stopped: Stopped | None = None
    tried = unclear = 0
    try:
        for case in prepared.cases:
            left = request.max_calls - asker.made - asker.cached
            if left < min(request.per_case, request.max_calls) // 2:
                break
            tell(Progress(f"case {case.id}: {len(found)} flips so far", asker.made + asker.cached, request.max_calls))
            tried += 1
            flip = await _Case(judge, asker, request, case, min(left, request.per_case)).run()
            if flip is None:
                unclear += 1
            else:
                found.append(flip)
    except Stopped as stop:
        stopped = stop
    finally:
        try:
            if store is not None:
                store.close()  # before the judge, as in an audit
        finally:
            await judge.aclose()
    return Flips(
        judge_name=judge.name,
        judge_spec=judge.spec,
        fingerprint=judge.fingerprint,
        task=judge.task,
        method=request.recipe or f"{request.mask} ranking, {' and '.join(request.kinds)}",
        seed=request.seed,
        created=request.created or _now(),
        cases_path=prepared.cases_path,
        cases=len(prepared.cases),
        tried=tried,
        unclear=unclear,
        flips=tuple(found),
        calls=asker.account(),
        stopped=stopped.kind if stopped is not None else None,
        reason=stopped.reason if stopped is not None else None,
        failure=int(stopped.failure) if stopped is not None else None,
        simulated=all(spec.startswith("mock:") for spec in leaves(judge.spec)),
        warnings=prepared.notes,
    )


class _Case:
    """The search on one case."""

    def __init__(self, judge: Judge, asker: Asker, request: FlipRequest, case: Case, max_calls: int) -> None:
        self.judge = judge
        self.asker = asker
        self.request = request
        self.case = case
        self.left = max_calls
        self.target = 0
        self.sample = 0

    async def run(self) -> Flip | None:
        """None where the judge has no clear verdict on the case as it is."""
        n = 1 if self.judge.deterministic else _PILOT
        before = await self._verdicts([self.case] * n)
        means = [_mean(row) for row in zip(*before, strict=True)] if before else []
        if not means or any(m is None for m in means):
            return None
        clean = [m for m in means if m is not None]
        self.target = max(range(len(clean)), key=lambda k: clean[k])
        base = clean[self.target]
        direction = self._direction(base)
        if direction is None:
            return None
        self.base, self.up = base, direction > 0
        text = self.case.responses[self.target]
        rng = Random(f"{self.request.seed} {shown_hash(self.case)}")
        places = places_of(text, self.target, self.request.kinds, rng)
        words = len(text.split())
        most = max(_FEWEST_EDITED, int(_MOST_EDITED * words))
        candidate = await self._search(places, most)
        nothing = Flip(self.case.id, shown_hash(self.case)[:16], self.target, text, len(places))
        if candidate is None or broken("preserving", text, candidate.edits) is not None:
            return nothing
        edits = tuple(sorted(candidate.edits, key=lambda e: e.start))
        whole = FollowUp(self.case.with_response(self.target, apply_edits(text, edits)), self.target, edits)
        small = await minimise(
            self.case,
            whole,
            self._ask,
            rules=Certain() if self.judge.deterministic else Noisy(),
            moved=self._flipped,
            max_calls=max(1, self.left),
            seed=self.request.seed,
            first_sample=self.sample,
        )
        if not isinstance(small, Minimal):
            return nothing
        self.sample += small.calls
        controls = await self._controls(places, len(small.edits), rng)
        return Flip(
            self.case.id,
            shown_hash(self.case)[:16],
            self.target,
            text,
            len(places),
            edits=small.edits,
            before=small.before if small.before is not None else base,
            after=small.after,
            reproduced=small.reproduced,
            at_least=small.at_least,
            words=small.words,
            complete=small.complete,
            controls=controls,
        )

    def _direction(self, base: float) -> int | None:
        """Down for an answer that is ahead, up for one that failed; None for a verdict that is not clear."""
        if self.judge.task == "score":
            return -1 if base >= _SCORE_MOVE else 1
        if self.judge.task == "grade":
            return None if 1 / 3 < base < 2 / 3 else (-1 if base > 0.5 else 1)
        return -1 if base > 2 / 3 else None

    def _flipped(self, u: float) -> bool:
        if self.judge.task == "score":
            return u >= self.base + _SCORE_MOVE if self.up else u <= self.base - _SCORE_MOVE
        if self.judge.task == "ranking":
            return u < 1 - 0.5 / (len(self.case.responses) - 1)
        return u > 0.5 if self.up else u < 0.5

    async def _search(self, places: Sequence[Place], most: int) -> Candidate | None:
        request = self.request
        goal = (lambda u: u) if self.up else (lambda u: -u)
        if request.recipe is not None:
            return await self._recipe(request.recipe, most)
        return await find_flip(
            self.case,
            self.target,
            self._ask,
            places,
            goal=goal,
            flipped=self._flipped,
            max_calls=self.left // 2,
            max_edits=most,
            seed=request.seed,
            first_sample=self.sample,
            mask=request.mask,
            deterministic=self.judge.deterministic,
        )

    async def _recipe(self, recipe: str, most: int) -> Candidate | None:
        """textattack runs in a thread of its own and asks through this loop."""
        loop = asyncio.get_running_loop()
        text = self.case.responses[self.target]

        def ask(texts: Sequence[str]) -> list[float | None]:
            cases = [self.case.with_response(self.target, t) for t in texts]
            samples = range(self.sample, self.sample + len(cases))
            return list(asyncio.run_coroutine_threadsafe(self._ask(cases, samples), loop).result())

        edits = await asyncio.to_thread(
            recipe_edits,
            recipe,
            text,
            ask,
            flipped=self._flipped,
            up=self.up,
            budget=self.left // 2,
            max_edits=most,
            seed=self.request.seed,
            where=f"responses[{self.target}]",
        )
        return None if edits is None else Candidate(edits, 0)

    async def _controls(self, places: Sequence[Place], n: int, rng: Random) -> tuple[int, int]:
        """(flipped, asked) of random edits of as many words."""
        text = self.case.responses[self.target]
        made = [random_edits(places, n, rng) for _ in range(_CONTROLS)] if len(places) >= n else []
        cases = [self.case.with_response(self.target, apply_edits(text, e)) for e in made if e]
        answers = [u for u in await self._ask(cases, range(self.sample, self.sample + len(cases))) if u is not None]
        return sum(map(self._flipped, answers)), len(answers)

    async def _verdicts(self, cases: Sequence[Case]) -> list[list[float | None]]:
        """Utilities of all responses, call by call, of those calls that gave a verdict."""
        samples = range(self.sample, self.sample + len(cases))
        self.sample += len(cases)
        self.left -= len(cases)
        calls = [PlannedCall(c, s, shown_hash(c)) for c, s in zip(cases, samples, strict=True)]
        run = await self.asker.run(self.judge, calls)
        judge, n = self.judge, len(self.case.responses)
        return [
            [utility(v, k, task=judge.task, scale=judge.scale, n=n, soft=judge.soft) for k in range(n)]
            for v in run.verdicts
            if v is not None and v.null is None
        ]

    async def _ask(self, cases: Sequence[Case], samples: Sequence[int]) -> list[float | None]:
        if not cases:
            return []
        self.left -= len(cases)
        self.sample = max(self.sample, samples[-1] + 1)
        calls = [PlannedCall(c, s, shown_hash(c)) for c, s in zip(cases, samples, strict=True)]
        run = await self.asker.run(self.judge, calls)
        judge, n = self.judge, len(self.case.responses)
        return [
            None if v is None else utility(v, self.target, task=judge.task, scale=judge.scale, n=n, soft=judge.soft)
            for v in run.verdicts
        ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None
