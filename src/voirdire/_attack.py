"""`voirdire attack`: search an attack on training cases, decide on held-out cases whether it is one.

1. The cases are split by question: a share trains the search, the others decide.
2. A search (perturbations/search) looks for the phrase that lifts any answer, asking about the training cases only.
3. The phrase is tested on the held-out cases like any probe: NO_GAIN with a sham, tolerance 0, through the same plan
   and the same statistics as an audit. Only a gain over the source *and* over the sham is a find.
4. What was found is measured further: word by word, beside the published phrases, behind defences, on other judges.

Everything is asked through the engine and its store, and every step is a function of the seed and the answers, so the
same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

from voirdire._attack_asking import Asker, PhraseAsker, Stopped, Unit, training_units
from voirdire._attack_measures import Heldout, measured
from voirdire._compose import DEFAULT_CACHE, AuditRequest, Cases, _now, cases_of
from voirdire.harness.attacks import Attacked, Attempt, Elsewhere
from voirdire.harness.casefiles import check_needs
from voirdire.harness.cases import Case
from voirdire.harness.engine.events import Event
from voirdire.harness.engine.runner import Limits
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import JudgeError, UsageError
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.found import POSITIONS, Position, joined
from voirdire.perturbations.phrases import PHRASES
from voirdire.perturbations.search.growing import beam_search
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.space import Question, Space, Words, builtin_vocabulary
from voirdire.perturbations.search.universal import racing_search
from voirdire.suites.found import FoundAttack, found_probe

__all__ = ["DEFENCES", "METHODS", "MODES", "AttackRequest", "Prepared", "Progress", "attack_async", "prepare_attack"]

Mode = Literal["both", "first", "second"]
MODES: tuple[Mode, ...] = ("both", "first", "second")
Method = Literal["racing", "greedy", "beam"]
METHODS: tuple[Method, ...] = ("racing", "greedy", "beam")
#: defences that are tried by default: they change texts, so what they take out again costs no call
DEFENCES = ("neutralise", "strip_markup", "perplexity_window")
#: width of the beam search
_BEAM = 3
#: fewer questions than this decide nothing, or teach nothing
_FEWEST_HELD_OUT, _FEWEST_TRAINING = 20, 4
#: share of the calls that the held-out test may take
_TESTING = 0.5


@dataclass(frozen=True, slots=True)
class AttackRequest:
    """Everything an attack is told, apart from the judge.

    `words`: longest phrase. `mode`: whether the target is shown in both orders or always in the first or second slot.
    `max_bits`: ceiling of a phrase's surprise, bits a character (the n-gram model of `perplexity_window`). `train`:
    share of the questions that train the search. `max_calls`: of search and test together, answered by the store or
    not. `samples`: calls an arm of the held-out test gets per case and order.
    """

    cases: Cases | None = None
    words: int = 4
    position: Position = "end"
    mode: Mode = "both"
    method: Method = "racing"
    vocabulary: Sequence[str] | None = None
    forbid: Sequence[str] = ()
    max_bits: float | None = None
    train: float = 0.3
    max_calls: int = 4000
    samples: int = 1
    seed: int = 0
    alpha: float = 0.05
    limit: int | None = None
    case_ids: Sequence[str] = ()
    defences: Sequence[str] = DEFENCES
    limits: Limits = field(default_factory=Limits)
    cache: str | None = str(DEFAULT_CACHE)
    created: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an attack stands: for the terminal."""

    phase: str
    used: int
    budget: int
    best: str | None = None


