"""The look of an answer and nothing else: emoji, bold, bullets, headings, a table, maths, a fence; and no markdown.

Edits without a placebo grow the answer by at most 5 %, so that they cannot be mistaken for length; headings and rich
content add words and have one. Marks are put around what is there: no sentence changes. The styles of RM-Bench and
the shortening that one of them needs are in format_style.py.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import MOST_GROWTH, count_of, within_growth
from voirdire.perturbations.draws import pick, sample
from voirdire.perturbations.placement import end_of
from voirdire.perturbations.scripts import dominant_script, segments
from voirdire.perturbations.spans import Language, Sentence, Span, analyse, boundary, inside, sentences

__all__ = [
    "bold",
    "bold_marks",
    "boxed",
    "bullet_marks",
    "bullets",
    "code_fence",
    "emoji",
    "headings",
    "latex",
    "markdown",
    "rich",
    "stripped",
    "stripped_marks",
    "table",
]

_RICH = "rich content of Humans or LLMs as the Judge, arXiv:2402.10669"
_STYLE = "RM-Bench, arXiv:2410.16184; AlpacaEval LC, arXiv:2404.04475"
_ANSWER_FORMAT = "answer formats of reWordBench, arXiv:2503.11751"

# One code point each and shown as pictures without a variation selector.
_EMOJI = ("✨", "✅", "🌟", "💡", "🚀", "📌", "🎯", "👍")


@lru_cache(maxsize=4096)
def _prose_lines(text: str) -> tuple[tuple[Sentence, ...], ...]:
    """The sentences of each line of prose that begins at the margin and can carry marks at its sentence ends."""
    protected = analyse(text).protected
    lines: list[list[Sentence]] = []
    for sentence in sentences(text):
        start, end, kind = sentence
        if kind != "prose" or inside(protected, start) or inside(protected, end):
            continue
        if lines and text[lines[-1][-1].end : start] in (" ", "") and lines[-1][-1].end > 0:
            lines[-1].append(sentence)
        elif start == 0 or text[start - 1] == "\n":
            lines.append([sentence])
    return tuple(tuple(line) for line in lines)


def _paragraphs(text: str) -> list[tuple[Sentence, ...]]:
    """The prose lines with an empty line, or nothing, before them."""
    return [line for line in _prose_lines(text) if _begins_paragraph(text, line[0].start)]


def _begins_paragraph(text: str, start: int) -> bool:
    """Is the line before the one that begins at `start` empty, or is there none?"""
    return start == 0 or not text[text.rfind("\n", 0, start - 1) + 1 : start].strip()


def _bank_language(text: str, place: Place) -> Language:
    """The language of built-in words for this answer; NotApplicable where there are none."""
    script = dominant_script(text)
    if place.lang == "zh" or script in (None, "Latin"):
        return place.lang
    raise NotApplicable("the built-in words are English and Chinese, and this answer is in another script")


# --- emoji


def _emoji_edits(text: str, place: Place, share: float) -> list[Edit]:
    protected = analyse(text).protected
    ends = [s.end for s in sentences(text) if s.kind != "heading" and not inside(protected, s.end)]
    if not ends:
        raise NotApplicable("the answer has no sentence that an emoji could follow")
    blank = "" if place.lang == "zh" else " "
    chosen = sorted(sample(place.rng, ends, count_of(share, place.dose, len(ends))))
    return [Edit(at, at, blank + pick(place.rng, _EMOJI)) for at in chosen]


@perturbation(
    "format.emoji",
    claim="preserving",
    summary="Puts an emoji behind half of the sentences.",
    source=_RICH,
)
def emoji(text: str, place: Place) -> list[Edit]:
    return within_growth(text, _emoji_edits(text, place, 0.5))


# --- bold and bullets


@lru_cache(maxsize=4096)
def _key_words(text: str) -> tuple[Span, ...]:
    """The longest inner word of each sentence of prose or list that has no emphasis yet."""
    words = segments(text)
    found: list[Span] = []
    k = 0
    for sentence in sentences(text):
        while k < len(words) and words[k][0] <= sentence.start:
            k += 1
        first = k
        while k < len(words) and words[k][1] < sentence.end:
            k += 1
        shortest = 2 if first < k and text[words[first][0]] >= "\u2e80" else 5
        fitting = [w for w in words[first:k] if w[1] - w[0] >= shortest and _free(text, w)]
        if fitting and sentence.kind != "heading" and not _EMPHASIS.search(text, sentence.start, sentence.end):
            found.append(max(fitting, key=lambda w: w[1] - w[0]))
    return tuple(found)


_EMPHASIS = re.compile(r"[*_]")


def _free(text: str, word: Span) -> bool:
    """Can marks stand around `word`, with blanks, letters or plain punctuation on both sides?"""
    return text[word[0] - 1] not in "`[<\\$" and boundary(text, word[0]) and boundary(text, word[1])


def bold_marks(text: str, place: Place, share: float = 0.5) -> list[Edit]:
    """Edits that set the longest word of `share` x dose of the sentences in bold; [] where there is no such word."""
    words = _key_words(text)
    chosen = sorted(sample(place.rng, words, count_of(share, place.dose, len(words)))) if words else []
    return [Edit(at, at, "**") for word in chosen for at in word]


@perturbation(
    "format.bold",
    claim="preserving",
    summary="Sets a word in bold in half of the sentences.",
    source=_STYLE,
)
def bold(text: str, place: Place) -> list[Edit]:
    edits = bold_marks(text, place)
    if not edits:
        raise NotApplicable("no sentence without emphasis has a word to set in bold")
    return within_growth(text, edits)


def bullet_marks(text: str, place: Place) -> list[Edit]:
    """Edits that make an item of every sentence of a share of `dose` of the prose lines; [] for a single sentence."""
    lines = _prose_lines(text)
    if sum(map(len, lines)) < 2:
        return []
    edits: list[Edit] = []
    for line in sorted(sample(place.rng, lines, count_of(1.0, place.dose, len(lines)))):
        edits.append(Edit(line[0].start, line[0].start, "- "))
        for before, after in pairwise(line):
            edits.append(Edit(before.end, before.end, "\n-" if before.end < after.start else "\n- "))
    return edits


@perturbation(
    "format.bullets",
    claim="preserving",
    summary="Makes a list of the sentences, one item each.",
    source=_STYLE,
)
def bullets(text: str, place: Place) -> list[Edit]:
    edits = bullet_marks(text, place)
    if not edits:
        raise NotApplicable("the answer has no two sentences of prose to make a list of")
    return within_growth(text, edits)


@perturbation(
    "format.markdown",
    claim="preserving",
    summary="Makes a list of the sentences and sets words in bold, as far as that adds little length.",
    source=_STYLE,
)
def markdown(text: str, place: Place) -> list[Edit]:
    items = bullet_marks(text, place)
    marks = bold_marks(text, place, 1.0)
    wanted = items + marks
    if not wanted:
        raise NotApplicable("the answer has neither two sentences of prose nor a word to set in bold")
    room = int(MOST_GROWTH * len(text))
    items_size = sum(len(e.text) for e in items)
    if items_size > room:
        items, items_size = [], 0
    # at equal places the mark of the item comes first, since it was added first
    edits = items + marks[: (room - items_size) // 4 * 2]
    return edits or within_growth(text, wanted)


# --- headings and rich content: additions, with placebo

_TITLES: dict[Language, tuple[str, ...]] = {
    "en": ("Overview", "Details", "Key Points", "Further Points", "In More Depth", "Additional Notes"),
    "zh": ("概述", "详细说明", "要点", "补充说明", "进一步说明", "其他"),
}
_LEADS: dict[Language, tuple[str, ...]] = {
    "en": ("**Key point:** ", "**In detail:** ", "**Worth noting:** ", "**To add:** "),
    "zh": ("**要点：** ", "**具体来说：** ", "**值得注意：** ", "**补充：** "),
}


def _titled(text: str, place: Place, pattern: str) -> list[Edit]:
    """A heading made by `pattern` before every paragraph of prose, as many as there are titles."""
    titles = _TITLES[_bank_language(text, place)]
    starts = [line[0].start for line in _paragraphs(text)]
    if not starts:
        raise NotApplicable("no paragraph of prose stands where a heading could go")
    chosen = sorted(sample(place.rng, starts, min(len(titles), count_of(1.0, place.dose, len(starts)))))
    return [
        Edit(at, at, pattern.format(emoji=pick(place.rng, _EMOJI), title=title))
        for at, title in zip(chosen, titles, strict=False)
    ]


@perturbation(
    "format.headings",
    claim="addition",
    summary="Puts a heading before every paragraph.",
    source=_STYLE,
)
def headings(text: str, place: Place) -> list[Edit]:
    return _titled(text, place, "## {title}\n\n")


@perturbation(
    "format.rich",
    claim="addition",
    summary="Adds headings with emoji, bold words that lead into paragraphs, and emoji behind half of the sentences.",
    source=_RICH,
)
def rich(text: str, place: Place) -> list[Edit]:
    edits = _titled(text, place, "## {emoji} {title}\n\n")
    leads = _LEADS[place.lang]
    edits = [Edit(e.start, e.end, e.text + leads[k % len(leads)]) for k, e in enumerate(edits)]
    return edits if place.lang == "zh" else edits + _emoji_edits(text, place, 0.5)


# --- table

_CELL_END = " |"
_HEAD_END = "\n---|---\n"


def _table_edits(line: tuple[Sentence, ...]) -> list[Edit]:
    """Marks between the sentences, two a row, the first two as head; no outer bars, which keeps the growth small."""
    edits: list[Edit] = []
    for k, (before, after) in enumerate(pairwise(line)):
        mark = _CELL_END if k % 2 == 0 else _HEAD_END if k == 1 else "\n"
        # behind a bar the blank stays; a new row takes its place
        edits.append(Edit(before.end, before.end if k % 2 == 0 else after.start, mark))
    return edits


@perturbation(
    "format.table",
    claim="preserving",
    summary="Makes a table of a paragraph, two sentences a row.",
    source=_STYLE,
)
def table(text: str, _: Place) -> list[Edit]:
    alone = [
        line
        for line in _paragraphs(text)
        if len(line) >= 3
        and "|" not in text[line[0].start : line[-1].end]
        and _ENDS_PARAGRAPH.match(text, line[-1].end)
    ]
    if not alone:
        raise NotApplicable("no paragraph of its own has three sentences")
    return within_growth(text, _table_edits(max(alone, key=len)))


_ENDS_PARAGRAPH = re.compile(r"[ \t]*\r?(?:\n[ \t]*\r?(?:\n|\Z)|\Z)")


# --- maths

_PLAIN_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def _plain_numbers(text: str) -> list[Span]:
    """The protected numbers without sign, unit or letter, none of them the mark of a list."""
    if "$" in text:
        raise NotApplicable("the answer has dollar signs already")
    parts = sentences(text)
    found: list[Span] = []
    k = 0
    for start, end in analyse(text).protected:
        while k < len(parts) and parts[k].end < end:
            k += 1
        if k < len(parts) and parts[k].start <= start and _PLAIN_NUMBER.fullmatch(text, start, end):
            found.append((start, end))
    if not found:
        raise NotApplicable("no plain number stands in a sentence of this answer")
    return found


@perturbation(
    "format.latex",
    claim="preserving",
    summary="Sets the numbers as LaTeX maths.",
    source=_ANSWER_FORMAT,
)
def latex(text: str, place: Place) -> list[Edit]:
    found = _plain_numbers(text)
    chosen = sorted(sample(place.rng, found, count_of(1.0, place.dose, len(found))))
    return within_growth(text, [Edit(at, at, "$") for span in chosen for at in span])


@perturbation(
    "format.boxed",
    claim="preserving",
    summary="Puts the last number into a LaTeX box, as answers to maths problems are given.",
    source=_ANSWER_FORMAT,
)
def boxed(text: str, _: Place) -> list[Edit]:
    start, end = _plain_numbers(text)[-1]
    return within_growth(text, [Edit(start, start, "$\\boxed{"), Edit(end, end, "}$")])


# --- fence

_FENCE_MARK = re.compile(r"```|~~~")


@perturbation(
    "format.code-fence",
    claim="preserving",
    summary="Puts the whole answer between code fences.",
    source=_ANSWER_FORMAT,
)
def code_fence(text: str, _: Place) -> list[Edit]:
    if not text.strip():
        raise NotApplicable("the answer is empty")
    if _FENCE_MARK.search(text):
        raise NotApplicable("the answer holds a code fence already")
    end = end_of(text)
    return within_growth(text, [Edit(0, 0, "```\n"), Edit(end, end, "\n```")])


# --- markdown stripped

_LINE_MARK = re.compile(r"^[ \t]*(?:>[ \t]?)*(?:#{1,6}[ \t]+|[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?)?", re.MULTILINE)
# Emphasis by asterisks only: underscores are parts of names far more often.
_STRONG = re.compile(r"(?<![\w*\\])(?P<mark>\*{1,3})(?=[^\s*])[^*\n]{1,400}(?<=[^\s*])(?P=mark)(?![*])")


def stripped_marks(text: str) -> list[Edit]:
    """Edits that take away the marks of headings, bullets, quotations and emphasis; [] where there are none.

    Numbers of lists stay, since they are words too, and so do code, tables, links and maths.
    """
    protected = analyse(text).protected
    lines = [m.span() for m in _LINE_MARK.finditer(text) if m.group().strip() and not inside(protected, *m.span())]
    taken = tuple(lines)
    marks: list[Span] = []
    for match in _STRONG.finditer(text):
        size = len(match["mark"])
        pair = ((match.start(), match.start() + size), (match.end() - size, match.end()))
        if not any(inside(taken, *mark) or inside(protected, *mark) for mark in pair):
            marks += pair
    return [Edit(start, end, "") for start, end in sorted(lines + marks)]


@perturbation(
    "format.stripped",
    claim="preserving",
    summary="Takes away the marks of headings, bullets, quotations and emphasis.",
    source=_STYLE,
)
def stripped(text: str, _: Place) -> list[Edit]:
    edits = stripped_marks(text)
    if not edits:
        raise NotApplicable("the answer has no markdown to take away")
    return edits
