"""Every wrapper by its name in a spec: how many members it takes, its parameters, and the function that makes it.

Adding a wrapper is a function in a file beside this one and a row here. Not here: the grammar (judges/grammar.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.base import Judge
from voirdire.harness.judges.grammar import WrapperSpec
from voirdire.harness.judges.wrappers.averaging import majority, mean, mec, swap_average
from voirdire.harness.judges.wrappers.defences import delimit, neutralise, retokenise, strip_markup
from voirdire.harness.judges.wrappers.detector import THEN, detector
from voirdire.harness.judges.wrappers.escalate import escalate
from voirdire.harness.judges.wrappers.juries import RULES, jury, wide_and_deep
from voirdire.harness.judges.wrappers.length import length_control
from voirdire.harness.judges.wrappers.perplexity import perplexity_window
from voirdire.harness.judges.wrappers.prompting import evidence_first, sandwich, warn
from voirdire.harness.judges.wrappers.splitting import split_and_merge

__all__ = ["WRAPPERS", "Wrapper", "build"]

#: text of a spec -> value; ValueError says what it must be
Read = Callable[[str], Any]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number") from None


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("a number") from None
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number


def _flag(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("yes or no")
    return text.lower() == "yes"


def _one_of(words: tuple[str, ...]) -> Read:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return text

    return read


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`make(*members, **params)`. `judges`: parameters that are specs themselves, and the task of those judges."""

    make: Callable[..., Judge]
    summary: str
    source: str
    params: Mapping[str, Read] = field(default_factory=dict)
    judges: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    most: int | None = 1


_K = {"k": _whole}
_FAIREVAL = "Wang et al. 2023, arXiv:2305.17926"
_ROBUST = "RobustJudge, arXiv:2506.09443"
_JAIN = "Jain et al. 2023, arXiv:2309.00614"

WRAPPERS: Mapping[str, Wrapper] = {
    "swap_average": Wrapper(swap_average, "both orders, averaged", f"BPC of {_FAIREVAL}", _K),
    "mean": Wrapper(mean, "several samples, averaged", _FAIREVAL, _K),
    "majority": Wrapper(majority, "several samples, one vote each", "voirdire", _K),
    "mec": Wrapper(
        mec, "evidence first, several samples, both orders", f"MEC and BPC of {_FAIREVAL}", {**_K, "swap": _flag}
    ),
    "evidence_first": Wrapper(evidence_first, "asks for the evidence before the verdict", _FAIREVAL),
    "split_and_merge": Wrapper(
        split_and_merge, "part by part where the orders contradict each other", "PORTIA, arXiv:2310.01432", _K
    ),
    "length_control": Wrapper(
        length_control,
        "takes the part of length out of the log-odds",
        "Dubois et al. 2024, arXiv:2404.04475",
        {"phi": _number, "characters": _number, **_K},
        required=("phi", "characters"),
    ),
    "jury": Wrapper(jury, "several judges", "PoLL, arXiv:2404.18796", {"rule": _one_of(RULES)}, most=None),
    "wide_and_deep": Wrapper(
        wide_and_deep, "one model in several roles, twice", "WideDeep, arXiv:2308.01862", {"width": _whole}
    ),
    "escalate": Wrapper(
        escalate,
        "uncertain cases go to a second judge, or to a person",
        f"BPDE of {_FAIREVAL}",
        {"above": _number, **_K},
        most=2,
    ),
    "warn": Wrapper(warn, "warns the judge before it reads the answers", _ROBUST),
    "sandwich": Wrapper(sandwich, "restates the task behind the answers", _ROBUST),
    "delimit": Wrapper(delimit, "answers between lines that they cannot forge", _ROBUST),
    "strip_markup": Wrapper(strip_markup, "answers without markup and hidden text", "voirdire"),
    "neutralise": Wrapper(neutralise, "answers without sentences that speak to a judge", "voirdire"),
    "retokenise": Wrapper(retokenise, "answers with some words broken", f"{_JAIN}; {_ROBUST}", {"rate": _number}),
    "perplexity_window": Wrapper(
        perplexity_window,
        "answers with a stretch of gibberish lose",
        f"{_JAIN}; {_ROBUST}",
        {"fpr": _number, "bits": _number, "clean": str, "then": _one_of(THEN)},
    ),
    "detector": Wrapper(
        detector,
        "answers that look like an attack lose",
        _ROBUST,
        {"phrases": str, "then": _one_of(THEN)},
        judges={"by": "grade"},
    ),
}


def build(spec: WrapperSpec, make: Callable[..., Judge]) -> Judge:
    """The judge of one level. `make(text)` makes a member, `make(text, task=...)` a judge of another task.

    Raises UsageError naming the wrapper, the parameter and what it takes.
    """
    wrapper = WRAPPERS.get(spec.name)
    if wrapper is None:
        raise UsageError(f"there is no wrapper called {spec.name!r}", hint=nearest(spec.name, WRAPPERS))
    if wrapper.most is not None and len(spec.members) > wrapper.most:
        takes = "one judge" if wrapper.most == 1 else f"at most {wrapper.most} judges"
        raise UsageError(
            f"{spec.name} takes {takes}, got {len(spec.members)}",
            hint="Parameters stand behind a semicolon: wrapper(SPEC; k=3).",
        )
    params: dict[str, Any] = {}
    for key, text in spec.params.items():
        if key in wrapper.judges:
            params[key] = make(text, task=wrapper.judges[key])
        elif key in wrapper.params:
            params[key] = _read(spec.name, key, text, wrapper.params[key])
        else:
            known = [*wrapper.params, *wrapper.judges]
            hint = nearest(key, known) if known else f"{spec.name} has none."
            raise UsageError(f"{spec.name} has no parameter {key!r}", hint=hint)
    for key in wrapper.required:
        if key not in params:
            raise UsageError(f"{spec.name} needs the parameter {key}", hint="docs/wrappers.md says how to find it.")
    return wrapper.make(*(make(member) for member in spec.members), **params)


def _read(wrapper: str, key: str, text: str, read: Read) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(f"{wrapper}: {key}={text!r} must be {error}") from None
