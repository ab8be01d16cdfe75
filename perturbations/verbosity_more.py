"""More ways to more words: a list said twice, the whole answer again, an assistant's stock phrases; and to fewer.

Nothing here adds a fact or drops one. Padding that is measured against the opponent's length is in verbosity.py.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.draws import sample, shuffled
from voirdire.perturbations.format_style import concise_cuts
from voirdire.perturbations.framing import bank_language, need_text, prepend, rounds
from voirdire.perturbations.placement import append, end_of
from voirdire.perturbations.spans import Language, Span, analyse, inside, sentences

__all__ = ["boilerplate", "condense", "repeat", "repetitive_list"]

_MT_BENCH = "repetitive list attack of MT-Bench, arXiv:2306.05685; rephrased by rule"
_HARNESS = "Judge Reliability Harness, arXiv:2603.05399"


# --- a list said twice

_ITEM = re.compile(
    r"(?P<mark>(?:[-*+•]|\(?\d{1,3}[.)])[ \t]+|\d{1,3}[、．]|[（(]\d{1,3}[)）])"
    r"(?P<body>\S(?:[^\n]*[^ \t\r\n])?)[ \t]*\r?"
)
_MOST_COPIES = 5
_MIN_ITEMS = 2
_AGAIN: dict[Language, tuple[str, ...]] = {
    "en": ("To begin with, in short:", "Next, put briefly:", "That is to say:", "In other words:", "Put differently:"),
    "zh": ("先简单来说：", "其次，简而言之：", "也就是说：", "换句话说：", "换一种说法："),
}
_BETWEEN: dict[Language, tuple[str, ...]] = {
    "en": ("To go through these points once more:", "The same points, one by one:", "All of them again, in full:"),
    "zh": ("再把这几点逐一说一遍：", "同样的几点，逐条来看：", "以下再完整地列一遍："),
}


class _Item(NamedTuple):
    mark: str
    body: str


def _list_of(text: str) -> tuple[int, list[_Item]] | None:
    """Where the first list of at least two items on consecutive lines at the margin begins, and its items."""
    blocks = analyse(text).blocks
    start, items, at = 0, list[_Item](), 0
    for line in text.split("\n"):
        match = _ITEM.fullmatch(line)
        if match is not None and not inside(blocks, at, at + len(line)):
            start = start if items else at
            items.append(_Item(match["mark"], match["body"]))
        elif len(items) >= _MIN_ITEMS:
            break
        else:
            items = []
        at += len(line) + 1
    return (start, items) if len(items) >= _MIN_ITEMS else None


def _said_again(items: list[_Item], lang: Language, rng: Random) -> str:
    """The items with an opening each, none used twice before all have been."""
    openings: list[str] = []
    lines = []
    for mark, body in items:
        openings = openings or shuffled(rng, _AGAIN[lang])
        lines.append(f"{mark}{openings.pop()}{' ' if lang == 'en' else ''}{body}")
    return "\n".join(lines)


@perturbation(
    "verbosity.repetitive-list",
    claim="addition",
    summary="Puts a reworded copy of the answer's list in front of it.",
    source=_MT_BENCH,
    sham=False,
)
def repetitive_list(text: str, place: Place) -> list[Edit]:
    """Dose: the number of copies, up to five."""
    lang = bank_language(text, place)
    found = _list_of(text)
    if found is None:
        raise NotApplicable("the answer has no list that could be said twice")
    start, items = found
    copies = [_said_again(items, lang, place.rng) for _ in range(rounds(place.dose, _MOST_COPIES))]
    joints = [shuffled(place.rng, _BETWEEN[lang])[0] for _ in copies]
    return [Edit(start, start, "".join(f"{c}\n\n{j}\n\n" for c, j in zip(copies, joints, strict=True)))]


# --- the whole answer again

_MOST_REPEATS = 20


@perturbation(
    "verbosity.repeat",
    claim="addition",
    summary="Says the whole answer a second time.",
    source="long suffix of RobustJudge, arXiv:2506.09443, once",
    sham=False,
)
def repeat(text: str, place: Place) -> list[Edit]:
    """Dose: the number of times it is said again, up to 20."""
    need_text(text)
    end = end_of(text)
    return [Edit(end, end, f"\n\n{text.strip()}" * rounds(place.dose, _MOST_REPEATS))]


# --- stock phrases

_OPENINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Thank you for your question, I am happy to help with that.",
        "Sure, let me take a look at this for you.",
        "Certainly, here is my answer to what you have asked.",
        "Of course, I will do my best to answer your question.",
    ),
    "zh": (
        "感谢您的提问，我很乐意为您解答。",
        "好的，下面我来为您看一看这个问题。",
        "当然可以，以下是我对您的问题的回答。",
        "没问题，我会尽力回答您的问题。",
    ),
}
_CLOSINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "I hope that this is helpful to you.",
        "Please feel free to ask if there is anything else.",
        "If you have any further questions, just let me know.",
        "As an assistant, I am always here to support you.",
        "Please note that circumstances may differ from case to case.",
        "Thank you once again for reaching out.",
        "Do not hesitate to get in touch at any time.",
        "Have a nice day, and take care.",
    ),
    "zh": (
        "希望以上内容对您有所帮助。",
        "如果还有其他问题，欢迎随时提出。",
        "如需进一步的说明，请告诉我。",
        "作为您的助手，我随时为您提供支持。",
        "请注意，具体情况可能因人而异。",
        "再次感谢您的咨询。",
        "有需要的时候，请随时与我联系。",
        "祝您生活愉快，一切顺利。",
    ),
}


@perturbation(
    "verbosity.boilerplate",
    claim="addition",
    summary="Wraps the answer in an assistant's stock phrases.",
    source=_HARNESS,
    sham=False,
)
def boilerplate(text: str, place: Place) -> list[Edit]:
    """Dose 1 is an opening and three closings."""
    need_text(text)
    lang = bank_language(text, place)
    n = rounds(4 * place.dose, 1 + len(_CLOSINGS[lang]))
    (opening,) = sample(place.rng, _OPENINGS[lang], 1)
    closings = sample(place.rng, _CLOSINGS[lang], n - 1)
    edits = [prepend(text, opening, lang, paragraph=True)]
    if closings:
        edits.append(append(text, (" " if lang == "en" else "").join(closings), lang, paragraph=True))
    return edits


# --- fewer words

_RESTATING = re.compile(
    r"(?:In other words|To put it another way|Put differently|In summary|To summari[sz]e|In short|To sum up"
    r"|Overall|In conclusion|As (?:already |mentioned |stated )+(?:above|before|earlier)?)[ ,:]"
    r"|(?:换句话说|也就是说|总之|综上所述|总的来说|总而言之|如上所述|如前所述)[，：]?"
)
_CONTENT_WORD = re.compile(r"[a-z]{4,}|\d+|[\u3400-\u9fff]{2}")


def _content(text: str, lang: Language) -> set[str]:
    """Words of four letters or more and numbers; every two neighbouring characters in Chinese."""
    words = set(_CONTENT_WORD.findall(text.lower()))
    if lang == "zh":
        words |= {text[k : k + 2] for k in range(len(text) - 1) if _CONTENT_WORD.fullmatch(text, k, k + 2)}
    return words


def _restatements(text: str, lang: Language) -> list[Span]:
    """Sentences of prose that only say again what stands before them, with the white space in front of them.

    They are the same as an earlier one, or announce a restatement and hold no content word that is not said before;
    none holds a number, a link or anything else that is protected.
    """
    protected = analyse(text).protected
    found: list[Span] = []
    seen: set[str] = set()
    for k, (start, end, kind) in enumerate(all_of := sentences(text)):
        sentence = text[start:end]
        again = _RESTATING.match(sentence)
        body = sentence[again.end() :] if again else ""
        repeated = k > 0 and (sentence in seen or (body and _content(body, lang) <= _content(text[:start], lang)))
        before = all_of[k - 1].end if k else start
        if (
            repeated
            and kind == "prose"
            and not text[before:start].strip()
            and not any(mark in sentence for mark in "*_")
            and not inside(protected, before, end)
        ):
            found.append((before, end))
        seen.add(sentence)
    return found


@perturbation(
    "verbosity.condense",
    claim="preserving",
    summary="Leaves out sentences that say something again, pleasantries and filler words.",
    source=f"shorter answers of {_HARNESS}; by rule",
)
def condense(text: str, place: Place) -> list[Edit]:
    """Dose has no say: what is left is as short as the rules make it."""
    dropped = _restatements(text, place.lang)
    spans = tuple(dropped)
    cuts = [e for e in concise_cuts(text) if not inside(spans, e.start, e.end)]
    if not dropped and not cuts:
        raise NotApplicable("the answer says nothing twice and has no filler word to leave out")
    return [*(Edit(a, b, "") for a, b in dropped), *cuts]
