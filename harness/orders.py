"""In which orders the answers of a case are shown.

Every order comes with its reverse: for a judge that follows the content, what the first slot gains in one it loses in
the other, so that slot preference is 0 whatever the answers are.
"""

from __future__ import annotations

import math
import random
from typing import Literal

from voirdire.harness.errors import NotApplicable

__all__ = ["MOST_TURNS", "Order", "Turns", "turns"]

#: `order[k]` is the index of the answer shown in slot k
Order = tuple[int, ...]
#: "both": forwards and backwards; "rotations": every answer in every slot; "permutations": orders drawn at random
Turns = Literal["both", "rotations", "permutations"]

#: so many further orders of one case at most
MOST_TURNS = 5


def turns(n: int, kind: Turns, rng: random.Random) -> list[tuple[Order, Order]]:
    """The further orders of `n` answers, each with its reverse: up to 5, none of them forwards or backwards.

    Rotations of more than six answers are the first five. Raises NotApplicable for fewer than three answers, which
    have no other orders.
    """
    if n < 3:
        raise NotApplicable("two answers have no orders but forwards and backwards")
    straight = tuple(range(n))
    if kind == "rotations":
        found = [straight[k:] + straight[:k] for k in range(1, min(n, MOST_TURNS + 1))]
    else:
        found = []
        seen = {straight, straight[::-1]}
        while len(found) < min(MOST_TURNS, math.factorial(min(n, 9)) // 2 - 1):
            drawn = sorted(straight, key=[rng.random() for _ in straight].__getitem__)
            if (order := tuple(drawn)) not in seen:
                seen |= {order, order[::-1]}
                found.append(order)
    return [(order, order[::-1]) for order in found]
