"""No text can be made to slow voirdire down: every regular expression takes time in proportion to what it reads.

Hostile texts are derived from each expression (tests/support/hostile.py). What is held is growth, not speed: four times
the text may take four times as long, not sixteen times.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable

import pytest
from hostile import QUADRATIC, growth, patterns_of, run_texts

import voirdire
import voirdire.suites.rows
from voirdire.harness.cases import Case
from voirdire.harness.errors import NotApplicable
from voirdire.harness.judges.parsing import PARSERS
from voirdire.harness.registry import PERTURBATIONS
from voirdire.harness.verdicts import Scale

_OPTIONAL = ("voirdire.harness.judges.packages", "voirdire.pytest_plugin", "voirdire.strategies")


def every_pattern() -> dict[str, re.Pattern[str]]:
    for module in pkgutil.walk_packages(voirdire.__path__, "voirdire."):
        if not module.name.startswith(_OPTIONAL) and "__main__" not in module.name:
            importlib.import_module(module.name)
    for part in ("harness", "perturbations", "suites", "reports"):
        package = importlib.import_module(f"voirdire.{part}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(_OPTIONAL):
                importlib.import_module(module.name)
    return patterns_of("voirdire")


def work_of(where: str, pattern: re.Pattern[str]) -> Callable[[str], object]:
    """How the code uses it: from the beginning of a text only, or at every place of it."""
    parts = where.split(".")
    module = next(m for k in range(len(parts), 0, -1) if (m := sys.modules.get(".".join(parts[:k]))) is not None)
    name = re.match(r"\w+", where[len(module.__name__) + 1 :])
    assert name is not None
    used = set(re.findall(rf"\b{name[0]}\.(\w+)\(", inspect.getsource(module)))
    if used and used <= {"match", "fullmatch"}:
        return lambda text: [getattr(pattern, method)(text) for method in used]
    return lambda text: [None for _ in pattern.finditer(text)]


def test_every_expression_takes_time_in_proportion() -> None:
    patterns = every_pattern()
    assert len(patterns) > 250
    slow = {}
    texts = 0
    for where, pattern in patterns.items():
        work = work_of(where, pattern)
        for text in run_texts(pattern):
            texts += 1
            # 100 kB in the end, but not at first: what is cubic there would never come back
            for size in (1_500, 50_000):
                ratio = growth(work, text, size=size, slow=0.02)
                if ratio > QUADRATIC:
                    slow[where] = f"x {ratio:.1f} for {pattern.pattern!r} on {text(30)!r}..."
                    break
    assert texts > 800
    assert not slow, "\n".join(f"{where}: {why}" for where, why in slow.items())


@pytest.mark.parametrize(
    ("pattern", "size", "linear"),
    [(r"(a+)+b", 10, False), (r"\s*,?\s*;", 200, False), (r"a+b", 1_500, False), (r"x[ab]+c", 20_000, True)],
)
def test_the_texts_find_what_is_slow(pattern: str, size: int, linear: bool) -> None:
    """On expressions that are known to be slow, at sizes at which they come back."""
    compiled = re.compile(pattern)

    def work(text: str) -> list[None]:
        return [None for _ in compiled.finditer(text)]

    worst = max(growth(work, text, size=size, slow=1e-4) for text in run_texts(compiled))
    assert (worst < QUADRATIC) is linear


#: what nobody writes, and what somebody might who wants a judge to hang
HOSTILE: dict[str, Callable[[int], str]] = {
    "blanks": lambda n: "Answer:" + " " * n + "x",
    "brackets": lambda n: "[" * n,
    "half a verdict": lambda n: "[[A" * (n // 3),
    "verdicts": lambda n: "[[A]] " * (n // 6),
    "quotes": lambda n: '"' * n,
    "lines": lambda n: "\n" * n + "A",
    "numbers": lambda n: "1." * (n // 2),
    "fences": lambda n: "```\n" * (n // 4),
    "json": lambda n: '{"a":' * (n // 5),
    "one word": lambda n: "a" * n,
    "marks": lambda n: "e" + "\u0301" * n,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", sorted(PARSERS))
def test_parsers(name: str, kind: str) -> None:
    parser = PARSERS[name]
    text = HOSTILE[kind]
    judged = (text(2_000), "b")

    def work(reply: str) -> None:
        for task in parser.tasks:
            parser.parse(reply, task=task, scale=Scale(), n=2, judged=judged)

    assert growth(work, text, size=50_000, slow=0.3) < QUADRATIC


EDITED = ("blanks", "brackets", "lines", "numbers", "one word", "marks")


@pytest.mark.parametrize("name", sorted(n for n in PERTURBATIONS if "textattack" not in n))
def test_perturbations(name: str) -> None:
    from voirdire.harness.followups import FollowUps

    def work(text: str) -> None:
        case = Case(
            "List three numbers in a table, at most 40 words.", (text, "b"), reference="r", rubric="a. b.", label=0
        )
        with contextlib.suppress(NotApplicable):
            FollowUps().make(name, case, 0)

    for kind in EDITED:
        assert growth(work, HOSTILE[kind], size=50_000, slow=0.3) < QUADRATIC, kind
