"""What an attack is told, and its plan: cases split into training and held-out ones, calls shared out.

Nothing is asked here. Not here: carrying it out (_attack.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from random import Random
from typing import Any, Literal

from voirdire._attack_asking import Unit, system_of, training_units
from voirdire._attack_families import check_families, family_probes
from voirdire._attack_measures import Claim, Heldout, phrase_claim, text_claim
from voirdire._compose import DEFAULT_CACHE, AuditRequest, Cases, cases_of
from voirdire.harness.casefiles import check_needs
from voirdire.harness.cases import Case
from voirdire.harness.engine.runner import Limits
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.judges.base import Judge, traits_of
from voirdire.harness.judges.wrappers.table import WRAPPERS
from voirdire.harness.numbers import need_count, need_share
from voirdire.harness.probes import Probe
from voirdire.perturbations.draws import shuffled
from voirdire.perturbations.found import POSITIONS, Position, joined
from voirdire.perturbations.search.pair import MOST_WORDS
from voirdire.perturbations.search.space import Space, Words, builtin_vocabulary
from voirdire.perturbations.search.textattack_phrases import FEWEST_UNITS, TEXTATTACK_METHODS, TextattackMethod
from voirdire.perturbations.search.universal import screenable
from voirdire.perturbations.textattack_bridge import load
from voirdire.suites.found import FoundAttack, found_probe

__all__ = [
    "DEFENCES",
    "AttackRequest",
    "Method",
    "Mode",
    "Prepared",
    "composed",
    "listed",
    "prepare_attack",
    "stand_ins",
]

Mode = Literal["both", "first", "second"]
MODES: tuple[Mode, ...] = ("both", "first", "second")
Method = Literal["racing", "greedy", "beam"] | TextattackMethod
METHODS: tuple[Method, ...] = ("racing", "greedy", "beam", *TEXTATTACK_METHODS)
#: defences that are tried by default: they change texts, so what they take out again costs no call
DEFENCES = ("neutralise", "strip_markup", "perplexity_window")
#: fewer questions than this decide nothing, or teach nothing
_FEWEST_HELD_OUT, _FEWEST_TRAINING = 20, 4
#: streams of a rewriter, steps of each, and tries of a step, at most
_MOST_TRIES, _MOST_BRANCHES = 100, 10
#: share of the calls that the held-out test may take
_TESTING = 0.5


@dataclass(frozen=True, slots=True)
class AttackRequest:
    """Everything an attack is told, apart from the judge.

    `words`: longest phrase. `mode`: whether the target is shown in both orders or always in the first or second slot.
    `max_bits`: ceiling of a phrase's surprise, bits a character (the n-gram model of `perplexity_window`). `train`:
    share of the questions that train the search. `max_calls`: of search and test together, answered by the store or
    not. `samples`: calls an arm of the held-out test gets per case and order. `families`: "phrase" is searched, of the
    others (_attack_families.py) the best is chosen; two and more are also stacked. "rewriter" is written by a model in
    `streams` of `depth` steps of `branches` tries, for attacks that are given one.
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
    families: Sequence[str] = ("phrase", "structure")
    streams: int = 6
    depth: int = 4
    branches: int = 1
    defences: Sequence[str] = DEFENCES
    limits: Limits = field(default_factory=Limits)
    cache: str | None = str(DEFAULT_CACHE)
    created: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A planned attack: nothing has been asked. `testing` is what the held-out test costs at most. `systems`: those
    whose answers train the search, where the cases name three systems or more; none: all do."""

    request: AttackRequest
    space: Space
    units: tuple[Unit, ...]
    training: tuple[Case, ...]
    held_out: tuple[Case, ...]
    testing: int
    search_budget: int
    cases_path: str
    notes: tuple[str, ...] = ()
    systems: frozenset[str] = frozenset()


def prepare_attack(
    judge: Judge, request: AttackRequest, others: Sequence[Judge] = (), *, rewriter: bool = False
) -> Prepared:
    """Read and split the cases, set up the search. `others`: judges to transfer to; `rewriter`: a model will write
    texts. Raises UsageError."""
    request = _spelled_out(request)
    if rewriter and "rewriter" not in request.families:
        request = replace(request, families=(*request.families, "rewriter"))
    _check(request, rewriter=rewriter)
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
    systems = _systems(units, request.seed)
    if systems:
        units = [u for u in units if system_of(u.case, u.target) in systems]
    if not units:
        raise UsageError("none of the training cases has an answer with room to gain")
    held_out, testing = _affordable(held_out, judge, request, len(others))
    notes = (*notes, *_of_vocabulary(space, request, len(units), request.max_calls - testing))
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
        systems,
    )


def _spelled_out(request: AttackRequest) -> AttackRequest:
    """`request` with a lone text read as the command line reads it: a text is a sequence, too, but of its letters."""
    if isinstance(request.vocabulary, str | PathLike):
        raise UsageError(
            f"the vocabulary is {str(request.vocabulary)!r}, not a list of words",
            hint='Give words, ["verified", "expert"], or those of a file: Path("words.txt").read_text().splitlines().',
        )
    return replace(
        request,
        families=listed(request.families),
        defences=listed(request.defences),
        # repeated there, so that a word may have a comma in it
        forbid=(request.forbid,) if isinstance(request.forbid, str) else request.forbid,
    )


def listed(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names, or one text with commas between them; "none" is no name."""
    if not isinstance(given, str):
        return tuple(given)
    names = tuple(dict.fromkeys(n.strip() for n in given.split(",") if n.strip()))
    return () if names == ("none",) else names


