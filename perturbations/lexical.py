"""Other words for the same thing, opposite words, and stray words; English only.

Synonyms keep inflection, capitals and the article in front. They come from WordNet by way of data/lexicon.tsv, in which
each pair was judged, and stand only where the neighbouring words allow that part of speech: no tagger is needed.
Siblings: lexical_forms.py (contractions, numbers as words and figures), lexicon.py (the table), lexical_words.py.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import NamedTuple

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import MOST_GROWTH, count_of
from voirdire.perturbations.draws import pick, sample, shuffled
from voirdire.perturbations.lexical_words import (
    ADJECTIVE_BEHIND,
    ENGLISH,
    LONGEST_SHORT,
    MORE,
    NOUN_BEFORE,
    NOUN_BEHIND,
    PARTICLES,
    STRAY_WORDS,
    VERB_BEHIND,
    begins_with_vowel_sound,
)
from voirdire.perturbations.lexicon import Entry, lexicon
from voirdire.perturbations.spans import Span, analyse, inside, sentences

__all__ = [
    "Candidate",
    "antonyms",
    "random_words",
    "require_english",
    "synonym_edits",
    "synonyms",
    "turned",
    "within_reach",
]

#: share of all words replaced at dose 1
_RATE = 0.03
#: share of all words behind which a stray one comes
_STRAY_RATE = 0.02
#: share of the sentences that get an opposite word
_TURNED = 1 / 3
#: one word in so many is a function word, in English
_ENGLISH_SHARE = 12
#: so many words tell the language
_READ = 50
#: how near, in characters, a replacement may not stand already
_ECHO = 60

# "no more", "any longer" and "once more" are one with what follows.
_NO_MORE = frozenset(("no", "any", "once"))
_QUOTED = re.compile(r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”")
_JOINING = frozenset("-–/&+_'’‘")
_METAL = "METAL, arXiv:2312.06056; words from WordNet 3.0"


class Candidate(NamedTuple):
    """A word that may be replaced. `start` is that of the article in front, if that depends on the word.

    `before` is what stands between `start` and the word when it stays an article: "a " or "an ".
    """

    start: int
    word: Span
    replacements: tuple[str, ...]


def require_english(text: str) -> None:
    """Raises NotApplicable where `text` does not read as English."""
    if not _is_english(text):
        raise NotApplicable("the words to put in are English, and this answer is not, or too short to tell")


@lru_cache(maxsize=4096)
def _is_english(text: str) -> bool:
    words = analyse(text).words[:_READ]
    known = sum(text[a:b].lower() in ENGLISH for a, b in words)
    return known > 0 and known * _ENGLISH_SHARE >= len(words)


# --- which words


@lru_cache(maxsize=4096)
def _synonym_places(text: str) -> tuple[Candidate, ...]:
    return tuple(_places(text, antonyms=False))


def _places(text: str, *, antonyms: bool) -> list[Candidate]:
    table = lexicon()
    words = analyse(text).words
    quotes = tuple(m.span() for m in _QUOTED.finditer(text)) if '"' in text or "“" in text else ()
    found: list[Candidate] = []
    for k, (start, end) in enumerate(words):
        word = text[start:end]
        entries = table.get(word)
        if entries is None and "A" <= word[0] <= "Z":
            entries = table.get(word.lower())
        if entries is None or not _plain(text, start, end, word) or inside(quotes, start, end):
            continue
        after = _next_token(text, end, words[k + 1] if k + 1 < len(words) else None)
        if after == ":":  # the name of what follows, to be kept wherever it stands
            continue
        before = words[k - 1] if k and text[words[k - 1][1] : start] == " " else None
        behind = text[before[0] : before[1]].lower() if before else ""
        replacements = _allowed(entries, behind, after, antonyms=antonyms)
        near = text[max(0, start - _ECHO) : start].lower() + "\n" + text[end : end + _ECHO].lower()
        chosen = tuple(r for r in replacements if r not in near and (len(r) > LONGEST_SHORT or behind not in MORE))
        if chosen:
            article = before is not None and behind in ("a", "an") and _article_fits(behind, word.lower())
            found.append(Candidate(before[0] if article and before else start, (start, end), chosen))
    return found


def _plain(text: str, start: int, end: int, word: str) -> bool:
    """A word by itself: in small letters, or with a capital that a sentence gave it; no part of a compound."""
    if (start and text[start - 1] in _JOINING) or (end < len(text) and (text[end] in _JOINING or text[end] == "(")):
        return False
    if word.islower():
        return True
    if not word[1:].islower():
        return False
    k = start - 1
    while k >= 0 and text[k] in " *_>#-\t":
        k -= 1
    return k < 0 or text[k] in "\n.!?:"


def _next_token(text: str, end: int, after: Span | None) -> str:
    """The word behind a blank, in small letters, or the mark behind the word; "" at the end."""
    if after is not None and text[end : after[0]] == " ":
        return text[after[0] : after[1]].lower()
    return text[end : end + 1] if text[end : end + 1] != " " else text[end + 1 : end + 2]


def _allowed(entries: tuple[Entry, ...], behind: str, after: str, *, antonyms: bool) -> tuple[str, ...]:
    for entry in entries:
        if antonyms:
            fits = behind not in _NO_MORE and (not entry.ambiguous or _reads_as(entry, behind, after))
            if entry.antonyms and fits:
                return entry.antonyms
        elif entry.synonyms and _fits(entry, behind, after):
            return entry.synonyms
    return ()


def _fits(entry: Entry, behind: str, after: str) -> bool:
    if entry.only_before and after not in entry.only_before:
        return False
    if after in entry.never_before or (entry.only_behind and behind not in entry.only_behind):
        return False
    if entry.pos == "v" and after in PARTICLES and after not in entry.only_before:
        return False
    if entry.pos == "n" and after[:1].isalnum() and after not in NOUN_BEFORE:
        return False
    return not entry.ambiguous or _reads_as(entry, behind, after)


def _reads_as(entry: Entry, behind: str, after: str) -> bool:
    """Do the neighbours of an ambiguous form say that it is this part of speech?"""
    if entry.pos == "v":
        return behind in VERB_BEHIND or (behind == "" and after in ("the", "a", "an", "your", "this", "these"))
    if entry.pos == "n":
        return behind in NOUN_BEHIND and (not after[:1].isalnum() or after in NOUN_BEFORE)
    if entry.pos == "a":
        return behind in ADJECTIVE_BEHIND and after != "of"
    return behind not in NOUN_BEHIND


def _article_fits(article: str, form: str) -> bool:
    """Was the article chosen by the sound of `form`? ("a historic" may be "an historic": then it is left alone.)"""
    return (article == "an") == begins_with_vowel_sound(form)


# --- edits


def _replaced(text: str, candidate: Candidate, replacement: str) -> Edit:
    start, end = candidate.word
    word = text[start:end]
    new = replacement if word.islower() else replacement.capitalize()
    if candidate.start == start:
        return Edit(start, end, new)
    article = text[candidate.start : start].rstrip()
    other = "an" if begins_with_vowel_sound(replacement) else "a"
    if article.lower() == other:
        return Edit(start, end, new)
    return Edit(candidate.start, end, f"{other.capitalize() if article[0] == 'A' else other} {new}")


def synonym_edits(text: str) -> tuple[tuple[Edit, ...], ...]:
    """For each word that surely has one, its synonyms as edits, the usual ones first; none where the text does not
    read as English."""
    if not _is_english(text):
        return ()
    return tuple(tuple(_replaced(text, place, r) for r in place.replacements) for place in _synonym_places(text))


def _best_first(rng: Random, replacements: tuple[str, ...]) -> str:
    """The first of `replacements` most often: the square of the draw leans to it."""
    draw = rng.random()
    return replacements[int(draw * draw * len(replacements))]


def within_reach(text: str, edits: list[Edit]) -> list[Edit]:
    """As many of `edits`, in order, as keep the length within 5 %; NotApplicable if none does."""
    room = MOST_GROWTH * len(text)
    kept: list[Edit] = []
    growth = 0
    for edit in edits:
        more = len(edit.text) - (edit.end - edit.start)
        if abs(growth + more) <= room:
            growth += more
            kept.append(edit)
    if edits and not kept:
        raise NotApplicable("the answer is so short that the edit would show in its length")
    return kept


@perturbation(
    "lexical.synonyms",
    claim="preserving",
    summary="Puts a synonym for 3 % of the words, or for all that have one if those are fewer.",
    source=_METAL,
)
def synonyms(text: str, place: Place) -> list[Edit]:
    require_english(text)
    asked = _words_of(place.case.instruction_text)
    # The words of the question may be its terms, and an answer has to keep to them.
    fitting = [c for c in _synonym_places(text) if text[c.word[0] : c.word[1]].lower() not in asked]
    if not fitting:
        raise NotApplicable("no word of this answer has a synonym that would surely fit")
    count = min(len(fitting), max(1, int(_RATE * place.dose * len(analyse(text).words) + 0.5)))
    chosen = sample(place.rng, fitting, count)
    return within_reach(text, [_replaced(text, c, _best_first(place.rng, c.replacements)) for c in chosen])


@lru_cache(maxsize=1024)
def _words_of(text: str) -> frozenset[str]:
    return frozenset(text[a:b].lower() for a, b in analyse(text).words)


@perturbation(
    "lexical.antonyms",
    claim="degrading",
    summary="Puts the opposite of a word into a third of the sentences.",
    source="antonyms of WordNet 3.0; error injection of FBI, arXiv:2406.13439",
    plants_error=True,
)
def antonyms(text: str, place: Place) -> list[Edit]:
    require_english(text)
    groups = turned(text)
    if not groups:
        raise NotApplicable("no word of this answer has a plain opposite")
    # One a sentence: two in one may cancel each other ("more demand, higher prices").
    count = min(len(groups), count_of(_TURNED, place.dose, len(sentences(text))))
    return within_reach(text, [pick(place.rng, group) for group in sample(place.rng, groups, count)])


@lru_cache(maxsize=4096)
def turned(text: str) -> tuple[tuple[Edit, ...], ...]:
    """For each statement that has words with an opposite, the edits that put it; headings and questions have none."""
    groups: list[tuple[Edit, ...]] = []
    rest = iter(_places(text, antonyms=True))
    candidate = next(rest, None)
    for start, end, kind in sentences(text):
        group: list[Edit] = []
        while candidate is not None and candidate.word[0] < end:
            if candidate.start >= start:
                group.append(_replaced(text, candidate, candidate.replacements[0]))
            candidate = next(rest, None)
        if group and kind != "heading" and not text.endswith("?", start, end):
            groups.append(tuple(group))
    return tuple(groups)


@perturbation(
    "lexical.random-words",
    claim="preserving",
    summary="Lets unrelated words stray in behind 2 % of the words.",
    source="METAL, arXiv:2312.06056",
)
def random_words(text: str, place: Place) -> list[Edit]:
    require_english(text)
    words = analyse(text).words
    gaps = [a[1] for a, b in pairwise(words) if text[a[1] : b[0]] == " "]
    if not gaps:
        raise NotApplicable("no two words of this answer have a blank between them")
    places = sample(place.rng, gaps, count_of(_STRAY_RATE, place.dose, len(words)))
    strays = shuffled(place.rng, STRAY_WORDS)
    return within_reach(text, [Edit(at, at, f" {strays[k % len(strays)]}") for k, at in enumerate(places)])
