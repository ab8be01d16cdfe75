"""One question about numbers that were read from a file: can they be reckoned with?

JSON and TOML know whole numbers of any length, and `float(10**400)` and `math.isfinite(10**400)` raise OverflowError;
a comparison does not.
"""

from __future__ import annotations

import sys
from typing import TypeGuard

__all__ = ["is_finite"]


def is_finite(value: object) -> TypeGuard[int | float]:
    """Is `value` a number, no boolean, that is finite as a float?

    >>> [is_finite(x) for x in (1, -2.5, 10**400, float("nan"), True, "1")]
    [True, True, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max
