"""Judges that people already have: objects of other evaluation packages, taken as they are by `python:module:name`.

    adapt(target)   what stands for `target` where it belongs to a package known here, else None

One file a package. Each is imported only when an object says by its class's module that it belongs to that package, so
none of the packages is needed, imported or looked for otherwise. Not here: calling what comes out (python_judge.py).
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voirdire.harness.cases import Task
from voirdire.harness.judges.packages.base import BlockingRatingJudge, PackageJudge, RatingJudge
from voirdire.harness.verdicts import Scale

__all__ = ["PACKAGES", "Package", "adapt", "no_telemetry", "task_of"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose judges are understood. `roots`: its top-level modules; `adapter`: the module here whose
    `adapt(target, task, scale)` makes a judge of one of its objects; `quiet`: what keeps it from phoning home."""

    roots: tuple[str, ...]
    adapter: str
    quiet: tuple[tuple[str, str], ...] = ()


PACKAGES: tuple[Package, ...] = (
    Package(("deepeval",), "deepeval_metric", (("DEEPEVAL_TELEMETRY_OPT_OUT", "1"),)),
    Package(("inspect_ai",), "inspect_scorer"),
    Package(("openevals",), "openevals_judge"),
    Package(
        ("mlflow",),
        "mlflow_scorer",
        # the second: prices are fetched from the network otherwise, those in the package do
        (("MLFLOW_DISABLE_TELEMETRY", "true"), ("MLFLOW_MODEL_CATALOG_URI", "")),
    ),
    Package(("transformers",), "reward_model"),
    Package(("langchain", "langchain_classic"), "langchain_evaluator"),
)


def adapt(target: Any, task: Task | None = None, scale: Scale | None = None) -> PackageJudge | None:
    """A judge made of `target`, or None where it is of no package known here or says itself how it judges. What an
    adapter has made already stays as it is.

    Raises UsageError where it is of such a package and cannot judge a case, or not this task.
    """
    if isinstance(target, (RatingJudge, BlockingRatingJudge)):
        return target
    if callable(getattr(target, "judge", None)):
        return None
    package = _package_of(target)
    if package is None:
        return None
    no_telemetry()
    module = importlib.import_module(f"{__name__}.{package.adapter}")
    make: Callable[[Any, Task | None, Scale | None], PackageJudge | None] = module.adapt
    return make(target, task, scale)


def task_of(target: Any) -> Task | None:
    """What `target` judges by its own word: its attribute `task`, or what its package says."""
    task: Task | None = getattr(target, "task", None)
    if task is not None or isinstance(target, str):
        return task
    adapted = adapt(target)
    return adapted.task if adapted is not None else None


def no_telemetry() -> None:
    """Switch off what these packages report to their makers, where the user has not decided about it.

    Called before a user's module is imported, as some report at import.
    """
    for package in PACKAGES:
        for name, value in package.quiet:
            os.environ.setdefault(name, value)


def _package_of(target: Any) -> Package | None:
    roots = _roots(target)
    return next((package for package in PACKAGES if roots.intersection(package.roots)), None)


def _roots(target: Any) -> set[str]:
    """The top-level modules that `target`, its classes and what its package has written on it come from."""
    if isinstance(target, functools.partial):
        target = target.func
    subject = target if inspect.isclass(target) else type(target)
    modules = [c.__module__ for c in subject.__mro__]
    if inspect.isroutine(target):
        modules.append(getattr(target, "__module__", None) or "")
        # inspect_ai marks the user's own functions
        marks = getattr(target, "__dict__", {})
        modules += [type(mark).__module__ for name, mark in marks.items() if name.startswith("__registry")]
    return {module.partition(".")[0] for module in modules}
