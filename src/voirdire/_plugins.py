"""A user's own probes: `--plugin my_probes.py` or `--plugin my_package.probes`, before anything else is looked up.

Importing the file registers what it decorates (docs/extending.md has the template). Installed packages need no option:
they name their module under the entry-point group `voirdire.probes`. Not here: the registries (harness/registry.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from voirdire.harness.errors import UsageError, VoirdireError, located
from voirdire.harness.judges.python_target import add_to_path

__all__ = ["load_plugin", "load_plugins"]

_PREFIX = "voirdire_plugin_"


def load_plugins(specs: Iterable[str]) -> list[ModuleType]:
    """Import each plugin once, in order. Raises UsageError naming the plugin, its file and the line."""
    return [load_plugin(spec) for spec in specs]


def load_plugin(spec: str) -> ModuleType:
    """The module of `FILE.py` or `package.module`. One that was loaded before is not run again.

    If it fails, all it registered is taken back, so that it can be mended and loaded again.
    """
    if spec.endswith(".py"):
        return _from_file(Path(spec), spec)
    if not all(part.isidentifier() for part in spec.split(".")):
        raise UsageError(
            f"--plugin {spec!r} is neither a Python file nor a module", hint="Write my_probes.py or my_package.probes."
        )
    add_to_path(Path.cwd())
    with _explained(spec, None):
        return importlib.import_module(spec)


def _from_file(path: Path, spec: str) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"--plugin {spec}: there is no such file", hint=f"The working directory is {Path.cwd()}.")
    path = path.resolve()
    name = f"{_PREFIX}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    plan = importlib.util.spec_from_file_location(name, path)
    assert plan is not None
    module = importlib.util.module_from_spec(plan)
    add_to_path(path.parent)  # for its neighbours
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        with _explained(spec, str(path)):
            # compiled afresh: bytecode kept for a file of the same size and second would be that of its last version
            exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def _explained(spec: str, file: str | None) -> Iterator[None]:
    """Errors name the plugin's line; what was registered before one is taken back."""
    from voirdire.harness.registry import PERTURBATIONS
    from voirdire.suites.rows import PROBES

    # before the plugin is: a name that it takes must clash in the plugin's line, not in an installed package's
    len(PROBES), len(PERTURBATIONS)
    try:
        with PERTURBATIONS.all_or_nothing(), PROBES.all_or_nothing():
            yield
    except VoirdireError as error:
        where = located(error, file).partition(f": {type(error).__name__}")[0]
        place = f" ({where})" if "line" in where else ""
        raise UsageError(f"plugin {spec}{place}: {error.message}", hint=error.hint) from error
    except SystemExit as error:
        raise UsageError(f"plugin {spec} called exit({error.code!r})") from None
    except Exception as error:
        raise UsageError(f"plugin {spec} could not be loaded: {located(error, file)}") from error
