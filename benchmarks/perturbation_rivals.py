"""texts/s of textattack's Augmenter and of nlpaug on given texts: what perturbations.py sets its own figures beside.

It reads `{"texts": [...], "seconds": 2.0}` on standard input and writes
`{"textattack": {"version": "...", "rates": {"typos.swap": 0.6, ...}, "missing": {"lexical.synonyms": "why"}}, ...}`;
a library that is not installed is left out. It imports nothing of voirdire and runs under any interpreter with
textattack or nlpaug. Rates are per second of CPU time (`time.process_time`). Each rival edits the same share of the
words as the voirdire perturbation it stands beside: 5 %, one edit a word; 3 % for synonyms.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

#: makes the function that edits a text; called once, outside the clock
Maker = Callable[[], Callable[[str], object]]

SLIPS = 0.05
SYNONYMS = 0.03
#: enough for textattack's constraint that leaves stop words alone, whose list is a download
_STOP_WORDS = "a an and are as at be by for from has he in is it its of on that the to was were will with"


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """textattack can be imported with no network: it finds a list of stop words, and no download is tried."""
    nltk: Any = importlib.import_module("nltk")
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "corpora", "stopwords", "english")
        words.parent.mkdir(parents=True)
        words.write_text("\n".join(_STOP_WORDS.split()) + "\n", encoding="utf-8")
        Path(folder, "post_install_check_3").touch()  # its sign that all is downloaded
        importlib.import_module("nltk.data").path.append(folder)
        os.environ.update(TA_CACHE_DIR=folder, HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        nltk.download = lambda *_, **__: True
        yield


def textattack_makers() -> dict[str, Maker]:
    augmentation: Any = importlib.import_module("textattack.augmentation")
    transformations: Any = importlib.import_module("textattack.transformations")

    def maker(transformation: str, share: float) -> Maker:
        def make() -> Callable[[str], object]:
            augmenter = augmentation.Augmenter(
                getattr(transformations, transformation)(), pct_words_to_swap=share, transformations_per_example=1
            )
            return augmenter.augment  # type: ignore[no-any-return]

        return make

    return {
        "typos.keyboard": maker("WordSwapQWERTY", SLIPS),
        "typos.swap": maker("WordSwapNeighboringCharacterSwap", SLIPS),
        "typos.drop": maker("WordSwapRandomCharacterDeletion", SLIPS),
        "typos.insert": maker("WordSwapRandomCharacterInsertion", SLIPS),
        "typos.replace": maker("WordSwapRandomCharacterSubstitution", SLIPS),
        "lexical.synonyms": maker("WordSwapWordNet", SYNONYMS),
    }


def nlpaug_makers() -> dict[str, Maker]:
    characters: Any = importlib.import_module("nlpaug.augmenter.char")
    words: Any = importlib.import_module("nlpaug.augmenter.word")
    slip = {"aug_char_max": 1, "aug_word_p": SLIPS, "aug_word_max": None}

    def random_char(action: str) -> Maker:
        return lambda: characters.RandomCharAug(action=action, **slip).augment

    return {
        "typos.keyboard": lambda: characters.KeyboardAug(**slip).augment,
        "typos.swap": random_char("swap"),
        "typos.drop": random_char("delete"),
        "typos.insert": random_char("insert"),
        "typos.replace": random_char("substitute"),
        "typos.ocr": lambda: characters.OcrAug(**slip).augment,
        "typos.split-words": lambda: words.SplitAug(aug_p=SLIPS, aug_max=None).augment,
        "lexical.synonyms": lambda: words.SynonymAug(aug_src="wordnet", aug_p=SYNONYMS, aug_max=None).augment,
    }


def rate(edit: Callable[[str], object], texts: Sequence[str], seconds: float) -> float:
    """texts/s of CPU time: over all texts again and again until `seconds` have gone, but at least one text."""
    done = 0
    begun = time.process_time()
    while True:
        edit(texts[done % len(texts)])
        done += 1
        gone = time.process_time() - begun
        if gone >= seconds:
            return done / gone


def measured(makers: dict[str, Maker], texts: Sequence[str], seconds: float) -> tuple[dict[str, float], dict[str, str]]:
    """Rates, and why the others have none: some need data or a model that only a download brings."""
    rates: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, make in makers.items():
        try:
            edit = make()
            edit(texts[0])
            rates[name] = rate(edit, texts, seconds)
        except Exception as error:
            said = " ".join(str(error).replace("*", " ").split())  # nltk frames its messages in stars
            missing[name] = f"{type(error).__name__}: {said}"[:80]
    return rates, missing


RIVALS = {"textattack": textattack_makers, "nlpaug": nlpaug_makers}


def main() -> int:
    asked = json.load(sys.stdin)
    found: dict[str, object] = {}
    for library, makers in RIVALS.items():
        if importlib.util.find_spec(library) is None:
            continue
        # the libraries print while they are imported
        with contextlib.redirect_stdout(sys.stderr), offline() if library == "textattack" else contextlib.nullcontext():
            rates, missing = measured(makers(), asked["texts"], asked["seconds"])
        found[library] = {"version": importlib.metadata.version(library), "rates": rates, "missing": missing}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    raise SystemExit(main())
