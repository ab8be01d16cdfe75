"""JSON with templates for texts, and paths into JSON: what `http:` judges build requests of and find answers with.

**Templates fill texts, never structure.** A body is JSON data first, and each of its texts is a Jinja template in the
sandbox of the prompts; so whatever a judged answer holds, quotes and braces included, it stays inside of its text. A
text that is one `{{ expression }}` and nothing else keeps the type of its value: `"{{ responses }}"` is a list.

**Paths** are a small part of JSONPath that finds one value: `$.result.scores[0]`, `$['odd name'].x`, `$[-1]`; `$` is
the whole reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from voirdire.harness.cases import Case, Task
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.prompts import PromptProtocol, known_variables, variables_of
from voirdire.harness.verdicts import Scale

__all__ = ["MISSING", "JsonTemplate", "Path", "find", "parse_path", "shown"]

#: what `find` returns where a path leads nowhere: JSON's own null is a value
MISSING: Final = object()

_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(-?\d{1,9})\]|\['([^'\]]+)'\]|\["([^"\]]+)"\]""")
#: one expression and nothing around it; a second pair of braces inside would make it two
_EXPRESSION = re.compile(r"\s*\{\{-?((?:(?!\{\{|\}\}).)+?)-?\}\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path: names and indices, from the top."""

    text: str
    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        return self.text


def parse_path(text: str) -> Path:
    """Raises ValueError saying what is wrong."""
    if not text.startswith("$"):
        raise ValueError('a path starts with $, e.g. "$.result.winner"')
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(f"there is no such step as {text[at : at + 12]!r}; steps are .name, ['name'] and [0]")
        name, index, *quoted = step.groups()
        steps.append(int(index) if index is not None else next(s for s in (name, *quoted) if s is not None))
        at = step.end()
    return Path(text, tuple(steps))


def find(data: Any, path: Path) -> Any:
    """What stands at `path` in `data`, or MISSING."""
    for step in path.steps:
        inner: Any = data if isinstance(data, dict if isinstance(step, str) else list) else {}
        try:
            data = inner[step]
        except LookupError:
            return MISSING
    return data


def shown(data: Any) -> str:
    """`data` as JSON, for messages and look-ups: true, 1, "text", null."""
    return json.dumps(data, ensure_ascii=False)


class JsonTemplate:
    """A JSON object whose texts are templates of what a prompt may show of a case.

    Raises UsageError, naming `name` and the place in the object, on what cannot work: bad syntax, unknown variables, a
    body that never shows the responses, values that are no JSON (TOML's dates).
    """

    def __init__(self, body: Mapping[str, Any], *, name: str, task: Task, scale: Scale) -> None:
        self._body = body
        self._name = name
        self._task = task
        self._scale = scale
        used: set[str] = set()
        for place, value in _leaves(body, ""):
            if isinstance(value, str):
                used |= self._variables(value, place)
            elif value is not None and not isinstance(value, (bool, int, float)):
                raise UsageError(f"{name}, {place}: {value!r} is no JSON value")
        self._must_show_responses(used)
        for sample in _samples(task):
            self.render(sample)

    def render(self, case: Case) -> dict[str, Any]:
        """The body for `case`."""
        filled = self._filled(self._body, "", case)
        assert isinstance(filled, dict)
        return filled

    def _filled(self, value: Any, place: str, case: Case) -> Any:
        if isinstance(value, Mapping):
            return {key: self._filled(inner, _below(place, key), case) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, f"{place}[{i}]", case) for i, inner in enumerate(value)]
        return self._text(value, place, case) if isinstance(value, str) else value

    def _text(self, source: str, place: str, case: Case) -> Any:
        only = _EXPRESSION.fullmatch(source)
        if only is None:
            return self._rendered(source, place, case)
        # Through JSON, so that the value has left the sandbox as plain data.
        return json.loads(self._rendered(f"{{{{ ({only[1]}) | tojson }}}}", place, case))

    def _rendered(self, source: str, place: str, case: Case) -> str:
        protocol = PromptProtocol(f"{self._name}, {place}", self._task, self._scale, "", source, "auto")
        return protocol.render(case)[0]["content"]

    def _variables(self, source: str, place: str) -> set[str]:
        """The variables of a template, if it parses and knows them all."""
        from jinja2 import TemplateSyntaxError

        known = known_variables(self._task)
        try:
            used = variables_of(source)
        except TemplateSyntaxError as error:
            raise UsageError(f"{self._name}, {place}: {error.message or 'bad syntax'}", hint=_listing(known)) from None
        except RecursionError:
            raise UsageError(f"{self._name}, {place}: nested too deeply", hint=_listing(known)) from None
        for name in sorted(used - set(known)):
            near = nearest(name, known)
            hint = f"{near} {_listing(known)}" if near.startswith("Did") else _listing(known)
            raise UsageError(f"{self._name}, {place}: there is no variable {name!r}", hint=hint)
        return used

    def _must_show_responses(self, used: Collection[str]) -> None:
        needed = {"pairwise": {"response_a", "response_b"}, "ranking": {"responses"}}.get(self._task, {"response"})
        missing = sorted(needed - set(used))
        if missing and "responses" not in used:
            names = " nor ".join(f"{{{{ {name} }}}}" for name in missing)
            raise UsageError(f"{self._name}: the body never shows {names}", hint=_listing(known_variables(self._task)))


def _listing(known: Collection[str]) -> str:
    return f"A body may use: {', '.join(known)}."


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, _below(place, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{i}]")
    else:
        yield place, value


def _samples(task: Task) -> tuple[Case, Case]:
    """A full case and a bare one: a template must work with both."""
    texts = {"pairwise": ("One.", "Two."), "ranking": ("One.", "Two.", "Three.")}.get(task, ("One.",))
    return Case("Which?", texts, reference="One.", rubric="Right.", context="None."), Case("Which?", texts)
