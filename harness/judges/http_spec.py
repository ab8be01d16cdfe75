"""The TOML file of an `http:` judge, read and checked. docs/judges.md describes every key.

Not here: asking the endpoint (http_file.py), templates and paths (json_template.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any, NoReturn, cast

from voirdire.harness.cases import ALL_TASKS, Case, Task, content_hash
from voirdire.harness.errors import JudgeFault, UsageError, nearest
from voirdire.harness.judges.endpoints import Endpoint, clean, endpoint_of
from voirdire.harness.judges.json_template import JsonTemplate, Path, parse_path
from voirdire.harness.judges.parsing import PARSER_VERSION, find_parser
from voirdire.harness.judges.python_judge import to_verdict
from voirdire.harness.toml_text import TomlError, parse_toml
from voirdire.harness.verdicts import Scale

__all__ = ["NONE", "REFUSED", "HttpSpec", "read_spec"]

#: values of [answers] that stand for no verdict
NONE, REFUSED = "none", "refused"
_VERDICTS = f'Verdicts are "A", "B", "tie", numbers, true, false, lists of indices, "{NONE}" and "{REFUSED}".'

_KEYS = (
    "url",
    "method",
    "task",
    "scale",
    "answer",
    "scores",
    "parse",
    "finish",
    "rationale",
    "refused",
    "model",
    "rate",
    "paid",
    "headers",
    "body",
    "answers",
    "usage",
)
_USAGE = ("input_tokens", "output_tokens", "cost_usd")
#: what the client sets itself, or what would change where the request goes or ends
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "expect"})
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|min)")
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """What the file says. `answer` has two paths if `is_pair`. `headers` are as sent and hold keys, `secrets` are what
    must show nowhere; `variables` name the environment variables that headers come from.
    """

    path: str
    endpoint: Endpoint
    task: Task
    scale: Scale
    answer: tuple[Path, ...]
    is_pair: bool
    answers: Mapping[str, Any] | None
    parse: str | None
    finish: Path | None
    rationale: Path | None
    refused: Path | None
    model: Path | None
    usage: Mapping[str, Path]
    per_second: float | None
    paid: bool | None
    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    variables: tuple[str, ...]
    body: JsonTemplate
    fingerprint: str

    def __repr__(self) -> str:
        return f"HttpSpec({self.path!r})"

    def payload(self, case: Case) -> dict[str, Any]:
        return self.body.render(case)


def read_spec(path: File, *, task: Task | None, scale: Scale | None, environ: Mapping[str, str]) -> HttpSpec:
    """The judge that the file at `path` describes. Raises UsageError naming file, line, key, value and fix."""
    return _Reader(path).read(task, scale, environ)


class _Reader:
    """The file's data, and errors that say where in it they are."""

    def __init__(self, path: File) -> None:
        self._path = str(path)
        self._text = _contents(path)
        try:
            self._data = parse_toml(self._text)
        except TomlError as error:
            place = str(path) if error.line is None else f"{path}, line {error.line}"
            raise UsageError(f"{place}: {error}") from None
        for key in self._data:
            if key not in _KEYS:
                self._fail(key, f"unknown key {key!r}", hint=nearest(key, _KEYS))

    def read(self, task: Task | None, scale: Scale | None, environ: Mapping[str, str]) -> HttpSpec:
        data, endpoint = self._data, self._endpoint()
        task, scale = self._task(task), self._scale(scale)
        answer, is_pair = self._answer(task)
        headers, secrets, variables = self._headers(environ)
        answers, parse = self._answers(task, scale), self._parse(task)
        if answers is not None and parse is not None:
            self._fail("parse", "parse and [answers] are two ways to read one answer", hint="Keep one.")
        if "finish" in data and parse is None:
            self._fail("finish", "finish says why a text ended, so it goes with parse", hint='Add parse = "auto".')
        if is_pair and (answers is not None or parse is not None):
            self._fail("scores", "scores are numbers, so there is nothing to parse or map")
        return HttpSpec(
            path=self._path,
            endpoint=endpoint,
            task=task,
            scale=scale,
            answer=answer,
            is_pair=is_pair,
            answers=answers,
            parse=parse,
            finish=self._at("finish"),
            rationale=self._at("rationale"),
            refused=self._at("refused"),
            model=self._at("model"),
            usage=self._usage(),
            per_second=self._rate(),
            paid=self._paid(),
            headers=headers,
            secrets=(*secrets, *endpoint.secrets),
            variables=variables,
            body=JsonTemplate(self._body(), name=self._place("body"), task=task, scale=scale),
            # Headers with their ${NAMES}: a key that is rotated makes no other judge. How fast it is asked does not
            # change its answers either.
            fingerprint=content_hash(
                {
                    "kind": "http",
                    "file": {k: v for k, v in data.items() if k not in ("rate", "paid")},
                    "parser": PARSER_VERSION if parse is not None else None,
                    "task": task,
                    "scale": [scale.low, scale.high],
                }
            ),
        )

    # --- one key each

    def _endpoint(self) -> Endpoint:
        url = self._needed("url")
        if _VARIABLE.search(url):
            self._fail("url", "${...} is filled in headers only", hint="Write the address out; keys go into [headers].")
        if self._data.get("method", "POST") != "POST":
            self._fail("method", f"method must be POST, got {self._data['method']!r}", hint="Leave it out.")
        try:
            endpoint = endpoint_of(url)
        except UsageError as error:
            self._fail("url", error.message, hint=error.hint)
        # A slash at the end, which base URLs lose, matters to many servers.
        if not url.partition("?")[0].endswith("/"):
            return endpoint
        query = endpoint.url.removeprefix(endpoint.shown)
        return replace(endpoint, url=f"{endpoint.shown}/{query}", shown=f"{endpoint.shown}/")

    def _task(self, told: Task | None) -> Task:
        own = self._data.get("task")
        if own is None and told is None:
            raise UsageError(
                f"{self._path} does not say what it judges", hint=f'Add task = "{ALL_TASKS[0]}", or pass --task.'
            )
        if own is not None and own not in ALL_TASKS:
            self._fail("task", f"task must be one of {', '.join(ALL_TASKS)}, got {own!r}")
        if own is not None and told is not None and own != told:
            self._fail("task", f"this is a {own} judge, not {told}")
        return cast(Task, own or told)

    def _scale(self, told: Scale | None) -> Scale:
        own = self._data.get("scale")
        if own is None:
            return told or Scale()
        low, _, high = own.partition(":") if isinstance(own, str) else ("", "", "")
        try:
            scale = Scale(float(low), float(high))
        except ValueError:
            self._fail("scale", f'scale must be a range such as "1:10", got {own!r}')
        if told is not None and told != scale:
            self._fail("scale", f"its scale is {own}, not {told.low:g}:{told.high:g}")
        return scale

    def _answer(self, task: Task) -> tuple[tuple[Path, ...], bool]:
        if ("answer" in self._data) == ("scores" in self._data):
            raise UsageError(
                f"{self._path} needs either answer or scores: where the verdict stands in the reply",
                hint='Example: answer = "$.result.winner"',
            )
        if "answer" in self._data:
            return (self._path_of("answer", self._data["answer"]),), False
        pair = self._data["scores"]
        if task != "pairwise" or not isinstance(pair, list) or len(pair) != 2:
            self._fail("scores", "scores are two paths, one for each response of a pairwise judge")
        return tuple(self._path_of("scores", text) for text in pair), True

    def _answers(self, task: Task, scale: Scale) -> Mapping[str, Any] | None:
        table = self._data.get("answers")
        if table is None:
            return None
        if not isinstance(table, Mapping) or not table:
            self._fail("answers", 'answers must be a table such as { first = "A", second = "B" }')
        for key, value in table.items():
            if not _is_verdict(value, task, scale):
                shown = clean(repr(value), limit=80)
                self._fail("answers", f"{key} = {shown} is no {task} verdict", key, hint=_VERDICTS)
        return dict(table)

    def _parse(self, task: Task) -> str | None:
        name = self._data.get("parse")
        if name is None:
            return None
        try:
            return find_parser(str(name), task).name
        except UsageError as error:
            self._fail("parse", error.message, hint=error.hint)

    def _at(self, key: str) -> Path | None:
        return self._path_of(key, self._data[key]) if key in self._data else None

    def _usage(self) -> Mapping[str, Path]:
        table = self._data.get("usage", {})
        if not isinstance(table, Mapping):
            self._fail("usage", "usage must be a table of paths")
        for key in table:
            if key not in _USAGE:
                self._fail("usage", f"unknown key {key!r} in [usage]", key, hint=nearest(key, _USAGE))
        return {key: self._path_of("usage", text, key) for key, text in table.items()}

    def _rate(self) -> float | None:
        """Calls a second."""
        text = self._data.get("rate")
        if text is None:
            return None
        found = _RATE.fullmatch(text) if isinstance(text, str) else None
        if found is None or float(found[1]) <= 0:
            self._fail("rate", f'rate must be like "60/min" or "2/s", got {text!r}')
        return float(found[1]) / (60.0 if found[2] == "min" else 1.0)

    def _paid(self) -> bool | None:
        paid = self._data.get("paid")
        if paid is not None and not isinstance(paid, bool):
            self._fail("paid", f"paid must be true or false, got {paid!r}")
        return paid

    def _headers(self, environ: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
        """As sent; the values that must show nowhere; the variables they come from."""
        table = self._data.get("headers", {})
        if not isinstance(table, Mapping):
            self._fail("headers", "headers must be a table")
        sent: dict[str, str] = {}
        secrets: list[str] = []
        variables: dict[str, None] = {}
        for name, value in table.items():
            if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS:
                self._fail("headers", f"the header {name!r} cannot be set", name)
            if not isinstance(value, str):
                self._fail("headers", f"the header {name} must be a text", name)
            for variable in _VARIABLE.findall(value):
                variables[variable] = None
                secrets.append(self._variable(variable, name, environ))
            whole = _VARIABLE.sub(lambda m: environ[m[1]].strip(), value)
            if not (whole.isascii() and whole.isprintable()):
                self._fail("headers", f"the header {name} holds characters no header can: a line break?", name)
            if _SECRET_HEADER.search(name):
                secrets.append(whole)
            sent[name] = whole
        # The longest first: a key inside of a longer secret would leave the rest of it standing.
        return sent, tuple(sorted(secrets, key=len, reverse=True)), tuple(variables)

    def _variable(self, name: str, header: str, environ: Mapping[str, str]) -> str:
        value = environ.get(name, "").strip()
        if not value:
            self._fail("headers", f"the environment holds no {name}, it is unset", header, hint=f"Set {name}.")
        return value

    def _body(self) -> Mapping[str, Any]:
        body = self._data.get("body")
        if isinstance(body, str):
            try:
                body = json.loads(body)
            except (ValueError, RecursionError) as error:
                self._fail("body", f"body is no JSON: {error}", hint="Or write it as a table [body].")
        if not isinstance(body, Mapping) or not body:
            self._fail("body", "body must be a table, or the text of a JSON object")
        return body

    # --- help

    def _needed(self, key: str) -> str:
        value = self._data.get(key)
        if key not in self._data:
            raise UsageError(f"{self._path} has no {key}", hint=f'Example: {key} = "https://judge.example/compare"')
        if not isinstance(value, str):
            self._fail(key, f"{key} must be a text")
        return value

    def _path_of(self, key: str, text: Any, *inner: str) -> Path:
        name = inner[-1] if inner else key
        if not isinstance(text, str):
            self._fail(key, f'{name} must be a path such as "$.result.winner", got {text!r}', *inner)
        try:
            return parse_path(text)
        except ValueError as error:
            self._fail(key, f"{name} = {clean(repr(text), limit=80)}: {error}", *inner)

    def _place(self, *keys: str) -> str:
        line = _line(self._text, keys)
        return f"{self._path}, line {line}" if line is not None else self._path

    def _fail(self, key: str, message: str, *inner: str, hint: str | None = None) -> NoReturn:
        raise UsageError(f"{self._place(key, *inner)}: {message}", hint=hint)


def _is_verdict(value: Any, task: Task, scale: Scale) -> bool:
    if value in (NONE, REFUSED):
        return True
    try:
        return to_verdict(value, task, scale, len(value) if isinstance(value, list) else 2).null is None
    except JudgeFault:
        return False


def _contents(path: File) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise UsageError(message, hint="Write it as http:FILE.toml.") from None
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path} is no judge file: it has {len(raw):,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start})") from None


def _line(text: str, keys: tuple[str, ...]) -> int | None:
    """The line of `keys` (a key, or a table and a key of it), as far as it can be told without a TOML parser."""
    table, key = keys[:-1], keys[-1]
    here: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            here = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if here == keys:
                return number
        elif here == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return _line(text, table) if table else None
