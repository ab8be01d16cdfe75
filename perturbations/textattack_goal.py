"""textattack's goal where a text is worth one number: what the recipes for single texts (textattack_recipes.py) and the
searches for phrases (search/textattack_phrases.py) hand it. Not here: loading textattack (textattack_bridge.py)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["goal_of_numbers"]


def goal_of_numbers(
    ask: Callable[[list[str]], list[float]],
    *,
    score: Callable[[float], float],
    complete: Callable[[float], bool],
    **options: Any,
) -> Any:
    """A goal function whose "model" is `ask`, texts to numbers. A text scores `score` of its number, and the goal is
    reached where `complete` says so of it; `options` are textattack's own. textattack must be loaded."""
    ta: Any = importlib.import_module("textattack")
    result: Any = importlib.import_module("textattack.goal_function_results").GoalFunctionResult
    base: Any = importlib.import_module("textattack.goal_functions").GoalFunction

    class Number(result):  # type: ignore[misc]  # textattack is untyped
        def get_text_color_input(self) -> str:
            return "red"

        def get_text_color_perturbed(self) -> str:
            return "blue"

        def get_colored_output(self, color_method: Any = None) -> str:  # noqa: ARG002
            return f"{self.output:.3f}"

    class Model(ta.models.wrappers.ModelWrapper):  # type: ignore[misc]
        def __init__(self) -> None:
            self.model = self

        def __call__(self, texts: Sequence[str]) -> list[float]:
            return ask(list(texts))

    class Goal(base):  # type: ignore[misc]
        def _process_model_outputs(self, _inputs: Any, outputs: Sequence[float]) -> list[float]:
            return [float(o) for o in outputs]

        def _get_score(self, output: float, _text: Any) -> float:
            return score(output)

        def _is_goal_complete(self, output: float, _text: Any) -> bool:
            return complete(output)

        def _goal_function_result_type(self) -> Any:
            return Number

    return Goal(Model(), **options)
