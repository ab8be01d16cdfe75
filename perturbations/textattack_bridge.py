"""textattack's edits of single words as perturbations, with the extra `textattack`; without it they do not apply.

Only the candidates come from textattack (`WordSwap._get_replacement_words`, all of them, in its order). Where they go,
how many and which is ours: our words and protected spans, our random generator. So none of textattack's draws from the
global generators of `random` and `numpy` is ever made, and its slow and lossy rebuilding of the text is not used.

Of its transformations these work offline. Left out: those that need a model or a download (embeddings, masked language
models, HowNet, names, places, inflections, back-translation), WordSwapWordNet (senses without rank, order by hash; ours
is lexical.synonyms), homoglyphs (a data file is missing from its wheel; ours is typos.homoglyph), contraction (never
finds a pair; ours is lexical.contract).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import random
import string
import tempfile
import threading
import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from voirdire.harness.cases import Edit
from voirdire.harness.errors import NotApplicable
from voirdire.perturbations.base import Place, perturbation
from voirdire.perturbations.doses import count_of, within_growth
from voirdire.perturbations.draws import sample
from voirdire.perturbations.lexical_words import ENGLISH
from voirdire.perturbations.spans import analyse
from voirdire.perturbations.typos import Slip, slips

__all__ = ["available", "load", "silent"]

_TEXTATTACK = "TextAttack, arXiv:2005.05909"
_BAD_CHARACTERS = "Bad Characters, arXiv:2106.09898, as in TextAttack, arXiv:2005.05909"
#: share of the words edited at dose 1 by edits that grow a word eleven-fold, so that the text stays within 5 %
_LONG_EDIT_RATE = 0.005
#: stands for a letter that textattack would draw at random
_DRAWN = "\0"
_LOCK = threading.Lock()

# --- loading


def available() -> bool:
    """Is textattack installed? Costs no import."""
    return importlib.util.find_spec("textattack") is not None


def load() -> ModuleType:
    """textattack, imported with no look-up on the network and no trace left behind; takes some seconds once.

    Its import would download six nltk corpora, needs nltk's stop words, sets a dozen environment variables and switches
    loggers off. Raises NotApplicable where the extra is missing or its import fails.
    """
    if not available():
        raise NotApplicable("textattack is not installed (pip install 'voirdire[textattack]')")
    with _LOCK:
        found = _imported()
    if isinstance(found, str):
        raise NotApplicable(found)
    return found


@cache
def _imported() -> ModuleType | str:
    """textattack, or why it cannot be imported: tried once, as it takes seconds to fail, too."""
    with tempfile.TemporaryDirectory(prefix="voirdire-textattack-") as folder, _contained(Path(folder)):
        try:
            return importlib.import_module("textattack")
        except Exception as error:
            return f"textattack could not be imported: {type(error).__name__}: {error}"


@contextlib.contextmanager
def _contained(folder: Path) -> Iterator[None]:
    """Environment, loggers, warnings, nltk and random state are as before when this ends."""
    environment, state = dict(os.environ), random.getstate()
    loggers = {n: lg.disabled for n, lg in logging.root.manager.loggerDict.items() if isinstance(lg, logging.Logger)}
    nltk: Any = importlib.import_module("nltk")
    data_path: list[str] = importlib.import_module("nltk.data").path
    download = nltk.download
    (folder / "post_install_check_3").touch()  # textattack takes this as the sign that all is downloaded
    stop_words = folder / "corpora" / "stopwords"
    stop_words.mkdir(parents=True)
    (stop_words / "english").write_text("\n".join(sorted(ENGLISH)) + "\n", encoding="utf-8")
    data_path.append(str(folder))  # behind the user's own data, which are better
    os.environ.update(TA_CACHE_DIR=str(folder), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    nltk.download = lambda *_, **__: False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        nltk.download = download
        data_path.remove(str(folder))
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(environment)
        for name, disabled in loggers.items():
            logging.getLogger(name).disabled = disabled
        random.setstate(state)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """textattack's notes on goals and models that it does not know, and its dependencies' warnings, stay unsaid."""
    logger: logging.Logger = importlib.import_module("textattack.shared").logger
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


# --- candidates


@cache
def _transformation(name: str) -> Any:
    """An instance of textattack's class `name` that gives every candidate and draws nothing."""
    load()
    made = getattr(importlib.import_module("textattack.transformations"), name)(random_one=False)
    made._get_random_letter = lambda: _DRAWN
    return made


