"""What is wrong with a command line, in words that name the value and the fix: Typer's own messages name neither.

Here: empty values, values of the wrong type, arguments that no command takes. What values mean is checked where they
are used.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

from voirdire.harness.errors import UsageError

__all__ = ["complaint", "refuse_empty"]

_EXTRA = re.compile(r"unexpected extra arguments?(?:\(s\))? \((.*)\)$")
#: what Typer's message says of a number, by its version: what it is called here, with a value of it
_TYPES = {"valid integer": ("integer", "3"), "valid number": ("number", "0.5"), "valid float": ("number", "0.5")}


def refuse_empty(arguments: Sequence[str]) -> None:
    """Raises UsageError for a value that is empty, as that of a shell variable that is not set: taken as if it had been
    left out, it would have the default do something that nobody asked for."""
    for at, argument in enumerate(arguments):
        option = argument.removesuffix("=")
        if argument == "--":
            return
        if argument == "":
            before = arguments[at - 1] if at else ""
            name = before if before.startswith("-") else f"argument {at + 1}"
        elif option != argument and re.fullmatch(r"--[a-z-]+", option):
            name = option
        else:
            continue
        raise UsageError(f"{name} is empty", hint="Is a shell variable not set? Give it a value, or leave it out.")


def complaint(error: Any, arguments: Sequence[str]) -> str:
    """The message for a usage error of Typer."""
    said = str(error.format_message())
    extra = _EXTRA.search(said)
    if extra is not None:
        return _of_extra(error.ctx, extra[1], arguments)
    param, context = getattr(error, "param", None), getattr(error, "ctx", None)
    kind = next((kind for words, kind in _TYPES.items() if words in said), None)
    value, variable = _given(param, context, arguments)
    if param is None or value is None:
        return said
    name = variable or max(param.opts, key=len)
    if kind is None:
        return f"{name} {value!r}: {error.message}"
    return f"{name}{'=' if variable else ' '}{value!r} is no {kind[0]}\n{_example(param, variable, kind[1])}"


def _given(param: Any, context: Any, arguments: Sequence[str]) -> tuple[str | None, str | None]:
    """The value that was refused, and the variable of the environment that holds it; None where that is unknown."""
    if param is None or context is None:
        return None, None
    source = context.get_parameter_source(param.name)
    variable = getattr(param, "envvar", None)
    if source is not None and source.name == "ENVIRONMENT" and isinstance(variable, str):
        return os.environ.get(variable), variable
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in param.opts and equals:
            return value, None
        if name in param.opts and at + 1 < len(arguments):
            return arguments[at + 1], None
    return None, None


def _example(param: Any, variable: str | None, value: str) -> str:
    default = param.default
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        value = f"{default:g}"
    return f"Example: {variable}={value}." if variable else f"Example: {max(param.opts, key=len)} {value}"


def _of_extra(context: Any, extra: str, arguments: Sequence[str]) -> str:
    """Of arguments that the command does not take, with what was probably meant."""
    value = extra.split(" ")[0]
    said = f"voirdire {context.info_name} takes no argument {value!r}"
    options = {option: param for param in context.command.params for option in param.opts}
    at = arguments.index(value) if value in arguments else 0
    before = next((a for a in reversed(arguments[:at]) if a.startswith("-")), None)
    if (
        before is not None
        and at >= 2
        and arguments[at - 1] != before
        and getattr(options.get(before), "multiple", False)
    ):
        first = arguments[at - 1]
        return f"{said}\nRepeat the option: {before} {shlex.quote(first)} {before} {shlex.quote(value)}"
    if "--judge" in options:
        return f"{said}\nIf it names the judge: --judge {shlex.quote(value)}"
    return f"{said}\n`voirdire {context.info_name} --help` lists what it takes."
