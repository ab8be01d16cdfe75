"""Judges made of judges: averages, juries, defences. `make_wrapper` makes one from its spec.

The same in Python: every wrapper is a function of judges, `swap_average(judge)`, in the file of its family. Importing
this package imports none of them.

    calls.py       asking members, each question once        base.py        what every wrapper owes to `Judge`
    combine.py     several verdicts made into one            table.py       names, parameters
    averaging.py  juries.py  splitting.py  length.py  escalate.py           better verdicts
    defences.py  defence_texts.py  prompting.py  detector.py  perplexity.py  ngrams.py        against attacks
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from voirdire.harness.judges.grammar import parse

if TYPE_CHECKING:
    from voirdire.harness.cases import Task
    from voirdire.harness.judges.base import Judge
    from voirdire.harness.judges.spec import JudgeOptions

__all__ = ["make_wrapper"]


def make_wrapper(spec: str, options: JudgeOptions, make: Callable[[str, JudgeOptions], Judge]) -> Judge:
    """The judge of a wrapper's spec. Members are made by `make` (`make_judge`) with the same options, so that the
    resolver of names sees each of them. Raises UsageError."""
    from voirdire.harness.judges.wrappers.table import build

    def member(text: str, *, task: Task | None = None) -> Judge:
        # a judge of another task has a prompt and a parser of its own
        return make(text, options if task is None else replace(options, task=task, prompt=None, parse=None))

    return build(parse(spec), member)
