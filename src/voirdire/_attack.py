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
from voirdire._attack_measures import Claim, Heldout, corrected, measured, phrase_claim, text_claim
from voirdire._attack_plan import AttackRequest, Prepared, composed, prepare_attack, stand_ins
from voirdire._attack_prompts import with_prompt
from voirdire._attack_writer import TextWriter
from voirdire._compose import _now
from voirdire.harness.attacks import Attacked, Attempt, Elsewhere
from voirdire.harness.engine.events import Event
from voirdire.harness.engine.store import CallStore
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.grammar import leaves
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.probes import Probe
from voirdire.harness.rewriters import Rewriter
from voirdire.perturbations.found import joined
from voirdire.perturbations.search.growing import beam_search
from voirdire.perturbations.search.meter import Meter
from voirdire.perturbations.search.pair import pair_search
from voirdire.perturbations.search.space import Question, Words
from voirdire.perturbations.search.textattack_phrases import TEXTATTACK_METHODS, textattack_search
from voirdire.perturbations.search.universal import racing_search
from voirdire.suites.found import name_for

__all__ = ["AttackRequest", "Prepared", "Progress", "attack_async", "prepare_attack"]

#: width of the beam search
_BEAM = 3
#: shares of the search's calls for the phrase where other families are tried too, and for the published phrases
_PHRASE_SHARE, _RIVAL_SHARE = 0.6, 0.1
#: and for the texts of a rewriter, beside a phrase
_WRITER_SHARE = 0.25


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
    rewriter: Rewriter | None = None,
    tell: Tell = lambda _progress: None,
    emit: Callable[[Event], None] = lambda _event: None,
) -> Attacked:
    """Run a planned attack. Returns also when it was stopped; all judges and the rewriter are closed, answers are in
    the store."""
    request = prepared.request
    reusable = judge.reusable or any(o.reusable for o in others) or (rewriter is not None and bool(rewriter.identity))
    store = CallStore(request.cache) if request.cache is not None and reusable else None
    asker = Asker(request.limits, store, emit)
    writer = None
    if rewriter is not None:
        writing = Asker(request.limits, store, who="the rewriter")
        writer = TextWriter(writing, rewriter, prepared.units, request.position, request.seed)
        writing.beside, asker.beside = asker, writing
    work = _Work(judge, others, prepared, asker, tell, writer)
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
            closing: list[Judge | Rewriter] = [*work.wrapped, *others, judge]
            for one in closing if rewriter is None else [*closing, rewriter]:
                await one.aclose()
    return work.result(stopped)


class _Work:
    """One attack under way; what it has so far is in its attributes, whatever stops it."""

    def __init__(
        self,
        judge: Judge,
        others: Sequence[Judge],
        prepared: Prepared,
        asker: Asker,
        tell: Tell,
        writer: TextWriter | None = None,
    ) -> None:
        self.judge = judge
        self.others = others
        self.prepared = prepared
        self.request = prepared.request
        self.asker = asker
        self.tell = tell
        self.writer = writer
        budget = prepared.search_budget
        ask = PhraseAsker(asker, judge, prepared.units, self.request.position)
        self.rating: Meter | None = None
        if writer is not None:
            share = _WRITER_SHARE if "phrase" in self.request.families else _PHRASE_SHARE
            self.rating = Meter(ask, max(1, int(share * budget)), deterministic=judge.deterministic)
            budget -= self.rating.budget
        others_too = any(family_probes(f, judge) for f in self.request.families if f != "phrase")
        share = _PHRASE_SHARE if others_too else 1 - _RIVAL_SHARE
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
        claims += await self._written(claims)
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
        searched = [c for c in claims if c.kind in ("phrase", "rewriter")]
        if champions or len(searched) > 1:
            share = self.edits.left // (3 * max(1, len(searched)))
            for claim in searched:
                name = claim.probe.perturbation or claim.probe.name
                affordable = [Question((name,), u, 0) for u in range(len(self.prepared.units))][: max(0, share)]
                if affordable:
                    utilities = await self.edits(affordable)
                    champions[name], probes[name] = sum(utilities) / len(utilities), claim.probe
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

    async def _written(self, taken: Sequence[Claim]) -> list[Claim]:
        """The best text of the rewriter, if there is one and any of its texts helps."""
        writer, rating, request = self.writer, self.rating, self.request
        if writer is None or rating is None:
            return []
        self._say("asking the rewriter for texts")

        def better(words: Words, _mean: float) -> None:
            if not self.best:
                self.best = words
            self._say("asking the rewriter for texts")

        def accepts(words: Words) -> bool:
            return self.prepared.space.accepts(words) and not any(f in w for w in words for f in request.forbid)

        found = await pair_search(
            rating,
            writer,
            len(self.prepared.units),
            streams=request.streams,
            depth=request.depth,
            branches=request.branches,
            accepts=accepts,
            seed=request.seed,
            tell=better,
            unused=writer.unused,
        )
        if found.text is None:
            return []
        name = name_for(found.text, [c.probe.name for c in taken])
        note = f"Written by {writer.judge.name}: stream {found.stream + 1}, try {found.step + 1}."
        return [text_claim(found.text, request.position, name=name, note=note)]

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
        request, judge, writer = self.request, self.judge, self.writer
        gave_up = None
        if writer is not None and writer.problem is not None:
            gave_up = f"The rewriter {writer.judge.name} gave up: {writer.problem}."
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
            search_calls=self.meter.used + self.edits.used + (self.rating.used if self.rating is not None else 0),
            search_budget=self.prepared.search_budget,
            attempts=tuple(self.attempts),
            calls=self.asker.account(),
            best_so_far=joined(self.best) or None,
            stopped=stopped.kind if stopped is not None else None,
            reason=stopped.reason if stopped is not None else None,
            failure=int(stopped.failure) if stopped is not None else None,
            simulated=all(spec.startswith("mock:") for spec in leaves(judge.spec)),
            warnings=self.prepared.notes if gave_up is None else (*self.prepared.notes, gave_up),
            writer=writer.account(request.streams, request.depth, request.branches) if writer is not None else None,
        )