def _systems(units: Sequence[Unit], seed: int) -> frozenset[str]:
    """A third of the systems that wrote the answers, two at least, as in Raina et al.; none of fewer than three."""
    named = [system_of(u.case, u.target) for u in units]
    known = sorted({name for name in named if name is not None})
    if len(known) < 3 or None in named:
        return frozenset()
    return frozenset(shuffled(Random(seed), known)[: max(2, len(known) // 3)])


def _of_vocabulary(space: Space, request: AttackRequest, units: int, budget: int) -> list[str]:
    """What to know of a vocabulary too long for the calls. Raises UsageError where nothing could be searched."""
    n, most = len(space.vocabulary), screenable(space, budget)
    if "phrase" not in request.families:
        return []
    if request.method == "racing" and n > most:
        more = f"--max-calls {request.max_calls} reaches for no more"
        return [f"Of the {n:,} words, {most:,} drawn at random are tried: {more}."]
    if request.method in ("genetic", "pso"):
        return []  # they draw from all words, and try as many as they come to
    if request.method == "wir-random":
        units = min(units, FEWEST_UNITS)
    if request.method != "racing" and n * units > budget:
        raise UsageError(
            f"{request.method} search asks {n} words x {units} cases = {n * units:,} calls for the first word, and has "
            f"{budget:,}",
            hint="Give more --max-calls or a shorter --vocabulary, or take --method racing.",
        )
    return []


def _check(request: AttackRequest, *, rewriter: bool) -> None:
    need_share("alpha", request.alpha, 0.5)
    need_count("samples", request.samples, 1)
    need_count("limit", request.limit, 1)
    need_count("max_calls", request.max_calls, 1)
    for option, value, known in (
        ("--position", request.position, POSITIONS),
        ("--mode", request.mode, MODES),
        ("--method", request.method, METHODS),
    ):
        if value not in known:
            raise UsageError(f"{option} {value!r} is none of {', '.join(known)}", hint=nearest(value, known))
    if not 0.05 <= request.train <= 0.9:
        raise UsageError(f"--train {request.train:g} must lie between .05 and .9")
    check_families(request.families, rewriter=rewriter)
    for option, number, most in (
        ("--streams", request.streams, _MOST_TRIES),
        ("--depth", request.depth, _MOST_TRIES),
        ("--branches", request.branches, _MOST_BRANCHES),
    ):
        if not 1 <= number <= most:
            raise UsageError(f"{option} {number} must lie between 1 and {most}")
    if request.method in TEXTATTACK_METHODS and "phrase" in request.families:
        try:
            load()
        except NotApplicable as error:
            raise UsageError(f"--method {request.method}: {error.message}") from None
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
    cases = shuffled(Random(request.seed + 1), held_out)

    def price(n: int) -> int:
        tested = Heldout(judge, cases[:n], request, stand_ins(judge, request))
        found = len(tested.on(judge).plan.calls)
        return len(tested.plan.calls) + (others + len(request.defences)) * found

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


def stand_ins(judge: Judge, request: AttackRequest) -> list[Claim]:
    """As many claims, of the shape, as the test can come to have."""
    claims: list[Claim] = []
    if "phrase" in request.families:
        words = tuple(f"word{i}" for i in range(request.words))
        claims.append(phrase_claim(words, request.position, ("phrases.raina-absolute",)))
    if "rewriter" in request.families:
        text = " ".join(f"word{i}" for i in range(MOST_WORDS))
        claims.append(text_claim(text, request.position, name="attack.rewriter"))
    for family in request.families:
        probes = family_probes(family, judge) if family != "phrase" else []
        if probes:
            claims.append(Claim(family, probes[0], "", "below"))
    if len(claims) > 1:
        claims.append(composed([c.probe for c in claims]))
    return claims


def composed(parts: Sequence[Probe]) -> Claim:
    """The claim of a stack of attacks, with the shorter stacks as doses."""
    names = tuple(p.name for p in parts)
    own = {p.name: p for p in parts}
    attack = FoundAttack(f"attack.stack-of-{len(parts)}", parts=names)
    doses: dict[str, Probe] = {}
    for k in range(1, len(parts)):
        if k == 1:
            doses[names[0]] = replace(parts[0], name=f"{attack.name}-dose-1", sham=False)
        else:
            part = FoundAttack(f"{attack.name}-dose-{k}", parts=names[:k])
            doses[" + ".join(names[:k])] = replace(found_probe(part, own), sham=False)
    return Claim("composed", found_probe(attack, own), " + ".join(names), "stacked", attack, doses)