Tell = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A planned attack: nothing has been asked. `testing` is what the held-out test costs at most."""

    request: AttackRequest
    space: Space
    units: tuple[Unit, ...]
    training: tuple[Case, ...]
    held_out: tuple[Case, ...]
    testing: int
    search_budget: int
    cases_path: str
    notes: tuple[str, ...] = ()


def prepare_attack(judge: Judge, request: AttackRequest, others: Sequence[Judge] = ()) -> Prepared:
    """Read and split the cases, set up the search. `others`: judges to transfer to. Raises UsageError."""
    _check(request)
    if request.mode != "both" and judge.task not in ("pairwise", "ranking"):
        raise UsageError(f"--mode {request.mode} is for judges of several answers; this is a {judge.task} judge")
    for other in others:
        if other.task != judge.task:
            raise UsageError(f"--transfer {other.spec} is a {other.task} judge, and the attacked one {judge.task}")
    audit = AuditRequest(cases=request.cases, limit=request.limit, case_ids=request.case_ids)
    cases, path, notes = cases_of(audit, judge.task, judge.scale)
    for asked in (judge, *others):
        check_needs(cases, traits_of(asked).needs, judge=asked.name)
    probe = found_probe(FoundAttack("attack.candidate", "candidate", request.position))
    training, held_out = _split(cases, judge, request, probe)
    units = training_units(training, judge.task, probe, request.mode)
    space = Space.of(
        request.vocabulary if request.vocabulary is not None else builtin_vocabulary(),
        max_words=request.words,
        forbidden=request.forbid,
        accepts=_ceiling(request.max_bits) if request.max_bits is not None else lambda _words: True,
    )
    held_out, testing = _affordable(held_out, judge, request, len(others))
    return Prepared(
        request,
        space,
        tuple(units),
        tuple(training),
        tuple(held_out),
        testing,
        request.max_calls - testing,
        path,
        notes,
    )


def _check(request: AttackRequest) -> None:
    for option, value, known in (
        ("--position", request.position, POSITIONS),
        ("--mode", request.mode, MODES),
        ("--method", request.method, METHODS),
    ):
        if value not in known:
            raise UsageError(f"{option} {value!r} is none of {', '.join(known)}")
    if not 0.05 <= request.train <= 0.9:
        raise UsageError(f"--train {request.train:g} must lie between .05 and .9")
    for name in request.defences:
        wrapper = WRAPPERS.get(name)
        if wrapper is None or wrapper.required or name in ("jury", "escalate"):
            raise UsageError(f"--defences {name!r} is no defence that can be put around a judge by itself")


def _ceiling(bits: float) -> Callable[[Words], bool]:
    from voirdire.harness.judges.wrappers.ngrams import shipped

    model = shipped().model
    return lambda words: model.score(joined(words)) <= bits


def _split(cases: Sequence[Case], judge: Judge, request: AttackRequest, probe: Any) -> tuple[list[Case], list[Case]]:
    """Training and held-out cases: no question, and no group of them, is in both. Cases without a target go."""
    clusters: dict[str, list[Case]] = {}
    for case in cases:
        if training_units([case], judge.task, probe, "both"):
            clusters.setdefault(case.group or f"q:{case.instruction_text}", []).append(case)
    names = shuffled(Random(request.seed), list(clusters))
    n = max(_FEWEST_TRAINING, round(request.train * len(names)))
    if len(names) - n < _FEWEST_HELD_OUT:
        raise UsageError(
            f"{len(names)} questions with an answer that has room to gain are too few to search and to test on",
            hint=f"Give {_FEWEST_TRAINING + _FEWEST_HELD_OUT} or more with --cases FILE.",
        )
    chosen = set(names[:n])
    training = [c for name in names[:n] for c in clusters[name]]
    return training, [c for name, found in clusters.items() if name not in chosen for c in found]


def _affordable(held_out: list[Case], judge: Judge, request: AttackRequest, others: int) -> tuple[list[Case], int]:
    """As many of the held-out cases as half of the calls can test, and what that takes at most."""
    words = tuple(f"word{i}" for i in range(request.words))
    cases = shuffled(Random(request.seed + 1), held_out)

    def price(n: int) -> int:
        tested = Heldout(judge, cases[:n], request, words, dict([next(iter(PHRASES.items()))]))
        return len(tested.plan.calls) + (others + len(request.defences)) * len(tested.bare().calls)

    most = int(_TESTING * request.max_calls)
    n = len(cases)
    while n > _FEWEST_HELD_OUT and price(n) > most:
        n = max(_FEWEST_HELD_OUT, min(n - 1, n * most // price(n)))
    if price(n) > most:
        raise UsageError(
            f"--max-calls {request.max_calls} is too little: the test on {n} held-out cases takes {price(n):,}",
            hint=f"Give --max-calls {2 * price(n)} or more, or fewer --transfer and --defences.",
        )
    return sorted(cases[:n], key=held_out.index), price(n)


async def attack_async(
    judge: Judge,
    prepared: Prepared,
    *,
    others: Sequence[Judge] = (),
    tell: Tell = lambda _progress: None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> Attacked:
    """Run a planned attack. Returns also when it was stopped; all judges are closed, answers are in the store."""
    request = prepared.request
    reusable = judge.reusable or any(o.reusable for o in others)
    store = CallStore(request.cache) if request.cache is not None and reusable else None
    asker = Asker(request.limits, store, emit)
    work = _Work(judge, others, prepared, asker, tell)
    stopped: Stopped | None = None
    try:
        await work.run()
    except Stopped as stop:
        stopped = stop
    finally:
        try:
            for one in (*work.wrapped, *others, judge):
                await one.aclose()
        finally:
            if store is not None:
                store.close()
    return work.result(stopped)


class _Work:
    """One attack under way; what it has so far is in its attributes, whatever stops it."""

    def __init__(self, judge: Judge, others: Sequence[Judge], prepared: Prepared, asker: Asker, tell: Tell) -> None:
        self.judge = judge
        self.others = others
        self.prepared = prepared
        self.request = prepared.request
        self.asker = asker
        self.tell = tell
        ask = PhraseAsker(asker, judge, prepared.units, self.request.position)
        self.meter = Meter(ask, max(1, prepared.search_budget), deterministic=judge.deterministic)
        self.best: Words = ()
        self.attempts: list[Attempt] = []
        self.wrapped: list[Judge] = []

    async def run(self) -> None:
        words = await self._search()
        self.best = words
        if not words:
            return
        rival = await self._best_published()
        tested = Heldout(self.judge, self.prepared.held_out, self.request, words, rival)
        self._say("testing on held-out cases")
        run = await self.asker.run(self.judge, tested.plan.calls)
        attempt = measured(tested, run.verdicts, alpha=self.request.alpha)
        self.attempts = [attempt]
        if attempt.outcome == "found":
            await self._elsewhere(tested, attempt)

    async def _search(self) -> Words:
        space, units = self.prepared.space, len(self.prepared.units)
        self._say("searching")

        def better(words: Words, _mean: float) -> None:
            self.best = words
            self._say("searching")

        if self.request.method == "racing":
            return await racing_search(self.meter, space, units, seed=self.request.seed, tell=better)
        width = _BEAM if self.request.method == "beam" else 1
        return await beam_search(self.meter, space, units, width=width, tell=better)

    async def _best_published(self) -> Mapping[str, str]:
        """The published or built-in phrase that does best in training, within what is left of the search's calls."""
        self._say("comparing with published phrases")
        n = len(self.prepared.units)
        names = [name for name in PHRASES if name != "phrases.best" or self.judge.task in ("pairwise", "ranking")]
        each = min(n, self.meter.left // len(names))
        means: dict[str, float] = {}
        for name in names if each else ():
            utilities = await self.meter([Question((PHRASES[name],), unit, 0) for unit in range(each)])
            means[name] = sum(utilities) / each
        # with nothing left to compare with, the one that won in the paper stands for them
        best = max(means, key=lambda name: means[name]) if means else "phrases.raina-absolute"
        return {best: PHRASES[best]}

    async def _elsewhere(self, tested: Heldout, attempt: Attempt) -> None:
        """The found phrase behind defences and on other judges."""
        defended: list[tuple[str, Judge | None, str | None]] = []
        for name in self.request.defences:
            try:
                judge: Judge = WRAPPERS[name].make(self.judge)
            except UsageError as error:
                defended.append((name, None, error.message))
            else:
                self.wrapped.append(judge)
                defended.append((name, judge, None))
        targets = [*((n, j, e, True) for n, j, e in defended), *((o.spec, o, None, False) for o in self.others)]
        for spec, other, why_not, defence in targets:
            if other is None:
                where = Elsewhere(spec, defence, error=why_not)
            else:
                self._say(f"trying it {'behind' if defence else 'on'} {spec}")
                where = await self._on(other, spec, tested, defence=defence)
            attempt = replace(attempt, elsewhere=(*attempt.elsewhere, where))
            self.attempts = [attempt]

    async def _on(self, judge: Judge, spec: str, tested: Heldout, *, defence: bool) -> Elsewhere:
        other = tested.on(judge)
        try:
            run = await self.asker.run(judge, other.plan.calls)
        except Stopped as stop:
            if stop.kind != "judge":
                raise
            return Elsewhere(spec, defence, error=stop.reason)
        except JudgeError as error:
            return Elsewhere(spec, defence, error=error.message)
        found = measured(other, run.verdicts, alpha=self.request.alpha)
        return Elsewhere(spec, defence, found.finding, found.lift)

    def _say(self, phase: str) -> None:
        used = self.asker.made + self.asker.cached
        self.tell(Progress(phase, used, self.request.max_calls, joined(self.best) or None))

    def result(self, stopped: Stopped | None) -> Attacked:
        request, judge = self.request, self.judge
        return Attacked(
            judge_name=judge.name,
            judge_spec=judge.spec,
            fingerprint=judge.fingerprint,
            task=judge.task,
            scale=judge.scale,
            method=request.method,
            mode=request.mode,
            position=request.position,
            max_words=request.words,
            vocabulary=len(self.prepared.space.vocabulary),
            seed=request.seed,
            alpha=request.alpha,
            created=request.created or _now(),
            cases_path=self.prepared.cases_path,
            trained=len(self.prepared.training),
            held_out=len(self.prepared.held_out),
            search_calls=self.meter.used,
            search_budget=self.prepared.search_budget,
            attempts=tuple(self.attempts),
            calls=self.asker.account(),
            best_so_far=joined(self.best) or None,
            stopped=stopped.kind if stopped is not None else None,
            reason=stopped.reason if stopped is not None else None,
            failure=int(stopped.failure) if stopped is not None else None,
            simulated=all(spec.startswith("mock:") for spec in leaves(judge.spec)),
            warnings=self.prepared.notes,
        )
