"""Random draws that come out the same on every machine, Python version and PYTHONHASHSEED.

Only `Random.random()` is used: its stream for a given integer seed is guaranteed, while `choice`, `sample` and
`shuffle` have changed between Python versions. Perturbations draw through these functions and nothing else.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["below", "pick", "rng_for", "sample", "shuffled"]

T = TypeVar("T")


def rng_for(seed: int, case_key: str, name: str) -> random.Random:
    """The generator of one perturbation on one case.

    `case_key` is the content hash of the case (`harness.cases.shown_hash`), `name` the perturbation's name. Seeded
    from the SHA-256 of the three, so neither the order of cases nor other perturbations move it.
    """
    digest = hashlib.sha256(f"{seed}\x1f{case_key}\x1f{name}".encode("utf-8", "surrogatepass")).digest()
    return random.Random(int.from_bytes(digest, "big"))


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
