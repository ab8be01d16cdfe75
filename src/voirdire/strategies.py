"""Hypothesis strategies for judged cases, their perturbations, edit sets and phrases.

    from hypothesis import given
    from voirdire import strategies as vds

    @given(vds.perturbed(vds.cases(task="pairwise"), families=["typos"]))
    def test_typos_do_not_matter(pair): ...

They compose with Hypothesis' own and shrink towards what is easiest to read: fewer and shorter words, Latin before
other scripts, plain text before markdown, few edits before many. A judge that answers differently each time needs
`voirdire.stochastic` as well. Needs the `pytest` extra.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

try:
    from hypothesis import reject
    from hypothesis import strategies as st
    from hypothesis.strategies import DrawFn, SearchStrategy
except ImportError:
    raise ImportError("voirdire.strategies needs Hypothesis: pip install 'voirdire[pytest]'") from None

import voirdire.perturbations  # noqa: F401 - registers the built-in ones
from voirdire.harness.cases import ALL_TASKS, Case, Edit, FollowUp, Label, Task, with_edits
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.followups import FollowUps, is_aimed
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.verdicts import Scale
from voirdire.perturbations.search.units import words
from voirdire.perturbations.spans import boundary

__all__ = ["SCRIPTS", "Perturbed", "cases", "edits", "perturbed", "phrases"]

#: script -> (the letters of its words, what stands between words, what ends a sentence)
_ALPHABETS: dict[str, tuple[str, str, str]] = {
    "latin": ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789éßñøç", " ", "."),
    "greek": ("αβγδεζηθικλμνξοπρστυφχψωάέή", " ", "."),
    "cyrillic": ("абвгдежзийклмнопрстуфхцчшщъыьэюяї", " ", "."),
    "cjk": ("的是不了人我在有他这中大来上国一二三你好答案日本語ひらがなカタ", "", "。"),
    "hangul": ("가나다라마바사아자차카타파하한국어답", " ", "."),
    "arabic": ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", " ", "؟"),
    "hebrew": ("אבגדהוזחטיכלמנסעפצקרשת", " ", "."),
    "devanagari": ("अआइईउकखगघचजटडतदनपबमयरलवशसहािीुे", " ", "।"),
}
_EMOJI = ("🙂", "👍🏽", "👩‍💻", "🇩🇪", "❤️", "1️⃣", "é", "\u200f", "\u200d")
#: most words of a reference, rubric or context
_SHORT = 6
_SHAPES = ("plain", "markdown", "code", "emoji")
#: what `cases(scripts=...)` may name
SCRIPTS: tuple[str, ...] = (*_ALPHABETS, "emoji", "markdown", "code")

_MARKDOWN: tuple[Callable[[str], str], ...] = (
    lambda s: f"- {s}",
    lambda s: f"**{s}**",
    lambda s: f"## {s}\n",
    lambda s: f"1. {s}\n2. {s}",
    lambda s: f"> {s}",
    lambda s: f"| {s} | 1 |\n|---|---|\n| 2 | 3 |",
    lambda s: f"[{s}](https://example.org/a_1)",
)
_CODE: tuple[Callable[[str], str], ...] = (
    lambda s: f"`{s}`",
    lambda s: f"```python\nprint('{s}')\n```",
    lambda s: f"    x = f({s!r});",
    lambda s: f"$x^2 = 49$ {s}",
)
#: the plainest first: where more than one does it, Hypothesis ends at the first
_PLAIN_FIRST = ("stability", "typos", "phrases", "authority", "verbosity", "degradation")


@dataclass(frozen=True, slots=True)
class Perturbed:
    """A case and what one perturbation made of it; `follow_up.edits` replayed on the source give `follow_up.case`."""

    source: Case
    follow_up: FollowUp
    name: str
    dose: float

    @property
    def case(self) -> Case:
        """The follow-up case."""
        return self.follow_up.case

    @property
    def target(self) -> int:
        """Index of the edited response."""
        return self.follow_up.target

    @property
    def edits(self) -> tuple[Edit, ...]:
        return self.follow_up.edits


def cases(
    task: Task = "pairwise",
    *,
    scripts: Sequence[str] | None = None,
    max_words: int = 40,
    labelled: bool | None = None,
    scale: Scale | None = None,
) -> SearchStrategy[Case]:
    """Valid cases of `task`: 2 responses for pairwise, 1 for score and grade, 2 to 5 for ranking.

    `scripts` are names of `SCRIPTS` (default: all); the first is what texts shrink to. Instruction and responses have
    up to `max_words` words (1 or more), reference, rubric and context 6 at most. `labelled`: with a label of the task
    always, never, or (None) sometimes; numbers lie on `scale` (default 1 to 10). Raises UsageError for an unknown task
    or script.
    """
    if task not in ALL_TASKS:
        raise UsageError(f"there is no task called {task!r}", hint=nearest(str(task), ALL_TASKS))
    for script in scripts or ():
        if script not in SCRIPTS:
            raise UsageError(f"there is no script called {script!r}", hint=nearest(script, SCRIPTS))
    if max_words < 1:
        raise UsageError(f"max_words is {max_words}, but must be at least 1")
    return _cases(task, tuple(scripts) if scripts else SCRIPTS, max_words, labelled, scale or Scale())


@st.composite
def _cases(
    draw: DrawFn, task: Task, scripts: tuple[str, ...], max_words: int, labelled: bool | None, scale: Scale
) -> Case:
    text = _texts(scripts, max_words)
    n = {"pairwise": 2, "score": 1, "grade": 1}.get(task) or draw(st.integers(2, 5))
    responses = tuple(draw(text) for _ in range(n))
    with_label = draw(st.booleans()) if labelled is None else labelled
    optional = st.none() | _texts(scripts, min(max_words, _SHORT))  # long ones cost time and show nothing new
    return Case(
        instruction=draw(text),
        responses=responses,
        label=draw(_labels(task, n, scale)) if with_label else None,
        reference=draw(optional),
        rubric=draw(optional),
        context=draw(optional),
    )


def _labels(task: Task, n: int, scale: Scale) -> SearchStrategy[Label]:
    if task == "pairwise":
        return st.sampled_from([0, 1, "tie"])
    if task == "score":
        return st.floats(scale.low, scale.high)
    if task == "grade":
        return st.booleans()
    return st.permutations(range(n)).map(tuple)


def _texts(scripts: tuple[str, ...], max_words: int) -> SearchStrategy[str]:
    alphabets = [s for s in scripts if s in _ALPHABETS] or ["latin"]
    shapes = [shape for shape in _SHAPES if shape == "plain" or shape in scripts]
    if not any(s in _ALPHABETS for s in scripts):
        shapes = shapes[1:]  # asked for nothing but markdown, say
    return _text(alphabets, shapes, max_words)


@st.composite
def _text(draw: DrawFn, alphabets: list[str], shapes: list[str], max_words: int) -> str:
    """Sentences, each in one script and one shape."""
    room = max_words
    parts: list[str] = []
    more = True
    while more and room > 0 and len(parts) < 4:
        more, sentence, n = draw(_sentence(alphabets, shapes, max_words, room))
        room -= n
        parts.append(sentence)
    return draw(st.sampled_from([" ", "\n", "\n\n", "\r\n"])).join(parts) if len(parts) > 1 else parts[0]


@st.composite
def _sentence(
    draw: DrawFn, alphabets: list[str], shapes: list[str], max_words: int, room: int
) -> tuple[bool, str, int]:
    """Whether another one follows, the sentence, and how many words it has.

    Made so that shrinking can leave out any sentence: Hypothesis drops at most five choices in a row, so script and
    shape are one choice; and what stands behind must mean the same without it, so the list does not depend on `room`.
    """
    more = draw(st.sampled_from([False, True, True]))
    shape, alphabet = draw(st.sampled_from([(shape, alphabet) for shape in shapes for alphabet in alphabets]))
    letters, between, end = _ALPHABETS[alphabet]
    found = draw(st.lists(st.text(letters, min_size=1, max_size=8), min_size=1, max_size=min(max_words, 12)))[:room]
    return more, _shaped(draw, shape, between.join(found) + end), len(found)


def _shaped(draw: DrawFn, shape: str, sentence: str) -> str:
    if shape == "emoji":
        return f"{sentence} {draw(st.sampled_from(_EMOJI))}"
    if shape == "plain":
        return sentence
    return draw(st.sampled_from(_MARKDOWN if shape == "markdown" else _CODE))(sentence)


@st.composite
def _perturbed(
    draw: DrawFn, source: SearchStrategy[Case], names: tuple[str, ...], doses: tuple[float, ...]
) -> Perturbed:
    case = draw(source)
    target = draw(st.integers(0, len(case.responses) - 1))
    dose = draw(st.sampled_from(doses))
    followups = FollowUps(draw(st.integers(0, 2**16)))
    chosen = draw(st.sampled_from(names))
    # where it does not apply the plainest that does stands in for it: rejecting the case would waste it
    for name in (chosen, *names):
        try:
            whole = followups.make(name, case, target, dose)
        except NotApplicable:
            continue
        return Perturbed(case, _part(draw, case, whole), name, dose)
    return reject()


def _part(draw: DrawFn, case: Case, whole: FollowUp) -> FollowUp:
    """`whole` nearly always, a part of its edits now and then: so that shrinking can leave edits out, one by one."""
    rarely = st.integers(0, 16 * len(whole.edits))
    kept = tuple(edit for edit in whole.edits if draw(rarely) > 0) if len(whole.edits) > 1 else whole.edits
    kept = kept or whole.edits[:1]
    return FollowUp(with_edits(case, kept), whole.target, kept)


def perturbed(
    case: Case | SearchStrategy[Case],
    *,
    families: Sequence[str] | None = None,
    doses: Sequence[float] = (1.0, 0.5, 2.0),
) -> SearchStrategy[Perturbed]:
    """`case` with one of the perturbations that apply to it, in one of its responses, at one of `doses`.

    `families` are families ("typos"), names ("authority.book") or globs ("phrases.raina-*") of registered
    perturbations, yours included; default: all. Labels are those of the source (what is true of a degraded answer is
    for the test to say). Shrinks towards one edit and the plainest perturbation. Cases to which none applies are
    rejected. Raises UsageError if nothing registered matches, or a dose is not above 0.
    """
    if not doses or not all(dose > 0 for dose in doses):
        raise UsageError(f"doses must all be above 0, got {list(doses)}", hint="1 is the published strength.")
    source = st.just(case) if isinstance(case, Case) else case
    return _perturbed(source, _names(families), tuple(doses))


def _names(families: Sequence[str] | None) -> tuple[str, ...]:
    """Registered names that match, the plainest family first."""
    # what is aimed at a judge's prompt has nothing to aim at here
    known = sorted((name for name in PERTURBATIONS if not is_aimed(name)), key=_plainness)
    if families is None:
        return tuple(known)
    if isinstance(families, str):
        raise UsageError(f"families must be a list of names, got the text {families!r}", hint=f"Write [{families!r}].")
    for wanted in families:
        if not any(_matches(name, wanted) for name in known):
            if any(_matches(name, wanted) for name in PERTURBATIONS):
                raise UsageError(
                    f"{wanted!r} is made of a judge's prompt, and a strategy knows no judge",
                    hint="Run the probe on a judge that voirdire prompts.",
                )
            choices = {name.split(".")[0] for name in known} | set(known)
            raise UsageError(f"no perturbation matches {wanted!r}", hint=nearest(wanted, choices))
    return tuple(name for name in known if any(_matches(name, wanted) for wanted in families))


def _matches(name: str, wanted: str) -> bool:
    return name.split(".")[0] == wanted or fnmatch.fnmatchcase(name, wanted)


def _plainness(name: str) -> tuple[int, str]:
    family = name.split(".")[0]
    return (_PLAIN_FIRST.index(family) if family in _PLAIN_FIRST else len(_PLAIN_FIRST), name)


def edits(
    text: str,
    *,
    min_size: int = 0,
    max_size: int = 4,
    inserted: SearchStrategy[str] | None = None,
    where: str = "responses[0]",
) -> SearchStrategy[tuple[Edit, ...]]:
    """Sets of `min_size` to `max_size` edits of `text`, sorted and apart, that replay with `harness.apply_edits`.

    Words are deleted or replaced, and texts drawn from `inserted` (default: a Latin word) put in front of words, behind
    the last, or in their place; nothing is cut inside a combined character. Shrinks towards fewer edits, nearer to the
    beginning, deletions first. A text without a word takes insertions at its end only, so it never has more than one
    edit: raises UsageError if `min_size` is more than the text has room for.
    """
    spans = [span for span in words(text) if boundary(text, span[0]) and boundary(text, span[1])]
    room = len(spans) + 1
    if not 0 <= min_size <= min(max_size, room):
        raise UsageError(
            f"min_size is {min_size}, but must lie between 0 and max_size ({max_size}); this text has room for {room}"
        )
    drawn = phrases(["x"], max_words=1) if inserted is None else inserted
    return _edits(text, spans, min_size, min(max_size, room), drawn, where)


@st.composite
def _edits(
    draw: DrawFn,
    text: str,
    spans: list[tuple[int, int]],
    min_size: int,
    max_size: int,
    inserted: SearchStrategy[str],
    where: str,
) -> tuple[Edit, ...]:
    left = list(range(len(spans) + 1))
    made: list[tuple[int, Edit]] = []
    while len(made) < max_size and (len(made) < min_size or draw(st.sampled_from([False, True, True]))):
        # all choices about one edit in a row, and none that its place makes void: so any of them can be left out
        place, edit = draw(_edit(text, spans, left, inserted, where))
        left.remove(place)
        made.append((place, edit))
    return tuple(edit for _, edit in sorted(made, key=lambda one: one[0]))


@st.composite
def _edit(
    draw: DrawFn, text: str, spans: list[tuple[int, int]], left: list[int], inserted: SearchStrategy[str], where: str
) -> tuple[int, Edit]:
    """The number of the word among those `left`, or of the end of the text, and an edit there."""
    kind = draw(st.sampled_from(["delete", "replace", "insert"]))
    behind = len(spans)
    if left == [behind]:
        kind = "insert"
    free = left if kind == "insert" else [place for place in left if place != behind]
    place = free[draw(st.integers(0, behind)) % len(free)]  # one choice of one range, however many are free
    if place == behind:
        end = len(text.rstrip())
        return place, Edit(end, end, (" " if spans else "") + draw(inserted), where)
    start, end = spans[place]
    if kind == "delete":
        return place, Edit(start, end, "", where)
    if kind == "replace":
        return place, Edit(start, end, draw(inserted.filter(_other_than(text[start:end]))), where)
    return place, Edit(start, start, draw(inserted) + " ", where)


def _other_than(word: str) -> Callable[[str], bool]:
    return lambda text: text != word


def phrases(vocabulary: Sequence[str], *, max_words: int = 4, between: str = " ") -> SearchStrategy[str]:
    """One to `max_words` words of `vocabulary`, joined by `between` (give "" for Chinese).

    Shrinks towards fewer words, and words earlier in the vocabulary. Raises UsageError if there is no word.
    """
    if isinstance(vocabulary, str) or not vocabulary:
        raise UsageError(f"a vocabulary is a list of one word or more, got {vocabulary!r}")
    if max_words < 1:
        raise UsageError(f"max_words is {max_words}, but must be at least 1")
    chosen: SearchStrategy[list[Any]] = st.lists(st.sampled_from(list(vocabulary)), min_size=1, max_size=max_words)
    return chosen.map(between.join)
