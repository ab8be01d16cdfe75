"""A small edit of one answer after which the judge's verdict is another: where words are tried, and in what order.

As in the published word-level attacks (TextFooler, DeepWordBug and their kin), words are ranked by what happens without
them (deleted, or masked as unknown), then edited one after the other, the most important first, each by the best of a
few variants, until the verdict flips. Edits are typing slips and synonyms that keep what the answer says: numbers,
code, links, negations and number words are never touched. What is found is a candidate: the minimiser makes it small
and confirms it on fresh samples. It knows neither judges nor statistics: `ask` answers.

Sources: J. Gao et al., DeepWordBug, arXiv:1801.04354; D. Jin et al., TextFooler, arXiv:1907.11932.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple, get_args

from voirdire.harness.cases import Case, Edit, apply_edits
from voirdire.harness.errors import UsageError, nearest
from voirdire.perturbations.draws import sample, shuffled
from voirdire.perturbations.lexical import synonym_edits
from voirdire.perturbations.promise import broken
from voirdire.perturbations.search.minimise import Answers, Ask
from voirdire.perturbations.typos import LETTER_SLIPS, REAL_WORDS, editable_words

__all__ = ["KINDS", "MASKS", "Candidate", "Kind", "Mask", "Place", "find_flip", "places_of", "random_edits"]

Kind = Literal["typos", "synonyms"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: how a word is taken away to see how much it matters
Mask = Literal["delete", "unk"]
MASKS: tuple[Mask, ...] = get_args(Mask)

#: variants of one word that are tried at most
_VARIANTS = 3
#: words that are ranked at most; of longer answers an even share of them is
_RANKED = 80
#: fresh answers that a flip must have the majority of before it counts as a candidate
_AGAIN = 3


class Place(NamedTuple):
    """One word, `start` to `end`, and its variants, each an edit of the whole answer."""

    start: int
    end: int
    variants: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Edits after which the verdict flipped in the search, and what finding them took."""

    edits: tuple[Edit, ...]
    calls: int


def places_of(text: str, target: int, kinds: Sequence[Kind], rng: Random) -> list[Place]:
    """The words of `text` that may be edited, in order, each with up to 3 variants that keep what it says."""
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"--edits {kind!r} is no kind of edit", hint=nearest(kind, KINDS))
    where = f"responses[{target}]"
    found: dict[tuple[int, int], list[Edit]] = {}
    if "synonyms" in kinds:
        for options in synonym_edits(text):
            for edit in options[:_VARIANTS]:
                found.setdefault((edit.start, edit.end), []).append(edit)
    if "typos" in kinds:
        _, words = editable_words(text)
        for start, end in words:
            if not any(a < end and start < b for a, b in found):
                found[start, end] = _slips(text[start:end], start, rng)
    places = []
    for (start, end), edits in sorted(found.items()):
        kept = [Edit(e.start, e.end, e.text, where) for e in edits if broken("preserving", text, [e]) is None]
        if kept:
            places.append(Place(start, end, tuple(kept[:_VARIANTS])))
    return places


def _slips(word: str, start: int, rng: Random) -> list[Edit]:
    """One slip of each kind somewhere inside of the word, that makes no other common word."""
    made = []
    for slip in LETTER_SLIPS.values():
        for at in shuffled(rng, range(1, len(word) - 1)):
            change = slip(word, at, rng.random())
            if change is not None and word[:at] + change[1] + word[at + change[0] :] not in REAL_WORDS:
                made.append(Edit(start + at, start + at + change[0], change[1]))
                break
    return made


def random_edits(places: Sequence[Place], n: int, rng: Random) -> tuple[Edit, ...]:
    """A variant each of `n` random places: the control of a flip that took `n` edits."""
    chosen = sorted(sample(rng, places, n))
    return tuple(p.variants[int(rng.random() * len(p.variants))] for p in chosen)


async def find_flip(
    case: Case,
    target: int,
    ask: Ask,
    places: Sequence[Place],
    *,
    goal: Callable[[float], float],
    flipped: Callable[[float], bool],
    max_calls: int,
    max_edits: int,
    seed: int = 0,
    first_sample: int = 0,
    mask: Mask = "unk",
    deterministic: bool = False,
) -> Candidate | None:
    """Search edits of response `target` after which `flipped(utility)`; None if none was found within `max_calls`.

    `goal` rises as the utility comes closer to a flip. Every question has a sample number of its own, from
    `first_sample` on. At most `max_edits` words are edited.
    """
    search = _Search(case, target, ask, goal, flipped, max_calls, first_sample, deterministic)
    rng = Random(seed)
    tried = list(places) if len(places) <= _RANKED else sorted(sample(rng, places, _RANKED))
    tried = tried[: max(1, max_calls // 2)]
    order = await search.ranked(shuffled(rng, tried), mask)
    return await search.edited(order, max_edits)


class _Search:
    def __init__(
        self,
        case: Case,
        target: int,
        ask: Ask,
        goal: Callable[[float], float],
        flipped: Callable[[float], bool],
        max_calls: int,
        first_sample: int,
        deterministic: bool,
    ) -> None:
        self.case = case
        self.target = target
        self.text = case.responses[target]
        self._ask = ask
        self.goal = goal
        self.flipped = flipped
        self.max_calls = max_calls
        self.sample = first_sample
        self.deterministic = deterministic
        self.calls = 0

    async def asked(self, texts: Sequence[str]) -> Answers:
        """As many of `texts` as the calls left reach for; fewer answers mean that they are used up."""
        texts = texts[: max(0, self.max_calls - self.calls)]
        if not texts:
            return []
        cases = [self.case.with_response(self.target, text) for text in texts]
        samples = range(self.sample, self.sample + len(cases))
        self.sample += len(cases)
        self.calls += len(cases)
        answers = self._ask(cases, samples)
        return await answers if inspect.isawaitable(answers) else answers

    async def ranked(self, places: Sequence[Place], mask: Mask) -> list[Place]:
        """The places by how close to a flip the verdict comes without their word; a null says nothing of a word."""
        said = "" if mask == "delete" else "[UNK]"
        texts = [self.text[: p.start] + said + self.text[p.end :] for p in places]
        answers = await self.asked(texts)
        worth = [self.goal(u) if u is not None else float("-inf") for u in answers]
        known = sorted(zip(worth, range(len(worth)), strict=True), key=lambda pair: -pair[0])
        return [places[i] for _, i in known]

    async def edited(self, places: Sequence[Place], max_edits: int) -> Candidate | None:
        """Edit one place after the other, each by its best variant, until the verdict flips and stays so."""
        made: tuple[Edit, ...] = ()
        best = float("-inf")
        for place in places:
            if len(made) >= max_edits:
                return None
            options = [tuple(sorted((*made, v), key=lambda e: e.start)) for v in place.variants]
            answers = await self.asked([apply_edits(self.text, o) for o in options])
            if len(answers) < len(options):
                return None
            known = [(self.goal(u), i) for i, u in enumerate(answers) if u is not None]
            if not known:
                continue
            top, i = max(known, key=lambda pair: (pair[0], -pair[1]))
            utility = answers[i]
            if utility is not None and self.flipped(utility) and await self._again(options[i]):
                return Candidate(options[i], self.calls)
            if top >= best:
                made, best = options[i], top
        return None

    async def _again(self, edits: tuple[Edit, ...]) -> bool:
        if self.deterministic:
            return True
        answers = await self.asked([apply_edits(self.text, edits)] * _AGAIN)
        return 2 * sum(u is not None and self.flipped(u) for u in answers) > _AGAIN
