"""Random draws that come out the same on every machine, Python version and PYTHONHASHSEED.

Only `Random.random()` is used: its stream for a given integer seed is guaranteed, while `choice`, `sample` and
`shuffle` have changed between Python versions. Perturbations draw through these functions and nothing
else; harness/followups.py makes the generators.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["below", "pick", "sample", "shuffled"]

T = TypeVar("T")


def below(rng: random.Random, n: int) -> int:
    """A whole number in [0, n), n at least 1."""
    return int(rng.random() * n)


def pick(rng: random.Random, items: Sequence[T]) -> T:
    """One of `items`, which may not be empty."""
    return items[int(rng.random() * len(items))]


def sample(rng: random.Random, items: Sequence[T], k: int) -> list[T]:
    """`k` different places of `items` in random order (all of them if there are fewer): a partial Fisher-Yates."""
    pool = list(items)
    n = len(pool)
    k = min(k, n)
    draw = rng.random
    for i in range(k):
        j = i + int(draw() * (n - i))
        pool[i], pool[j] = pool[j], pool[i]
    return pool[:k]


def shuffled(rng: random.Random, items: Sequence[T]) -> list[T]:
    """`items` in random order."""
    return sample(rng, items, len(items))
