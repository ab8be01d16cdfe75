"""The smallest flip: a weak spot is found and confirmed, noise is not, and what an answer says is never touched."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from random import Random
from typing import Any

import pytest
from attack_documents import valid

import voirdire as vd
from voirdire._flips import FlipRequest, flips_async, prepare_flips
from voirdire.harness.attacks import Flips
from voirdire.harness.cases import Case, apply_edits
from voirdire.harness.errors import UsageError
from voirdire.harness.judges.base import Judge
from voirdire.perturbations import textattack_bridge
from voirdire.perturbations.search.flips import places_of
from voirdire.perturbations.textattack_recipes import RECIPES
from voirdire.reports.flips_text import flips_markdown, flips_suite, flips_text
from voirdire.suites.loading import load_suite

WEAK = "The kettle whistles because steam escapes through a narrow opening and makes the surrounding air vibrate loudly"
OTHER = "The kettle hums whenever somebody in another room opens the window and listens to music from the garden"
SMALL = FlipRequest(cache=None, max_calls=4000, created="2026-01-01")

needs_textattack = pytest.mark.skipif(
    not textattack_bridge.available(), reason="textattack is not installed: pip install 'voirdire[textattack]'"
)


def u(*parts: object) -> float:
    digest = hashlib.blake2b("|".join(map(str, parts)).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def cases(n: int) -> list[Case]:
    return [Case(f"Question {i}?", (f"{WEAK} {i}.", f"{OTHER} {i}."), id=f"c{i}", label=0) for i in range(n)]


def weak(case: Case, sample: int = 0) -> int:
    """Takes the answer that holds the word "because", in 95 % of the calls."""
    wanted = next((i for i, r in enumerate(case.responses) if "because" in r), 1)
    return wanted if u(case.responses, sample) < 0.95 else 1 - wanted


def noisy(case: Case, sample: int = 0) -> int:
    return case.label if u(case.responses, sample) < 0.85 else 1 - case.label


def searched(judge: Judge, request: FlipRequest) -> Flips:
    result = asyncio.run(flips_async(judge, prepare_flips(judge, request)))
    valid(result)  # whatever comes out
    return result


def judge_of(f: Any, task: Any = "pairwise", **options: Any) -> Judge:
    return vd.judge(f, task=task, **options)


@pytest.mark.parametrize("mask", ["unk", "delete"])
def test_a_weak_word_is_found_confirmed_and_told_from_any_typo(mask: Any) -> None:
    result = searched(judge_of(weak), dataclasses.replace(SMALL, cases=cases(6), mask=mask, kinds=("typos",)))
    assert len(result.found) >= 5
    for flip in result.found:
        assert flip.words == 1
        assert "because" not in apply_edits(flip.text, flip.edits)
        assert flip.reproduced[0] >= 0.8 * flip.reproduced[1]
        assert flip.at_least >= 0.8
    flipped, asked = (sum(f.controls[k] for f in result.found) for k in (0, 1))
    assert flipped < asked / 2
    assert result.calls.made <= SMALL.max_calls
    assert "because" not in (text := flips_text(result)).split("case", 1)[0]
    assert max(map(len, text.splitlines())) <= 80
    assert "<del>" in flips_markdown(result)
    assert valid(result)["outcome"] == "found"


def test_noise_is_no_flip() -> None:
    result = searched(judge_of(noisy), dataclasses.replace(SMALL, cases=cases(25), max_calls=8000))
    assert result.tried >= 15
    assert len(result.found) == 0


def test_silence_is_no_flip() -> None:
    def silent(case: Case, sample: int = 0) -> Any:
        return 0 if any(WEAK in r for r in case.responses) else None

    assert not searched(judge_of(silent), dataclasses.replace(SMALL, cases=cases(5))).found


@pytest.mark.parametrize("task", ["score", "grade"])
def test_judges_of_one_answer(task: str) -> None:
    def one(case: Case, sample: int = 0) -> Any:
        good = "because" in case.responses[0]
        return good if task == "grade" else 0.8 if good else 0.3

    alone = [Case(f"Q{i}?", (f"{WEAK} {i}.",), id=f"c{i}") for i in range(4)]
    judge = judge_of(one, task, **({"scale": vd.Scale(0, 1)} if task == "score" else {}))
    assert len(searched(judge, dataclasses.replace(SMALL, cases=alone, kinds=("typos",))).found) == 4


def test_an_unclear_verdict_is_left_alone() -> None:
    result = searched(judge_of(lambda case: "tie"), dataclasses.replace(SMALL, cases=cases(5)))
    assert (result.tried, result.unclear, result.flips) == (5, 5, ())


@pytest.mark.parametrize("text", ["", "很好的回答。", "هذا جواب صحيح", "1 2 3", "`code` http://a.b/c", "x" * 100_000])
def test_texts_with_nothing_to_edit(text: str) -> None:
    result = searched(
        judge_of(lambda case: 0), dataclasses.replace(SMALL, cases=[Case("Q?", (text, "Other."), id="c")])
    )
    assert not result.found


def test_nothing_that_an_answer_says_is_touched() -> None:
    text = (
        "It is not true that three engines use 40 litres, see `while_loop` and https://example.org/manual for details."
    )
    for seed in range(5):
        for place in places_of(text, 0, ("typos", "synonyms"), Random(seed)):
            for edit in place.variants:
                made = apply_edits(text, [edit])
                for kept in ("not", "true", "three", "40", "`while_loop`", "https://example.org/manual"):
                    assert kept in made


def test_the_budget_ends_the_search() -> None:
    result = searched(judge_of(weak), dataclasses.replace(SMALL, cases=cases(30), max_calls=900))
    assert result.calls.made <= 900
    assert result.tried < 30


def test_flips_are_a_suite(tmp_path) -> None:
    found = searched(judge_of(weak), dataclasses.replace(SMALL, cases=cases(12)))
    path = tmp_path / "flips.toml"
    path.write_text(flips_suite(found), encoding="utf-8")
    assert [p.name for p in load_suite(str(path)).probes] == ["stability.retest", "attack.flips"]
    audit = vd.audit(judge_of(weak), cases=cases(12), suite=str(path))
    finding = audit.findings["attack.flips"]
    assert finding.n == len(found.found)
    assert finding.effect < -0.3
    clean = vd.audit(judge_of(noisy), cases=cases(12), suite=str(path)).findings["attack.flips"]
    assert abs(clean.effect) < 0.35


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('source = "x"\nedits = [{ start = 0, end = 1, text = "a" }]', "line 4.*'x' names no case"),
        ('source = "0123456789abcdef"', "no edits"),
        ('source = "0123456789abcdef"\nedits = [{ start = 3, end = 1, text = "a" }]', "line 5.*is no edit"),
        ('source = "0123456789abcdef"\ntarget = -1\nedits = []', "line 5.*-1"),
        ('sauce = "0123456789abcdef"', "line 4.*'sauce'"),
    ],
)
def test_wrong_flips_are_refused_with_their_line(tmp_path, table: str, message: str) -> None:
    path = tmp_path / "flips.toml"
    path.write_text(f'name = "m"\nprobes = ["attack.flips"]\n[[flip]]\n{table}\n', encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load_suite(str(path))


def test_recipes_need_the_extra_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textattack_bridge, "available", lambda: False)
    with pytest.raises(UsageError, match=r"--recipe pwws.*voirdire\[textattack\]"):
        prepare_flips(judge_of(weak), dataclasses.replace(SMALL, recipe="pwws"))
    with pytest.raises(UsageError, match="'pws'"):
        prepare_flips(judge_of(weak), dataclasses.replace(SMALL, recipe="pws"))
    with pytest.raises(UsageError, match="'typoes'"):
        prepare_flips(judge_of(weak), dataclasses.replace(SMALL, kinds=("typoes",)))
    with pytest.raises(UsageError, match="--mask"):
        prepare_flips(judge_of(weak), dataclasses.replace(SMALL, mask="blank"))


@needs_textattack
@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_of_textattack(recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each runs and leaves no trace; those that edit letters find the weak word."""
    textattack_bridge.load()
    state = random.getstate()
    request = dataclasses.replace(SMALL, cases=cases(3), recipe=recipe)
    one, two = (searched(judge_of(weak), request) for _ in range(2))
    assert random.getstate() == state
    assert valid(one)["flips"] == valid(two)["flips"]
    if recipe in ("deepwordbug", "pruthi", "wir-delete", "wir-unk"):
        assert one.found
        assert all(f.words == 1 for f in one.found)
    assert capsys.readouterr().out == ""
