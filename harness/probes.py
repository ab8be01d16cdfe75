"""What is tested: a `Probe` (perturbation + relation + target + tolerance) and a `Suite` (a named list of them).

Only the types live here. The built-in rows are in the `suites` folder, the perturbations in `perturbations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from voirdire.harness.cases import ALL_TASKS, Case, Task
from voirdire.harness.orders import Turns
from voirdire.harness.papers import Paper
from voirdire.harness.relations import Relation

__all__ = [
    "DEFAULT_ACCURACY_FLOOR",
    "DEFAULT_MIN_DROP",
    "DEFAULT_TOLERANCE",
    "Opponent",
    "Probe",
    "Setups",
    "Suite",
    "Target",
    "no_setups",
]

DEFAULT_TOLERANCE = 0.10
DEFAULT_MIN_DROP = 0.10
#: pairwise accuracy below which a judge does not tell good answers from bad
DEFAULT_ACCURACY_FLOOR = 0.60

#: which response is edited: the worse or better one by label ("each" in turn where the label does not say), or each
Target = Literal["worse", "better", "each"]
#: beside what an edited answer of a pair is shown
Opponent = Literal["other", "twin"]


class Setups(Protocol):
    """Why a judge cannot be asked about `case` (None: about any) under the setup `name`; None if it can."""

    def __call__(self, name: str, case: Case | None = None, /) -> str | None: ...


def no_setups(_name: str, _case: Case | None = None, /) -> str | None:
    """Why a judge cannot be asked under a setup, of one that has no prompt of ours."""
    return "this judge is not asked with a prompt of voirdire's"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question put to a judge, under its published name.

    `perturbation` is the registered name of the edit (None for probes that only reorder or repeat). `tolerance` and
    `min_drop` are in utility units; None takes the suite's. `sham` says whether the edit is also compared with its
    placebo, `counterpart` that this says the same with another value in it ("a woman", "a man") and is what the edit is
    to be compared with. `metrics` names the papers' metrics computed from the same calls. `orders` are those in which
    an EQUIVARIANT probe shows three or more answers. `setup` is a change of the judge's prompt instead of an edit.
    `opponent` "twin": the edited answer stands beside itself unedited, and the source is that text twice (a tie).
    """

    name: str
    relation: Relation
    summary: str
    source: str
    perturbation: str | None = None
    target: Target = "worse"
    dose: float = 1.0
    sham: bool = False
    counterpart: bool = False
    tolerance: float | None = None
    min_drop: float | None = None
    tasks: tuple[Task, ...] = ALL_TASKS
    metrics: tuple[str, ...] = ()
    orders: Turns = "both"
    setup: str | None = None
    opponent: Opponent = "other"

    @property
    def family(self) -> str:
        return self.name.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Suite:
    """A named list of probes with its tolerances and size.

    `samples` is the number of calls an arm gets per case and order; sources get at least 2 (the repeat is the retest
    arm). `cases` is how many cases the suite recommends; None takes all that are given. `max_calls` caps the plan by
    dropping cases, for suites that promise a size. `tasks` are those of the judges it is meant for, `needs`
    the fields ("context", ...) without which its built-in cases would make no sense. `paper` is what it
    follows, with the published numbers.
    """

    name: str
    summary: str
    probes: tuple[Probe, ...]
    samples: int = 1
    cases: int | None = None
    tolerance: float = DEFAULT_TOLERANCE
    min_drop: float = DEFAULT_MIN_DROP
    accuracy_floor: float = DEFAULT_ACCURACY_FLOOR
    max_calls: int | None = None
    source: str = "voirdire"
    tasks: tuple[Task, ...] = ALL_TASKS
    needs: tuple[str, ...] = ()
    paper: Paper | None = None

    def tolerance_of(self, probe: Probe) -> float:
        return self.tolerance if probe.tolerance is None else probe.tolerance

    def min_drop_of(self, probe: Probe) -> float:
        return self.min_drop if probe.min_drop is None else probe.min_drop
