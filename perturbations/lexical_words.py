"""Small English tables of the lexical family: function words, what decides a part of speech, number words,
contractions, stray words. The synonyms and antonyms themselves are in data/lexicon.tsv (lexicon.py reads it).
"""

from __future__ import annotations

__all__ = [
    "ADJECTIVE_BEHIND",
    "CONTRACTED",
    "CONTRACTED_NOT",
    "ENGLISH",
    "EXPANDED_NOT",
    "LONGEST_SHORT",
    "MORE",
    "NOUN_BEFORE",
    "NOUN_BEHIND",
    "NUMBER_WORDS",
    "PARTICLES",
    "STRAY_WORDS",
    "VERB_BEHIND",
    "begins_with_vowel_sound",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: function words of English that are rare in other languages; every twelfth word of English prose is one, or more
ENGLISH = _words(
    "the of and is are to that it for with this which you not be by from has have they at as or its if your we "
    "their there but can when because than these would should more been how what i"
)

# --- which part of speech a form is, told by its neighbours

_DETERMINERS = (
    "the a an its their his her my your our some any each every no another such both several many few two three four "
    "five six seven eight nine ten"
)
_COPULAS = "is are was were be been being seems seem looks very more most so too as quite not also only"
_MODALS = "to can could will would may might must shall should cannot can't don't doesn't didn't won't let's"
#: a noun stands behind one of these ...
NOUN_BEHIND = _words(_DETERMINERS)
#: ... and before one of these, a mark or the end; before another noun it may be part of a name for one thing
NOUN_BEFORE = _words(
    "of in on at for to with by from and or but is are was were be has have had can could will would may might must "
    "should that which who whom when where as than because while so if not into about between among through during "
    "without within after before until since does do did he she it they we you i there then also"
)
#: "more" and "most" go with longer adjectives only; short ones would take an ending
MORE, LONGEST_SHORT = ("more", "most"), 5
#: an adjective that could be another part of speech stands behind one of these
ADJECTIVE_BEHIND = _words(f"{_DETERMINERS} {_COPULAS}")
#: a verb that could be another part of speech stands behind one of these
VERB_BEHIND = _words(f"{_MODALS} i you we they he she it who which not please")
#: a verb before one of these is one with it ("start up"), and its synonym would not be
PARTICLES = _words(
    "up out off down over away back along around through on into upon after across for against about by under"
)

_SILENT_H = ("hour", "honest", "honor", "honour", "heir")
_SOUNDS_LIKE_YOU = ("use", "usa", "usu", "uni", "util", "eu", "one", "once", "ubiq", "uran")


def begins_with_vowel_sound(word: str) -> bool:
    """Does "an" stand before `word` (small letters)?

    >>> begins_with_vowel_sound("hour"), begins_with_vowel_sound("useful"), begins_with_vowel_sound("idea")
    (True, False, True)
    """
    if word.startswith(_SILENT_H):
        return True
    if word.startswith(("unin", "unim")):
        return True
    return word[0] in "aeiou" and not word.startswith(_SOUNDS_LIKE_YOU)


# --- numbers

_BELOW_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_UNITS = _BELOW_TWENTY.split()
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
#: 0 to 99 in words
NUMBER_WORDS: tuple[str, ...] = (
    *_UNITS,
    *(ten if unit == 0 else f"{ten}-{_UNITS[unit]}" for ten in _TENS for unit in range(10)),
)

# --- contractions

#: auxiliary -> with "not" contracted
CONTRACTED_NOT = {
    "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't", "do": "don't", "does": "doesn't",
    "did": "didn't", "have": "haven't", "has": "hasn't", "had": "hadn't", "would": "wouldn't", "could": "couldn't",
    "should": "shouldn't", "will": "won't", "can": "can't",
}  # fmt: skip
#: and back; "cannot" is one word
EXPANDED_NOT = {short: "cannot" if aux == "can" else f"{aux} not" for aux, short in CONTRACTED_NOT.items()}
#: subject and auxiliary -> contracted; "'s" and "'d" of nouns and of "had" are left alone, as two things hide in them
CONTRACTED = {
    "i am": "I'm", "you are": "you're", "we are": "we're", "they are": "they're", "it is": "it's", "he is": "he's",
    "she is": "she's", "that is": "that's", "there is": "there's", "i have": "I've", "you have": "you've",
    "we have": "we've", "they have": "they've", "i will": "I'll", "you will": "you'll", "we will": "we'll",
    "they will": "they'll", "it will": "it'll", "he will": "he'll", "she will": "she'll",
}  # fmt: skip

_STRAY = (
    "lantern pebble orchard saddle kettle ribbon harbor meadow button candle curtain feather basket ladder pillow "
    "blanket barrel cottage whistle pocket velvet marble chimney anchor thimble walnut turnip puddle mitten parcel "
    "drawer hammock teapot wagon sparrow gravel shutter doorbell bucket cushion spoon trumpet umbrella staircase "
    "envelope biscuit carpet balloon drum fence"
)
#: plain nouns that belong to no usual question, for words that stray into a text
STRAY_WORDS = tuple(_STRAY.split())
