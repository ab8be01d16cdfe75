"""Finding the Python object a spec names, what tells it from another one, and where in its code an error arose.

Not here: calling it and reading its answers (python_judge.py).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from voirdire.harness.cases import Task, content_hash
from voirdire.harness.errors import UsageError, nearest, redact
from voirdire.harness.verdicts import Scale

__all__ = ["add_to_path", "describe", "fingerprint", "globals_of", "load", "plain", "qualname", "source_of"]


#: modules loaded from a path are called this, the file's name and a hash of the path
_FILE_MODULE = "voirdire_judge_"


def load(spec: str) -> Any:
    """The object a `python:` spec names."""
    where, _, name = spec.removeprefix("python:").rpartition(":")
    if not where or not name:
        hint = "Write python:package.module:callable or python:path/to/file.py:name."
        raise UsageError(f"{spec!r} does not name a callable", hint=hint)
    try:
        module = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    except UsageError as error:
        raise UsageError(f"{spec}: {error.message}", hint=error.hint) from None
    except (Exception, SystemExit) as error:
        raise UsageError(f"{spec} could not be imported: {describe(error)}") from None
    target: Any = module
    for part in name.split("."):
        try:
            target = getattr(target, part)
        except AttributeError:
            known = [k for k in dir(target) if not k.startswith("_")]
            file = getattr(module, "__file__", None) or where
            raise UsageError(f"{spec}: there is no {part!r} in {file}", hint=nearest(part, known)) from None
    return target


def _load_module(name: str) -> ModuleType:
    # At the end, so that a file of the directory being tested cannot stand in for an installed package. It stays, as
    # the module may import its neighbours later.
    add_to_path(Path.cwd())
    return importlib.import_module(name)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint=f"The working directory is {Path.cwd()}.")
    path = path.resolve()
    name = f"{_FILE_MODULE}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    plan = importlib.util.spec_from_file_location(name, path)
    assert plan is not None
    assert plan.loader is not None
    module = importlib.util.module_from_spec(plan)
    add_to_path(path.parent)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    try:
        plan.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def add_to_path(folder: Path) -> None:
    """At the end, so that nothing in it can stand in for an installed package."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def qualname(target: Any) -> str:
    named = target if hasattr(target, "__qualname__") else type(target)
    module = str(getattr(named, "__module__", "?"))
    if module.startswith(_FILE_MODULE):
        # Without the hash of its folder: the same file in another checkout is the same judge.
        module = module.removeprefix(_FILE_MODULE).rpartition("_")[0]
    return f"{module}:{named.__qualname__}"


def fingerprint(
    target: Any,
    call: Any,
    task: Task,
    scale: Scale,
    version: str | None,
    *,
    identity: Mapping[str, Any] | None = None,
) -> str:
    """Module, name, version, source and plain state (closure, defaults, attributes, globals that are read), hashed.

    State is in it because two judges of one factory share all the rest, and a prompt is often a constant of the module.
    It must not change from run to run, so it holds plain values only, and no addresses. `identity`: what the judge
    of another package says tells it from another one.
    """
    shape = {"task": task, "scale": [scale.low, scale.high] if task == "score" else None, "version": version}
    if identity is not None:
        return content_hash({"kind": "package", **shape, "identity": dict(identity)})
    return content_hash(
        {
            "kind": "python",
            "name": qualname(target),
            "source": source_of(target),
            "state": plain(target, depth=3),
            "call": getattr(call, "__qualname__", None),
            "globals": globals_of(call),
            **shape,
        }
    )


def source_of(target: Any) -> str | None:
    """The source of a function, or of an object's class; of a wrapped function that of all layers."""
    subject = target if inspect.isroutine(target) or isinstance(target, functools.partial) else type(target)
    try:
        inner = inspect.unwrap(subject)
        # getsource itself goes to the innermost layer, whose wrappers may say something else
        layers = [] if inner is subject or not hasattr(subject, "__code__") else [inspect.getsource(subject.__code__)]
        return "".join([*layers, inspect.getsource(inner)])
    except (TypeError, OSError):
        return None


def globals_of(call: Any) -> Any:
    """The constants of its module that a function reads, as plain data."""
    function = inspect.unwrap(getattr(call, "__func__", call))
    if not inspect.isfunction(function):
        return None
    read = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
    return plain({k: v for k, v in read.items() if isinstance(v, _DATA)}, depth=4)


_DATA = (bool, int, float, str, list, tuple, dict)
_SECRET_NAME = ("key", "token", "secret", "password")


def plain(value: Any, *, depth: int) -> Any:
    """`value` as JSON data that is the same in every run; a name of its type where it holds more."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if depth == 0:
        return type(value).__qualname__
    inner = functools.partial(plain, depth=depth - 1)
    if isinstance(value, (list, tuple)):
        return [inner(v) for v in value]
    if isinstance(value, Mapping):
        # A key that is rotated makes no other judge.
        return {str(k): inner(v) for k, v in value.items() if not str(k).lower().endswith(_SECRET_NAME)}
    if isinstance(value, functools.partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if inspect.isfunction(value):
        names = value.__code__.co_freevars
        cells = {}
        for cell_name, cell in zip(names, value.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # a cell that is not filled yet
                cells[cell_name] = cell.cell_contents
        # what it closes over is as near as its defaults; `plain` of a mapping leaves keys of services out
        return [
            value.__qualname__, inner(value.__defaults__), inner(value.__kwdefaults__), plain(cells, depth=depth)
        ]  # fmt: skip
    if inspect.ismethod(value):
        return [value.__qualname__, inner(value.__self__)]
    attributes = getattr(value, "__dict__", None)
    if not isinstance(attributes, dict) or inspect.isclass(value) or inspect.ismodule(value):
        return type(value).__qualname__
    return [type(value).__qualname__, plain(attributes, depth=depth)]


def describe(error: BaseException) -> str:
    """`ValueError: what it says (file.py:12)`, without the keys of the environment."""
    secrets = [v for k, v in os.environ.items() if k.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(v) >= 8]
    if isinstance(error, SyntaxError) and error.filename:
        where: str | None = f"{Path(error.filename).name}:{error.lineno}"
        text = error.msg
    else:
        where, text = _user_frame(error.__traceback__), str(error)
    text = redact(" ".join(text.split()), secrets)
    text = text if len(text) <= 300 else text[:299] + "…"
    return f"{type(error).__name__}: {text}" + (f" ({where})" if where else "")


def _user_frame(trace: TracebackType | None) -> str | None:
    """`file.py:12` of the deepest frame that is neither Python's, an installed package's nor voirdire's own."""
    ours = [str(Path(__file__).parent), "<frozen ", sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")]
    frames = [f for f in traceback.extract_tb(trace) if not f.filename.startswith((ours[0], ours[1]))]
    own = [f for f in frames if not f.filename.startswith(tuple(ours))] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else None
