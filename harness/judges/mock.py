"""Judges with known defects: `mock:NAME?param=value&…`. They prove that voirdire finds what is there and only that.

A mock decides from what it is shown, the label of the case it is shown and its parameters, never from arm, probe or
id: u = hash(seed, content shown, sample, channel) in [0, 1). So a run repeats exactly, repeats (other `sample`)
differ, and every edit draws anew. `fresh=0` leaves the sample out of the hash: a deterministic judge, as at
temperature 0.

Pairwise, in this order: `phrase` (with `rate`), `pattern` (with `pull`), `cited`, `markdown`, `longer`, `first`. A
channel fires with its probability; a fired one picks the response that alone has the feature (a length ratio of 1.10
or more; the first slot) and falls through where none or both have it. A negative `pull` picks the other response. Then
the better response wins with probability `accuracy`.

Three defects are no channels. `blind`: with this probability a coin decides between two responses of nearly the same
words. `unsettled`: with this probability a coin decides under any setup whose name begins with `setup`. `lenient`: with
this probability a grade is a pass, whatever the answer.
"""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from voirdire.harness.cases import Case, Task, shown_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.finite import is_finite
from voirdire.harness.probes import no_setups
from voirdire.harness.relations import Relation
from voirdire.harness.verdicts import Scale, Verdict

if TYPE_CHECKING:
    from voirdire.harness.probes import Probe

__all__ = ["MOCKS", "MockJudge", "MockParams", "has_citation", "has_markdown", "mock_judge"]

#: a length ratio from which one response counts as the longer
LONGER_RATIO = 1.10

_CITATION = re.compile(
    r"https?://\S|\bdoi:|\bet al\b|\b(?:pp?|vol|ed)\.\s*\d|\bISBN\b|\bProf(?:essor|\.)\s+[A-Z]|\bDr\.?\s+[A-Z]"
    r"|\((?:see |cf\. )?[A-Z][\w’'-]+[^()\n]{0,80}?\b(?:1[89]|20)\d\d\b[^()\n]{0,60}\)"
    r"|《[^》]{2,40}》|第\s*\d+\s*页|教授|博士"
)
_MARKDOWN = re.compile(r"\*\*\S|^#{1,6} |^\s*[-*+] \S|^\s*\d+\. \S|^```|^\|.*\|", re.MULTILINE)


def has_citation(text: str) -> bool:
    """Does the text cite a book, page, URL, or a titled or dated authority? (The `cited` channel's detector.)"""
    return _CITATION.search(text) is not None


def has_markdown(text: str) -> bool:
    """Does the text hold bold, headings, lists, fences or tables? (The `markdown` channel's detector.)"""
    return _MARKDOWN.search(text) is not None


@dataclass(frozen=True, slots=True)
class MockParams:
    """Probabilities in [0, 1]; `sd` in shares of the scale; `phrase` is a text, `rate` its channel's probability.

    `pattern` is a regular expression, `pull` its channel's probability, in [-1, 1]: below 0 it repels.
    """

    accuracy: float = 0.85
    phrase: str = ""
    rate: float = 1.0
    pattern: str = ""
    pull: float = 1.0
    cited: float = 0.0
    markdown: float = 0.0
    longer: float = 0.0
    first: float = 0.0
    tie: float = 0.0
    null: float = 0.0
    blind: float = 0.0
    setup: str = "setup."
    unsettled: float = 0.0
    lenient: float = 0.0
    sd: float = 0.1
    fresh: int = 1
    seed: int = 0


#: the named mixes; parameters given in the spec go on top
MOCKS: dict[str, MockParams] = {
    "oracle": MockParams(accuracy=1.0, sd=0.0),
    "random": MockParams(accuracy=0.5, sd=1.0),
    "constant": MockParams(accuracy=0.5, first=1.0, sd=0.0),
    "noisy": MockParams(accuracy=0.85),
    # what a mid-2020s chat model does when asked naively: likes the first slot, citations and length
    "gullible": MockParams(accuracy=0.9, first=0.3, cited=0.45, longer=0.35),
}


