"""textattack's edits on our spans and our generator; most of it needs the extra and is skipped without."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import warnings

import pytest
from family_checks import CHINESE, answers, changed, check_follow_up, common, doses, follow_up
from hypothesis import given
from hypothesis import strategies as st

from voirdire.harness.errors import NotApplicable
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations import textattack_bridge
from voirdire.perturbations.spans import analyse

NAMES = sorted(n for n in PERTURBATIONS if ".textattack-" in n)
SLIPS = [n for n in NAMES if n.startswith("typos.")]
WORDS = "plants always gather enough sunlight during summer mornings before farmers harvest another golden field"
LONG = ". ".join(["Plain " + WORDS] * 12) + "."

needs_textattack = pytest.mark.skipif(
    not textattack_bridge.available(), reason="textattack is not installed: pip install 'voirdire[textattack]'"
)


def test_all_are_registered() -> None:
    kinds = ["backspace", "delete", "insert", "invisible", "qwerty", "reorder", "substitute", "swap"]
    assert ["lexical.textattack-extend", *(f"typos.textattack-{k}" for k in kinds)] == NAMES
    assert {PERTURBATIONS.get(n).claim for n in NAMES} == {"preserving"}


@pytest.mark.parametrize("name", NAMES)
def test_without_the_extra_they_do_not_apply(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textattack_bridge, "available", lambda: False)
    with pytest.raises(NotApplicable, match=r"voirdire\[textattack\]"):
        changed(name, LONG)


def test_an_import_that_fails_says_why_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def broken(name: str) -> object:
        tries.append(name)
        raise ImportError("no such symbol")

    monkeypatch.setattr(textattack_bridge, "available", lambda: True)
    monkeypatch.setattr(textattack_bridge, "_contained", lambda folder: warnings.catch_warnings())
    monkeypatch.setattr(textattack_bridge.importlib, "import_module", broken)
    textattack_bridge._imported.cache_clear()
    try:
        for _ in range(2):
            with pytest.raises(NotApplicable, match="ImportError: no such symbol"):
                textattack_bridge.load()
    finally:
        textattack_bridge._imported.cache_clear()
    assert tries == ["textattack"]


@pytest.mark.parametrize(
    ("word", "made", "difference"),
    [
        ("garden", "gqrden", (1, (1, "q"))),
        ("garden", "graden", (1, (2, "ra"))),
        ("garden", "garen", (3, (1, ""))),
        ("green", "greeen", (4, (0, "e"))),
        ("aaa", "aa", (2, (1, ""))),
        ("ab", "abx\b", (2, (0, "x\b"))),
    ],
)
def test_differences_replay(word: str, made: str, difference: tuple[int, tuple[int, str]]) -> None:
    found = textattack_bridge._difference(word, made)
    assert found == difference
    at, (n, text) = found
    assert word[:at] + text + word[at + n :] == made


@needs_textattack
def test_loading_leaves_no_trace() -> None:
    """In a fresh process with an empty home, no network look-up and loggers as before."""
    program = (
        "import os, random, socket, warnings, logging, json\n"
        "looked_up = []\n"
        "socket.getaddrinfo = lambda *a, **k: looked_up.append(a[0]) or (_ for _ in ()).throw(OSError('offline'))\n"
        "log = logging.getLogger('mine')\n"
        "environment, state, filters = dict(os.environ), random.getstate(), warnings.filters[:]\n"
        "from voirdire.perturbations import textattack_bridge\n"
        "assert textattack_bridge.load().__name__ == 'textattack'\n"
        "assert not looked_up, looked_up\n"
        "assert dict(os.environ) == environment\n"
        "assert random.getstate() == state\n"
        "assert not log.disabled\n"
        "print('clean', sorted(os.listdir(os.environ['HOME'])))\n"
    )
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "HOME": home, "XDG_CACHE_HOME": home},
        )
    assert done.stdout.startswith("clean")
    assert "textattack" not in done.stdout.removeprefix("clean")


@needs_textattack
@pytest.mark.parametrize("name", NAMES)
@common
@given(text=answers, seed=st.integers(0, 2**64), dose=doses)
def test_follow_ups_replay_and_leave_protected_text_alone(name: str, text: str, seed: int, dose: float) -> None:
    made = check_follow_up(name, text, seed, dose)
    if made is not None:
        assert abs(len(made.case.responses[0]) - len(text)) <= 0.05 * len(text)


@needs_textattack
def test_global_generators_are_neither_used_nor_moved() -> None:
    numpy_random = pytest.importorskip("numpy").random
    outputs = []
    for seed in (1, 2):
        random.seed(seed)
        numpy_random.seed(seed)
        before = random.getstate(), numpy_random.get_state()[1].tolist()
        outputs.append([follow_up(name, LONG) for name in SLIPS])
        assert (random.getstate(), numpy_random.get_state()[1].tolist()) == before
    assert outputs[0] == outputs[1]


@needs_textattack
@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_output_is_pinned_under_any_hash_seed(hash_seed: str) -> None:
    done = subprocess.run(
        [sys.executable, __file__],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.splitlines()[-len(SLIPS) :] == [ascii(changed(n, WORDS * 3)) for n in SLIPS]


@needs_textattack
@pytest.mark.parametrize("name", [n for n in SLIPS if not n.endswith("reorder")])
@pytest.mark.parametrize("dose", [0.5, 1.0])
def test_the_dose_is_met(name: str, dose: float) -> None:
    made = follow_up(name, LONG, 3, dose)
    assert made is not None
    wanted = 0.05 * dose * len(analyse(LONG).words)
    assert abs(len(made.edits) - wanted) <= max(0.5, 0.1 * wanted)


@needs_textattack
@pytest.mark.parametrize(
    ("name", "length", "letters"),
    [
        ("qwerty", 6, None),
        ("swap", 6, "adegnr"),
        ("delete", 5, None),
        ("insert", 7, None),
        ("substitute", 6, None),
        ("invisible", 7, None),
        ("backspace", 8, None),
    ],
)
def test_edits_are_textattacks(name: str, length: int, letters: str | None) -> None:
    from textattack import transformations

    classes = {
        "qwerty": "WordSwapQWERTY",
        "swap": "WordSwapNeighboringCharacterSwap",
        "delete": "WordSwapRandomCharacterDeletion",
        "invisible": "WordSwapInvisibleCharacters",
        "backspace": "WordSwapDeletions",
    }
    seen = {w for seed in range(30) for w in changed(f"typos.textattack-{name}", "garden " * 30, seed).split(" ") if w}
    seen.discard("garden")
    assert seen
    assert {len(w) for w in seen} == {length}
    if letters is not None:
        assert {"".join(sorted(w)) for w in seen} == {letters}
    if name in classes:
        assert seen <= set(getattr(transformations, classes[name])(random_one=False)._get_replacement_words("garden"))


@needs_textattack
def test_extend_by_hand() -> None:
    text = "They don't know, `don't` and I'm sure you aren't there. " + "More words stand here. " * 3
    wanted = text.replace("They don't", "They do not").replace("I'm", "I am").replace("aren't", "are not")
    assert changed("lexical.textattack-extend", text) == wanted
    with pytest.raises(NotApplicable, match="no contraction"):
        changed("lexical.textattack-extend", CHINESE)


if __name__ == "__main__":
    for each in SLIPS:
        print(ascii(changed(each, WORDS * 3)))
