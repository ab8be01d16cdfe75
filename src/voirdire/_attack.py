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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from voirdire._attack_asking import Asker, PhraseAsker, Stopped
from voirdire._attack_families import EditAsker, choose, family_probes, stack
from voirdire._attack_measures import Claim, Heldout, corrected, measured, phrase_claim
from voirdire._attack_plan import AttackRequest, Prepared, composed, prepare_attack, stand_ins
from voirdire._attack_prompts import with_prompt
from voirdire._compose import _now
from voirdire.harness.attacks import Attacked, Attempt, Elsewhere
from voirdire.harness.engine.events import Event
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.probes import Probe
from voirdire.perturbations.found import joined
from voirdire.perturbations.search.growing import beam_search
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.space import Question, Words
from voirdire.perturbations.search.textattack_phrases import TEXTATTACK_METHODS, textattack_search
from voirdire.perturbations.search.universal import racing_search

__all__ = ["AttackRequest", "Prepared", "Progress", "attack_async", "prepare_attack"]

#: width of the beam search
_BEAM = 3
#: shares of the search's calls for the phrase where other families are tried too, and for the published phrases
_PHRASE_SHARE, _RIVAL_SHARE = 0.6, 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an attack stands: for the terminal."""

    phase: str
    used: int
    budget: int
    best: str | None = None


Tell = Callable[[Progress], None]


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
            if store is not None:
                store.close()  # before the judges, as in an audit
        finally:
            for one in (*work.wrapped, *others, judge):
                await one.aclose()
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
        budget = prepared.search_budget
        others_too = any(family_probes(f, judge) for f in self.request.families if f != "phrase")
        share = _PHRASE_SHARE if others_too else 1 - _RIVAL_SHARE
        ask = PhraseAsker(asker, judge, prepared.units, self.request.position)
        self.meter = Meter(ask, max(1, int(share * budget)), deterministic=judge.deterministic)
        edits = EditAsker(asker, judge, prepared.units, self.request.seed)
        self.edits = Meter(edits, max(1, budget - self.meter.budget), deterministic=judge.deterministic)
        self.best: Words = ()
        self.attempts: list[Attempt] = []
        self.wrapped: list[Judge] = []

    async def run(self) -> None:
        claims = await self._claims()
        if not claims:
            return
        tested = Heldout(self.judge, self.prepared.held_out, self.request, claims)
        self._say("testing on held-out cases")
        run = await self.asker.run(self.judge, tested.plan.calls)
        alpha = self.request.alpha
        systems = self.prepared.systems
        attempts = [measured(tested, c, run.verdicts, alpha=alpha, systems=systems) for c in claims]
        attempts = corrected(attempts, alpha=alpha, tests=len(stand_ins(self.judge, self.request)))
        self.attempts = [with_prompt(a, self.judge) for a in attempts]
        if any(a.outcome == "found" for a in self.attempts):
            await self._elsewhere(tested)

    async def _claims(self) -> list[Claim]:
        """What the training comes up with: the phrase, the best of each family, and their stack."""
        claims: list[Claim] = []
        champions: dict[str, float] = {}
        probes: dict[str, Probe] = {}
        if "phrase" in self.request.families:
            self.best = await self._search()
            if self.best:
                claims.append(phrase_claim(self.best, self.request.position, await self._rival()))
        families = [(f, family_probes(f, self.judge)) for f in self.request.families if f != "phrase"]
        families = [(f, found) for f, found in families if found]
        for k, (family, found) in enumerate(families):
            self._say(f"trying the family {family}")
            # what is left goes evenly to the families still to come and to the stack
            name, mean = await self._chosen(found, self.edits.left // (len(families) - k + 1))
            if name:
                probe = next(p for p in found if (p.perturbation or p.name) == name)
                claims.append(Claim(family, probe, probe.name, "below", note=probe.summary))
                champions[name], probes[name] = mean, probe
        if claims and claims[0].kind == "phrase" and champions:
            probe = claims[0].probe
            name = probe.perturbation or probe.name
            units = range(len(self.prepared.units))
            affordable = [Question((name,), u, 0) for u in units][: max(0, self.edits.left // 3)]
            if affordable:
                utilities = await self.edits(affordable)
                champions[name], probes[name] = sum(utilities) / len(utilities), probe
        if len(champions) > 1:
            self._say("stacking attacks")
            n, seed = len(self.prepared.units), self.request.seed
            made = await stack(self.edits, champions, n, seed=seed, most=self.edits.left)
            if len(made) > 1:
                claims.append(composed([probes[name] for name in made]))
        return claims

    async def _search(self) -> Words:
        space, units = self.prepared.space, len(self.prepared.units)
        self._say("searching")

        def better(words: Words, _mean: float) -> None:
            self.best = words
            self._say("searching")

        method, seed = self.request.method, self.request.seed
        if method == "racing":
            return await racing_search(self.meter, space, units, seed=seed, tell=better)
        if method in TEXTATTACK_METHODS:
            return await textattack_search(self.meter, space, units, method=method, seed=seed, tell=better)
        width = _BEAM if method == "beam" else 1
        return await beam_search(self.meter, space, units, width=width, tell=better)

    async def _rival(self) -> tuple[str, ...]:
        """The published or built-in phrase that does best in training."""
        self._say("comparing with published phrases")
        probes = family_probes("phrases", self.judge)
        most = int(_RIVAL_SHARE * self.prepared.search_budget)
        name, _ = await self._chosen(probes, min(most, self.edits.left))
        # with nothing that helps, the one that won in the paper stands for them
        return (name or "phrases.raina-absolute",)

    async def _chosen(self, probes: Sequence[Probe], most: int) -> tuple[str, float]:
        words, mean = await choose(self.edits, probes, len(self.prepared.units), seed=self.request.seed, most=most)
        return (words[0] if words else ""), mean

    async def _elsewhere(self, tested: Heldout) -> None:
        """What was found, behind defences and on other judges."""
        works = {a.name for a in self.attempts if a.outcome == "found"}
        claims = [c for c in tested.claims if c.probe.name in works]
        targets: list[tuple[str, Judge | None, str | None, bool]] = []
        for name in self.request.defences:
            try:
                judge: Judge = WRAPPERS[name].make(self.judge)
            except UsageError as error:
                targets.append((name, None, error.message, True))
            else:
                self.wrapped.append(judge)
                targets.append((name, judge, None, True))
        targets += [(o.spec, o, None, False) for o in self.others]
        for spec, other, why_not, defence in targets:
            if other is None:
                found = {c.probe.name: Elsewhere(spec, defence, error=why_not) for c in claims}
            else:
                self._say(f"trying it {'behind' if defence else 'on'} {spec}")
                found = await self._on(Heldout(other, tested.cases, self.request, claims), spec, defence=defence)
            self.attempts = [
                replace(a, elsewhere=(*a.elsewhere, found[a.name])) if a.name in found else a for a in self.attempts
            ]

    async def _on(self, tested: Heldout, spec: str, *, defence: bool) -> dict[str, Elsewhere]:
        tested = tested.on(tested.judge)
        try:
            run = await self.asker.run(tested.judge, tested.plan.calls)
        except Stopped as stop:
            if stop.kind != "judge":
                raise
            return {c.probe.name: Elsewhere(spec, defence, error=stop.reason) for c in tested.claims}
        found = {c.probe.name: measured(tested, c, run.verdicts, alpha=self.request.alpha) for c in tested.claims}
        return {name: Elsewhere(spec, defence, a.finding, a.lift) for name, a in found.items()}

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
            search_calls=self.meter.used + self.edits.used,
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