@lru_cache(maxsize=256)
def _candidates(name: str, word: str) -> dict[int, tuple[tuple[int, str], ...]]:
    """First changed place of `word` -> (letters replaced, by what) of each candidate, in textattack's order."""
    found: dict[int, dict[tuple[int, str], None]] = {}
    for marked in _transformation(name)._get_replacement_words(word):
        for letter in string.ascii_letters if _DRAWN in marked else ("",):
            made = marked.replace(_DRAWN, letter)
            if made != word:
                at, edit = _difference(word, made)
                found.setdefault(at, {})[edit] = None
    return {at: tuple(edits) for at, edits in found.items()}


def _difference(word: str, made: str) -> tuple[int, tuple[int, str]]:
    """(first changed place, (letters replaced there, by what)), as short as can be."""
    at = _common(word, made)
    tail = _common(word[at:][::-1], made[at:][::-1])
    return at, (len(word) - at - tail, made[at : len(made) - tail])


def _common(one: str, other: str) -> int:
    """How many characters `one` and `other` have in common in front."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _slip(name: str) -> Slip:
    def slip(word: str, at: int, draw: float) -> tuple[int, str] | None:
        found = _candidates(name, word).get(at, ())
        return found[int(draw * len(found))] if found else None

    return slip


# --- perturbations


def _register(name: str, cls: str, summary: str, source: str, rate: float) -> None:
    slip = _slip(cls)

    @perturbation(name, claim="preserving", summary=summary, source=source)
    def edit(text: str, place: Place) -> list[Edit]:
        load()
        return within_growth(text, slips(text, place, slip, rate=rate))


_ROWS = (
    ("qwerty", "WordSwapQWERTY", "Hits a neighbouring key", _TEXTATTACK, 0.05),
    ("swap", "WordSwapNeighboringCharacterSwap", "Swaps two letters", _TEXTATTACK, 0.05),
    ("delete", "WordSwapRandomCharacterDeletion", "Leaves out a letter", _TEXTATTACK, 0.05),
    ("insert", "WordSwapRandomCharacterInsertion", "Puts in any letter", _TEXTATTACK, 0.05),
    ("substitute", "WordSwapRandomCharacterSubstitution", "Replaces a letter by any other", _TEXTATTACK, 0.05),
    ("invisible", "WordSwapInvisibleCharacters", "Puts in an invisible character", _BAD_CHARACTERS, 0.05),
    ("backspace", "WordSwapDeletions", "Puts in a character and a backspace", _BAD_CHARACTERS, 0.05),
    (
        "reorder",
        "WordSwapReorderings",
        "Turns two letters round and back by controls",
        _BAD_CHARACTERS,
        _LONG_EDIT_RATE,
    ),
)
for _name, _class, _does, _source, _rate in _ROWS:
    _summary = f"{_does} in one word of {round(1 / _rate)}, with textattack."
    _register(f"typos.textattack-{_name}", _class, _summary, _source, _rate)


@perturbation(
    "lexical.textattack-extend",
    claim="preserving",
    summary="Writes contractions in full, with textattack's table.",
    source=_TEXTATTACK,
)
def extend(text: str, place: Place) -> list[Edit]:
    load()
    table: dict[str, str] = importlib.import_module("textattack.shared.data").EXTENSION_MAP
    found = [Edit(a, b, table[text[a:b]]) for a, b in analyse(text).words if text[a:b] in table]
    if not found:
        raise NotApplicable("this answer has no contraction that textattack knows")
    return within_growth(text, sample(place.rng, found, count_of(1.0, place.dose, len(found))))
