"""The sandbox that templates run in: they read no file, reach no Python, and fill no memory.

Prompts come with pull requests. Jinja's immutable sandbox keeps a template from Python; here are bounds on what texts
may grow to, since `{% set a = a ~ a %}` thirty times over makes 10 characters into 10 billion. Whatever makes a text or
a list longer (`~`, `+`, blocks, filters, methods of texts) is paid for out of one sum a rendering, before it is made
where it could be large at once. Not here: prompts (prompts.py), request templates (json_template.py).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import do_indent, do_join
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

__all__ = ["ENVIRONMENT", "new_sum"]

#: characters that one rendering may make, those in between included; a judge reads a few millions at most
MOST_CHARACTERS = 50_000_000
#: what an entry of a list costs beside its text
_ENTRY = 32
#: filters and methods that make a text as long as their argument says, so that 30 characters could fill the memory
_PADDING = ("batch", "center", "format", "slice", "wordwrap")
_STRETCHING = frozenset(("center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"))


class _Sum(threading.local):
    left = MOST_CHARACTERS


_SUM = _Sum()


def new_sum() -> None:
    """Another rendering begins in this thread."""
    _SUM.left = MOST_CHARACTERS


def _afford(size: int) -> None:
    if size > _SUM.left:
        raise SecurityError(f"texts that grow beyond {MOST_CHARACTERS:,} characters")


def _paid(value: Any) -> Any:
    """`value`, which has just been made."""
    if isinstance(value, (str, list, tuple, dict)):
        size = _size(value)
        _afford(size)
        _SUM.left -= size
    return value


def _size(value: Any) -> int:
    """Characters of `value` as a text, about; not counted on beyond what is affordable, as a list may hold itself many
    times over."""
    if isinstance(value, str):
        return len(value)
    total, waiting = 0, [value]
    while waiting and total <= _SUM.left:
        one = waiting.pop()
        total += _ENTRY + (len(one) if isinstance(one, str) else 0)
        if isinstance(one, (list, tuple)):
            waiting += one
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
    return total


def _text(value: Any) -> str:
    if not isinstance(value, str):
        _afford(_size(value))
    return str(value)


def _concat(parts: Iterable[str]) -> str:
    """What blocks, macros and whole templates are put together with."""
    return "".join(_paid(part) for part in parts)


def _replaced(text: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, old, new = _text(text), _text(old), _text(new)
    most = text.count(old) if old else len(text) + 1
    times = most if count is None or count < 0 else min(most, count)
    _afford(len(text) + times * (len(new) - len(old)))
    made: str = _paid(text.replace(old, new, -1 if count is None else count))
    return made


@pass_eval_context
def _join(context: nodes.EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    entries = list(value)
    _afford(_size(entries) + len(_text(d)) * len(entries))
    made: str = _paid(do_join(context, entries, d, attribute))
    return made


def _indent(text: str, width: int = 4, first: bool = False, blank: bool = False) -> str:
    """Jinja's filter, at most 40 columns."""
    if not isinstance(width, int) or not 0 <= width <= 40:
        raise SecurityError("indent takes a width of at most 40")
    return do_indent(text, width, first, blank)


def _bounded(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that makes of a text or a list some times as much at most."""

    @functools.wraps(filter_)
    def bounded(*arguments: Any, **named: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, (list, tuple, dict)):
                _afford(_size(argument))
        return _paid(filter_(*arguments, **named))

    return bounded


class _Generator(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802  (Jinja's name)
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("*", "**", "%", "+"))
    code_generator_class = _Generator
    concat = staticmethod(_concat)

    def joined(self, parts: Iterable[Any]) -> str:
        """`a ~ b`."""
        return "".join(_paid(_text(part)) for part in parts)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator == "+" and not numbers:
            _afford(_size(left) + _size(right))
            return _paid(super().call_binop(context, operator, left, right))
        if operator == "**" or not numbers or max(abs(left), abs(right)) > 1e9:
            raise SecurityError(f"{operator} is for small numbers")
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        owner, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(owner, str) and name == "replace":
            return _replaced(owner, *args, **kwargs)
        if isinstance(owner, str) and name == "join" and len(args) == 1:
            return _join(__context.eval_ctx, args[0], owner)
        return _paid(super().call(__context, __obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> None:
        """No text is formatted: the sandbox's own `format` is safe, but a width in it is not."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not (isinstance(obj, str) and attr in _STRETCHING) and super().is_safe_attribute(obj, attr, value)


def _shown(value: Any) -> Any:
    """What `{{ value }}` writes."""
    if isinstance(value, (list, tuple, dict)):
        _afford(_size(value))
    return value


def _environment() -> _Sandbox:
    env = _Sandbox(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, loader=None, finalize=_shown
    )
    env.globals.clear()  # lipsum, cycler and the like lead to Python's own globals; a prompt needs none of them
    for name in _PADDING:
        del env.filters[name]
    env.filters["indent"] = _indent
    env.filters.update({name: _bounded(made) for name, made in env.filters.items()})
    env.filters.update(replace=_replaced, join=_join)
    return env


#: immutable: one for all templates
ENVIRONMENT = _environment()
