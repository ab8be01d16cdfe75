"""What a suite says of the paper it follows, and what a run measured beside the paper's own numbers.

Plain data: suites/suite_file.py fills `Paper` from TOML, statistics/suite_metrics.py turns it into a `PaperResult`,
the reports render that. Not here: formulas (statistics/metric_*.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Paper", "PaperResult", "Published", "SuiteMetric", "arxiv_url"]

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def arxiv_url(text: str) -> str:
    """The address of the first arXiv id in `text`; "" where there is none."""
    found = _ARXIV.search(text)
    return f"https://arxiv.org/abs/{found[1]}" if found else ""


@dataclass(frozen=True, slots=True)
class Published:
    """A number as it was published: of which judge, under which metric, for which group of probes ("": all)."""

    judge: str
    metric: str
    value: float
    group: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper behind a suite, in our words.

    `relation` says what must hold, `target` what is attacked, `chance` what a judge that tosses a coin would get.
    `metrics` are names of the metric catalogue; `groups` collects probes (by name) under a name of the paper's, and
    then every metric of probes is given a group. `slices` is a field of the cases' meta: the group of a published
    number about unchanged cases is then a part of them, those with this value. `data` are the loaders' names of the
    data the paper used, `data_note` says what those are; `prompts` the protocols that come nearest to the paper's;
    `compare` specs to compare with, in which JUDGE stands for the judge.
    """

    title: str
    paper: str = ""
    url: str = ""
    relation: str = ""
    target: str = ""
    chance: str = ""
    metrics: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    slices: str = ""
    published: tuple[Published, ...] = ()
    data: tuple[str, ...] = ()
    data_note: str = ""
    prompts: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteMetric:
    """A published metric on this judge, over all probes of `group` together.

    `low`, `high` is a 95 % interval over clusters of cases (None: too few), `n` what the value rests on, `left_out`
    what was dropped for a null, `chance` the value of a judge that tosses a coin (None: there is none).
    """

    metric: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    left_out: int
    chance: float | None
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperResult:
    """Our numbers and the published ones of one suite. They are never of the same cases unless its data were used."""

    title: str
    paper: str
    url: str
    chance: str
    metrics: tuple[SuiteMetric, ...]
    published: tuple[Published, ...]