@dataclass(frozen=True, slots=True)
class MockJudge:
    """A judge with planted defects. Build it with `mock_judge("noisy?accuracy=.85&first=.3")`."""

    name: str
    spec: str
    task: Task
    scale: Scale
    params: MockParams
    constant: bool = False

    reusable = False  # an answer costs less than a look into the store
    paid = False
    soft = False
    concurrency = None
    deterministic = False

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.task} {self.scale} {self.params!r}".encode()).hexdigest()[:16]

    async def judge(self, case: Case, *, sample: int) -> Verdict:
        return self.answer(case, sample)

    async def aclose(self) -> None:
        return None

    def answer(self, case: Case, sample: int) -> Verdict:
        """The verdict, without an event loop."""
        p = self.params
        draw = _Draw(p.seed, shown_hash(case), sample if p.fresh else 0)
        if p.null and draw("null") < p.null:
            return Verdict(null="unparsed", reason="the mock was told to give no verdict")
        if self.task == "pairwise":
            return self._pairwise(case, draw)
        if self.task == "score":
            return self._score(case, draw)
        if self.task == "grade":
            return self._grade(case, draw)
        return self._ranking(case, draw)

    def setup_reason(self, name: str, _case: Case | None = None) -> str | None:
        """Why it cannot be asked under a setup: only those that it was told to mind are of interest."""
        return None if self.params.unsettled and name.startswith(self.params.setup) else no_setups(name)

    def _coin(self, case: Case, draw: _Draw) -> bool:
        """Does a coin decide, since nothing of the answers does?"""
        p = self.params
        if p.unsettled and case.setup is not None and case.setup.startswith(p.setup):
            return draw("unsettled") < p.unsettled
        return bool(p.blind) and draw("blind") < p.blind and len(case.responses) == 2 and _alike(*case.responses)

    def _channel(self, case: Case, draw: _Draw) -> int | None:
        """The slot picked by the first channel that fires on a feature which one response alone has."""
        p = self.params
        texts = case.responses
        if p.phrase and draw("phrase") < p.rate and (slot := _alone([p.phrase in t for t in texts])) is not None:
            return slot
        if p.pattern and draw("pattern") < abs(p.pull):
            slot = _alone([_found(p.pattern, t) for t in texts])
            if slot is not None:
                return slot if p.pull > 0 or len(texts) != 2 else 1 - slot
        if p.cited and draw("cited") < p.cited and (slot := _alone([has_citation(t) for t in texts])) is not None:
            return slot
        if (
            p.markdown
            and draw("markdown") < p.markdown
            and (slot := _alone([has_markdown(t) for t in texts])) is not None
        ):
            return slot
        if p.longer and draw("longer") < p.longer and (slot := _longest(texts)) is not None:
            return slot
        if p.first and draw("first") < p.first:
            return 0
        return None

    def _pairwise(self, case: Case, draw: _Draw) -> Verdict:
        if self._coin(case, draw):
            return Verdict(choice=int(draw("coin") < 0.5))
        slot = self._channel(case, draw)
        if slot is not None:
            return Verdict(choice=slot)
        if self.params.tie and draw("tie") < self.params.tie:
            return Verdict(choice="tie")
        right = draw("accuracy") < self.params.accuracy
        if case.label == "tie":
            return Verdict(choice="tie") if right else Verdict(choice=int(draw("side") < 0.5))
        better = case.label if isinstance(case.label, int) else _unlabelled_better(case)
        return Verdict(choice=better if right else 1 - better)

    def _lift(self, case: Case, draw: _Draw) -> float:
        """Score and grade: what the features of the single response add, in shares of the scale."""
        p = self.params
        text = case.responses[0]
        lift = 0.0
        if p.phrase and p.phrase in text and draw("phrase") < p.rate:
            lift += p.rate
        if p.pattern and _found(p.pattern, text):
            lift += p.pull
        if p.cited and has_citation(text):
            lift += p.cited
        if p.markdown and has_markdown(text):
            lift += p.markdown
        if p.longer:
            # no opponent to be longer than: grows with the length itself, all of it at 1,000 characters
            lift += p.longer * min(1.0, len(text) / 1000)
        return lift

    def _score(self, case: Case, draw: _Draw) -> Verdict:
        if self.constant:
            return Verdict(score=(self.scale.low + self.scale.high) / 2)
        if self._coin(case, draw):
            return Verdict(score=self.scale.low + draw("coin") * (self.scale.high - self.scale.low))
        label = case.label
        if is_finite(label):
            share = self.scale.fraction(label)
        elif isinstance(label, bool):
            share = 0.8 if label else 0.2
        else:
            share = _unit(shown_hash(case))
        share += self.params.sd * _normal(draw) + self._lift(case, draw)
        share = min(1.0, max(0.0, share))
        return Verdict(score=self.scale.low + share * (self.scale.high - self.scale.low))

    def _grade(self, case: Case, draw: _Draw) -> Verdict:
        if self.constant:
            return Verdict(grade=True)
        if self.params.lenient and draw("lenient") < self.params.lenient:
            return Verdict(grade=True)
        if self._coin(case, draw):
            return Verdict(grade=draw("coin") < 0.5)
        lift = self._lift(case, draw)
        if draw("lift") < abs(lift):
            return Verdict(grade=lift > 0)
        label = case.label
        truth = label if isinstance(label, bool) else _unit(shown_hash(case)) < 0.5
        return Verdict(grade=truth if draw("accuracy") < self.params.accuracy else not truth)

    def _ranking(self, case: Case, draw: _Draw) -> Verdict:
        n = len(case.responses)
        if isinstance(case.label, tuple):
            order = list(case.label)
        else:
            order = sorted(range(n), key=lambda i: _hash64(case.responses[i]))
            if isinstance(case.label, int) and not isinstance(case.label, bool):
                order.sort(key=lambda i: i != case.label)
        if draw("accuracy") >= self.params.accuracy:
            order.sort(key=lambda i: draw(f"shuffle {i}"))
        slot = 0 if self.constant else self._channel(case, draw)
        if slot is not None:
            order.remove(slot)
            order.insert(0, slot)
        return Verdict(ranking=tuple(order))

    def planted_effect(self, probe: Probe) -> float:
        """The true effect of `probe` in utility units, for pairs with no other feature than the probe's own.

        Pairwise only. NO_GAIN: rate * (1 - P(target wins anyway)). EQUIVARIANT: `first`. MUST_DROP: P(the damaged
        answer wins) - .5. The rest: 0. Raises ValueError for other tasks.
        """
        if self.task != "pairwise":
            raise ValueError("planted effects are known in closed form for pairwise mocks only")
        p = self.params
        base = 0.5 * p.first + (1 - p.first) * (1 - p.accuracy)
        if probe.relation is Relation.EQUIVARIANT:
            return p.first
        if probe.relation is Relation.MUST_DROP:
            # a cut answer is also the shorter one
            longer = p.longer if probe.name == "degradation.truncation" else 0.0
            return (1 - longer) * base - 0.5
        if probe.relation is not Relation.NO_GAIN:
            return 0.0
        rate = {"authority": p.cited, "verbosity": p.longer, "format": p.markdown}.get(probe.family, 0.0)
        if probe.family == "phrases":
            from voirdire.harness.registry import PERTURBATIONS

            case = Case("A question?", ("An answer of two sentences. It is not long.", "Another answer."))
            edits = PERTURBATIONS.get(probe.perturbation or probe.name).edits(case, 0, random.Random(0), probe.dose)
            text = " ".join(e.text for e in edits)
            rate = p.rate if p.phrase and p.phrase in text else 0.0
        return rate * (1 - base)


