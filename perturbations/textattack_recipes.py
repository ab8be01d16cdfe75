"""Published word-level attacks by name, through textattack's search methods and transformations, on our terms.

    deepwordbug    Gao et al. 2018, arXiv:1801.04354: ranked words, one letter swapped, replaced, dropped or added
    pruthi         Pruthi et al. 2019, arXiv:1905.11268: any word, one letter swapped, dropped, added or mistyped
    pwws           Ren et al. 2019, ACL P19-1103: synonyms by weighted saliency; the synonyms are ours, from WordNet
    checklist      Ribeiro et al. 2020, arXiv:2005.04118: contractions written in full; names, places and numbers are
                   not changed, as that would change what the answer says
    wir-delete, wir-unk   textattack's greedy search by word importance with all our edits

Our terms: numbers, code, links, negations and number words are protected; the goal is a flip of the judge's verdict;
questions are counted by whoever answers; the global random generators are as before when this ends. textattack is
loaded only here and in textattack_bridge.py; where it is missing, NotApplicable says how to install it.
"""

from __future__ import annotations

import contextlib
import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from voirdire.harness.cases import Edit
from voirdire.perturbations.edits import one_edit
from voirdire.perturbations.lexical import synonym_edits
from voirdire.perturbations.spans import analyse, inside
from voirdire.perturbations.textattack_bridge import load, silent
from voirdire.perturbations.textattack_goal import goal_of_numbers
from voirdire.perturbations.typos import editable_words

__all__ = ["RECIPES", "recipe_edits"]

RECIPES = ("deepwordbug", "pruthi", "pwws", "checklist", "wir-delete", "wir-unk")

#: texts of a batch: the judge is asked about so many at once
_BATCH = 16
#: fewer questions than this, and textattack's searches break down
_FEWEST = 10

#: utilities of the target for each text; None: no verdict
AskTexts = Callable[[Sequence[str]], Sequence[float | None]]


def recipe_edits(
    recipe: str,
    text: str,
    ask: AskTexts,
    *,
    flipped: Callable[[float], bool],
    up: bool,
    budget: int,
    max_edits: int,
    seed: int,
    where: str,
) -> tuple[Edit, ...] | None:
    """The edits of `text` by which `recipe` flips the verdict within `budget` questions; None if it does not.

    `up`: a flip is a rise of the utility. At most `max_edits` words are edited. Raises NotApplicable where textattack
    is not installed.
    """
    load()
    if budget < _FEWEST or not text.strip() or "<SPLIT>" in text:  # textattack's own mark, on which it breaks
        return None
    with _as_it_was(seed):
        attack = _attack(recipe, ask, flipped, up, budget, max_edits)
        ta: Any = importlib.import_module("textattack")
        result = attack.attack(text, 1)
        if not isinstance(result, ta.attack_results.SuccessfulAttackResult):
            return None
        made: str = result.perturbed_result.attacked_text.text
    edit = one_edit(text, made, where)
    return (edit,) if edit.start != edit.end or edit.text else None


@contextlib.contextmanager
def _as_it_was(seed: int) -> Iterator[None]:
    """The global generators draw from `seed` inside, and go on as if nothing had been drawn afterwards."""
    import numpy as np

    state, arrays = random.getstate(), np.random.get_state()
    random.seed(seed)  # textattack draws from the global generators
    np.random.seed(seed % 2**32)
    try:
        with silent():
            yield
    finally:
        random.setstate(state)
        np.random.set_state(arrays)


def _attack(recipe: str, ask: AskTexts, flipped: Callable[[float], bool], up: bool, budget: int, max_edits: int) -> Any:
    ta: Any = importlib.import_module("textattack")
    moves: Any = importlib.import_module("textattack.transformations")
    searches: Any = importlib.import_module("textattack.search_methods")
    rules: Any = importlib.import_module("textattack.constraints.pre_transformation")
    overlap: Any = importlib.import_module("textattack.constraints.overlap")
    swap, replace, drop, add, key = (
        moves.WordSwapNeighboringCharacterSwap(),
        moves.WordSwapRandomCharacterSubstitution(),
        moves.WordSwapRandomCharacterDeletion(),
        moves.WordSwapRandomCharacterInsertion(),
        moves.WordSwapQWERTY(),
    )
    synonyms = _synonym_swap(moves)
    both = moves.CompositeTransformation
    ways: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "deepwordbug": (lambda: searches.GreedyWordSwapWIR("unk"), lambda: both([swap, replace, drop, add])),
        "pruthi": (searches.GreedySearch, lambda: both([swap, drop, add, key])),
        "pwws": (lambda: searches.GreedyWordSwapWIR("weighted-saliency"), lambda: synonyms),
        "checklist": (searches.GreedySearch, lambda: both([moves.WordSwapExtend(), moves.WordSwapContract()])),
        "wir-delete": (
            lambda: searches.GreedyWordSwapWIR("delete"),
            lambda: both([swap, replace, drop, add, synonyms]),
        ),
        "wir-unk": (lambda: searches.GreedyWordSwapWIR("unk"), lambda: both([swap, replace, drop, add, synonyms])),
    }
    search, change = ways[recipe]
    limits = [rules.RepeatModification(), _protected(), overlap.MaxWordsPerturbed(max_num_words=max_edits)]
    goal = _goal(ask, flipped, up, budget)
    return ta.Attack(goal, limits, change(), search())


def _goal(ask: AskTexts, flipped: Callable[[float], bool], up: bool, budget: int) -> Any:
    """textattack's goal: a verdict that flips. No verdict is as far from a flip as can be."""
    worst = 0.0 if up else 1.0
    return goal_of_numbers(
        lambda texts: [worst if u is None else float(u) for u in ask(texts)],
        score=lambda u: u if up else 1 - u,
        complete=flipped,
        query_budget=int(budget),
        model_batch_size=_BATCH,
    )


def _protected() -> Any:
    """Only words that our own edits may touch: none in code, links or numbers, no negation, no number word."""
    base: Any = importlib.import_module("textattack.constraints").PreTransformationConstraint

    class Protected(base):  # type: ignore[misc]
        def _get_modifiable_indices(self, current: Any) -> set[int]:
            text: str = current.text
            spans = analyse(text).protected
            free = set(editable_words(text)[1]) | {(e[0].start, e[0].end) for e in synonym_edits(text) if e}
            found, at = set(), 0
            for index, word in enumerate(current.words):
                start = text.find(word, at)
                if start < 0:
                    continue
                at = start + len(word)
                plain = (start, at) in free or "'" in word or "’" in word
                if plain and not inside(spans, start):
                    found.add(index)
            return found

    return Protected()


def _synonym_swap(moves: Any) -> Any:
    """Our synonyms for the word where it stands; textattack hands over the word alone, so the first place counts."""

    class Synonyms(moves.WordSwap):  # type: ignore[misc]
        def _get_transformations(self, current: Any, indices: Any) -> list[Any]:
            text: str = current.text
            at, made = 0, []
            by_place = {(e[0].start, e[0].end): e for e in synonym_edits(text) if e}
            for index, word in enumerate(current.words):
                start = text.find(word, at)
                if start < 0:
                    continue
                at = start + len(word)
                if index in indices:
                    made += [current.replace_word_at_index(index, e.text) for e in by_place.get((start, at), ())]
            return made

    return Synonyms()