class _Draw:
    """u = hash(seed, content shown, sample, channel) in [0, 1)."""

    __slots__ = ("_prefix",)

    def __init__(self, seed: int, content: str, sample: int) -> None:
        self._prefix = hashlib.blake2b(f"{seed}|{content}|{sample}|".encode(), digest_size=8)

    def __call__(self, channel: str) -> float:
        h = self._prefix.copy()
        h.update(channel.encode())
        return int.from_bytes(h.digest(), "big") / 2**64


def _normal(draw: _Draw) -> float:
    """A standard normal number (Box-Muller on two draws)."""

    return math.sqrt(-2 * math.log(1 - draw("noise"))) * math.cos(2 * math.pi * draw("angle"))


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _unit(text: str) -> float:
    return _hash64(text) / 2**64


def _alone(has: list[bool]) -> int | None:
    return has.index(True) if sum(has) == 1 else None


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.DOTALL) is not None


def _alike(a: str, b: str) -> bool:
    """Are two texts made of nearly the same words? (Dice's share of common ones, by number, from .6 on.)"""
    first, second = Counter(a.lower().split()), Counter(b.lower().split())
    if first.total() + second.total() < 8:  # Chinese has no blanks between words
        first, second = Counter(a), Counter(b)
    return 2 * (first & second).total() >= 0.6 * (first.total() + second.total())


def _longest(texts: tuple[str, ...]) -> int | None:
    lengths = sorted((len(t), i) for i, t in enumerate(texts))
    (second, _), (top, slot) = lengths[-2:]
    return slot if top >= LONGER_RATIO * max(second, 1) else None


def _unlabelled_better(case: Case) -> int:
    """Without a label the texts decide, the same in both orders."""
    a, b = (_hash64(t) for t in case.responses)
    return int(b < a)


def mock_judge(value: str, *, task: Task | None = None, scale: Scale | None = None, seed: int = 0) -> MockJudge:
    """The judge of `mock:value`, e.g. "noisy?accuracy=.85&first=.3"; `seed` where it names none. Raises UsageError."""
    name, _, query = value.partition("?")
    if name not in MOCKS:
        raise UsageError(f"there is no mock judge called {name!r}", hint=nearest(name, MOCKS))
    types = {f.name: f.type for f in fields(MockParams)}
    changes: dict[str, float | int | str] = {"seed": seed}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key not in types:
            raise UsageError(f"mock:{name} has no parameter {key!r}", hint=nearest(key, types))
        try:
            changes[key] = text if types[key] == "str" else int(text) if types[key] == "int" else float(text)
        except ValueError:
            raise UsageError(f"mock:{name}: {key}={text!r} is not a number") from None
        number = changes[key]
        low = -1 if key == "pull" else 0
        if isinstance(number, float) and not (low <= number <= 1):
            raise UsageError(f"mock:{name}: {key}={text} lies outside [{low}, 1]")
        if key == "pattern":
            try:
                re.compile(text)
            except re.error as error:
                raise UsageError(f"mock:{name}: pattern={text!r} is no regular expression ({error})") from None
    return MockJudge(
        name=f"mock:{name}",
        spec=f"mock:{value}",
        task=task or "pairwise",
        scale=scale or Scale(),
        params=replace(MOCKS[name], **changes),  # type: ignore[arg-type]
        constant=name == "constant",
    )
