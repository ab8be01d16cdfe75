"""What a prompted judge is asked: `PromptProtocol` (template + parser), the default prompts, and a user's own.

The default texts are in `data/*.jinja`. Templates see what a judge may see of a case and nothing else: no label, id,
group or meta. They run in a sandbox without a loader (prompt_sandbox.py), so they read no files and reach no Python.

Not here: asking the model (prompted.py), reading the reply (parsing.py).
"""

from __future__ import annotations

import functools
import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError, UndefinedError

from voirdire.harness.cases import Case, Task, content_hash
from voirdire.harness.errors import UsageError, nearest
from voirdire.harness.judges.base import Message
from voirdire.harness.judges.parsing import PARSER_VERSION, find_parser
from voirdire.harness.judges.prompt_files import Header, PromptFile, protocol_names, read_protocol
from voirdire.harness.judges.prompt_sandbox import ENVIRONMENT, new_sum
from voirdire.harness.verdicts import Scale

__all__ = [
    "DEFAULT_PROMPTS",
    "PromptProtocol",
    "default_protocol",
    "digit_range",
    "known_variables",
    "load_prompt",
    "variables_of",
]

_DATA = Path(__file__).with_name("data")
#: name of a default prompt -> (task, parser)
DEFAULT_PROMPTS: Mapping[str, tuple[Task, str]] = {
    "pairwise": ("pairwise", "auto"),
    "pairwise-letter": ("pairwise", "letter"),
    "score": ("score", "auto"),
    "score-digit": ("score", "number"),
    "grade": ("grade", "auto"),
    "grade-yesno": ("grade", "yesno"),
    "ranking": ("ranking", "auto"),
}
_ONE_TOKEN: Mapping[Task, str] = {"pairwise": "pairwise-letter", "score": "score-digit", "grade": "grade-yesno"}

_COMMON = ("instruction", "turns", "responses", "reference", "rubric", "context", "n", "fence")
_OF_TASK: Mapping[Task, tuple[str, ...]] = {
    "pairwise": ("response_a", "response_b", "label_a", "label_b"),
    "score": ("response", "scale_low", "scale_high", "digit_low", "digit_high"),
    "grade": ("response",),
    "ranking": (),
}


def known_variables(task: Task) -> tuple[str, ...]:
    """The names a prompt for `task` may use. `reference`, `rubric` and `context` are empty where the case has none."""
    return (*_COMMON, *_OF_TASK[task])


def digit_range(scale: Scale) -> tuple[int, int]:
    """The digits a one-token score is asked in: the scale itself if it is made of single digits, else 1 to 9.

    1 to 9 stands for 1 to 10 too (stretched evenly), because many tokenizers begin "10" with the token "1".
    """
    low, high = int(scale.low), int(scale.high)
    if (low, high) == (scale.low, scale.high) and low >= 0 and high <= 9:
        return low, high
    return 1, 9


@dataclass(frozen=True, slots=True)
class PromptProtocol:
    """How a case is put to a chat model and how its reply is read. `system` may be empty.

    `slots` are the names of the two answers where the prompt uses `{{ label_a }}` and `{{ label_b }}`.
    `prefill` begins the answer of a model that writes one token. `header` is what the prompt's file says of it, `line`
    the lines of the file before the templates. Made by `default_protocol` or `load_prompt`, which check the templates;
    `render` raises UsageError where one fails.
    """

    name: str
    task: Task
    scale: Scale
    system: str
    user: str
    parser: str
    prefill: str = ""
    slots: tuple[str, str] = ("A", "B")
    header: Header = field(default_factory=Header)
    line: int = 0

    @property
    def version(self) -> str:
        """Hash of all that can change a verdict: templates, parser, the parser's code, task and scale."""
        return self.version_read_by(PARSER_VERSION)

    def version_read_by(self, code: str) -> str:
        """The same where another code than the parser's reads the answers."""
        extra: dict[str, Any] = {"prefill": self.prefill} if self.prefill else {}
        if self.slots != ("A", "B"):
            extra["slots"] = list(self.slots)
        if self.header.expected or self.header.labels != ("A", "B"):
            extra["reading"] = [self.header.expected, *self.header.labels]
        return content_hash(
            extra
            | {
                "system": self.system,
                "user": self.user,
                "parser": self.parser,
                "parser_version": code,
                "task": self.task,
                "scale": [self.scale.low, self.scale.high],
            }
        )

    def uses(self, *names: str) -> bool:
        """Do the templates name all of these variables?"""
        return set(names) <= _variables(self.system) | _variables(self.user)

    def render(self, case: Case, *, begun: bool = False) -> list[Message]:
        """The messages that show `case`: the system message, if any, the user's, and with `begun` the beginning of the
        answer."""
        values = self._values(case)
        messages: list[Message] = []
        if self.system:
            messages.append({"role": "system", "content": _rendered(self.system, self.name, self._offset(0), values)})
        messages.append({"role": "user", "content": _rendered(self.user, self.name, self._offset(1), values)})
        if begun and self.prefill:
            messages.append({"role": "assistant", "content": self.prefill})
        return messages

    def _offset(self, part: int) -> int:
        """Lines of the file before this part, for error messages (blank lines around the parts are dropped)."""
        return self.line + (self.system.count("\n") + 2 if part and self.system else 0)

    def _values(self, case: Case) -> dict[str, Any]:
        responses = case.responses
        instruction = case.instruction_text
        turns = (
            [{"role": "user", "content": instruction}]
            if isinstance(case.instruction, str)
            else [{"role": t.role, "content": t.content} for t in case.instruction]
        )
        values: dict[str, Any] = {
            "instruction": instruction,
            "turns": turns,
            "responses": list(responses),
            "reference": case.reference or "",
            "rubric": case.rubric or "",
            "context": case.context or "",
            "n": len(responses),
            "fence": _Fence(case),
        }
        if self.task == "pairwise":
            values["response_a"], values["response_b"] = responses
            values["label_a"], values["label_b"] = self.slots
        elif self.task in ("score", "grade"):
            values["response"] = responses[0]
        if self.task == "score":
            values["scale_low"], values["scale_high"] = _number(self.scale.low), _number(self.scale.high)
            values["digit_low"], values["digit_high"] = digit_range(self.scale)
        return values


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


class _Fence:
    """`fence(text, name)`: `text` between tags that it cannot close, because they carry a nonce it does not contain.

    The nonce is a hash of the instruction, so that it is the same for repeats, both orders and all edits of responses,
    and it is drawn again until no text of the case holds it.
    """

    __slots__ = ("_case", "_nonce")

    def __init__(self, case: Case) -> None:
        self._case = case
        self._nonce: str | None = None

    def __call__(self, text: str, name: str = "text") -> str:
        if self._nonce is None:
            self._nonce = _nonce(self._case)
        label = "".join(c if c.isalnum() or c in "_-" else "_" for c in str(name))
        return f"<{label} {self._nonce}>\n{text}\n</{label} {self._nonce}>"


def _nonce(case: Case) -> str:
    # from the instruction alone: a nonce that changed with every edit of a response would be an edit of its own, and a
    # deterministic judge may flip on it. Guessing it does not help an attacker: text that holds it has it drawn again.
    seed = _nonce_seed(case.instruction_text)
    texts = [*case.responses, case.instruction_text, case.reference or "", case.rubric or "", case.context or ""]
    while True:
        nonce = seed[:10]
        if not any(nonce in text.lower() for text in texts):
            return nonce
        seed = hashlib.sha256(seed.encode()).hexdigest()


@functools.lru_cache(maxsize=32)  # a case is shown dozens of times in a row
def _nonce_seed(instruction: str) -> str:
    return content_hash([instruction])


# --- templates -------------------------------------------------------------------------------------------------------

_FORBIDDEN = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


def variables_of(source: str) -> set[str]:
    """The names that a template uses and does not set. Raises TemplateSyntaxError.

    In the sandbox too: Jinja computes constants while it looks for names.
    """
    return meta.find_undeclared_variables(ENVIRONMENT.parse(source))


@functools.lru_cache(maxsize=256)
def _compiled(source: str, name: str) -> Template:
    code = ENVIRONMENT.compile(source, name, name)
    return ENVIRONMENT.template_class.from_code(ENVIRONMENT, code, {}, None)


@functools.lru_cache(maxsize=256)
def _variables(source: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(ENVIRONMENT.parse(source)))


def _rendered(source: str, name: str, offset: int, values: Mapping[str, Any]) -> str:
    new_sum()
    try:
        return _compiled(source, name).render(values)
    except TemplateSyntaxError as error:
        raise _bad(name, error.lineno + offset, error.message or "bad syntax") from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise _bad(name, _line_of(error, name, offset), _said(error)) from None
    except (MemoryError, RecursionError) as error:
        raise _bad(name, None, f"not allowed in a prompt: what ends in a {type(error).__name__}") from None


def _said(error: Exception) -> str:
    if isinstance(error, SecurityError):
        return f"not allowed in a prompt: {error}"
    return str(error) if isinstance(error, UndefinedError) else f"{type(error).__name__}: {error}"


def _line_of(error: Exception, name: str, offset: int) -> int | None:
    """The template's line in the traceback, which Jinja rewrites to template lines."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name and f.lineno]
    return lines[-1] + offset if lines else None


def _bad(name: str, line: int | None, message: str, hint: str | None = None) -> UsageError:
    where = f"{name}, line {line}" if line is not None else name
    return UsageError(f"{where}: {message}", hint=hint)


def _checked(protocol: PromptProtocol) -> PromptProtocol:
    """`protocol`, if its templates can work; UsageError otherwise."""
    known = known_variables(protocol.task)
    listing = f"A {protocol.task} prompt may use: {', '.join(known)}."
    used: set[str] = set()
    for part, source in enumerate((protocol.system, protocol.user)):
        offset = protocol._offset(part)
        try:
            tree = ENVIRONMENT.parse(source, protocol.name, protocol.name)
            # `compile` finds what `parse` does not: unknown filters and tests
            _compiled(source, protocol.name)
        except TemplateSyntaxError as error:
            raise _bad(protocol.name, error.lineno + offset, error.message or "bad syntax", listing) from None
        except (RecursionError, SyntaxError, MemoryError):  # of Jinja's parser, of Python's compiler
            raise _bad(protocol.name, None, "nested too deeply", listing) from None
        for kind in _FORBIDDEN:
            for node in tree.find_all(kind):
                word = type(node).__name__.lower()
                raise _bad(protocol.name, node.lineno + offset, f"{word}: a prompt cannot read other files", listing)
        unknown = meta.find_undeclared_variables(tree) - set(known)
        for name in sorted(unknown):
            line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), None)
            near = nearest(name, known)
            hint = f"{near} {listing}" if near.startswith("Did") else listing
            raise _bad(protocol.name, line + offset if line else None, f"there is no variable {name!r}", hint)
        used |= meta.find_undeclared_variables(tree)
    _needs_responses(protocol, used, listing)
    full = _SAMPLES[protocol.task]
    for sample in (full, full.replace(reference=None, rubric=None, context=None)):
        protocol.render(sample)
    return protocol


def _needs_responses(protocol: PromptProtocol, used: set[str], listing: str) -> None:
    if "responses" in used:
        return
    needed = {"pairwise": {"response_a", "response_b"}, "score": {"response"}, "grade": {"response"}}.get(
        protocol.task, {"responses"}
    )
    missing = sorted(needed - used)
    if missing:
        raise UsageError(
            f"{protocol.name}: the prompt never shows {' nor '.join('{{ ' + m + ' }}' for m in missing)}", hint=listing
        )


_SAMPLES: Mapping[Task, Case] = {
    "pairwise": Case("Which?", ("One.", "Two."), reference="One.", rubric="Right.", context="None."),
    "score": Case("Which?", ("One.",), reference="One.", rubric="Right.", context="None."),
    "grade": Case("Which?", ("One.",), reference="One.", rubric="Right.", context="None."),
    "ranking": Case("Which?", ("One.", "Two.", "Three."), reference="One.", rubric="Right.", context="None."),
}


# --- where prompts come from -----------------------------------------------------------------------------------------


def default_protocol(task: Task, scale: Scale | None = None, one_token: bool = False) -> PromptProtocol:
    """voirdire's own prompt for `task`; with `one_token` the plain form for models that answer with one token.

    The one-letter form follows the prompt with which small models judged best in our measurements. Raises UsageError
    for a ranking in one token, which there cannot be.
    """
    name: str = task
    if one_token:
        if task not in _ONE_TOKEN:
            raise UsageError(
                f"a judge that answers with one token cannot give a {task}",
                hint="Use a judge that writes text, or --task pairwise.",
            )
        name = _ONE_TOKEN[task]
    return _default(name, scale or Scale())


@functools.lru_cache(maxsize=64)
def _default(name: str, scale: Scale) -> PromptProtocol:
    task, parser = DEFAULT_PROMPTS[name]
    file = PromptFile.parse((_DATA / f"{name}.jinja").read_text(encoding="utf-8"), name)
    return _checked(PromptProtocol(name, task, scale, file.system, file.user, parser))


def load_prompt(
    path_or_text: str | Path, task: Task | None = None, parse: str | None = None, scale: Scale | None = None
) -> PromptProtocol:
    """A prompt: a file's path, the name of a default prompt or of a protocol (`protocol_names`), or the text itself
    (anything with `{{` or a line end in it).

    `{{ name }}` inserts a variable (`known_variables`). Text above a line `---user---` is the system message; a header
    (prompt_files.py) may say task, scale and parser, for which the arguments stand in where it does not. `parse` names
    a parser and goes before the header's. Raises UsageError naming file, line and the known variables.
    """
    if isinstance(path_or_text, str) and ("{{" in path_or_text or "\n" in path_or_text):
        name, file = "the prompt", PromptFile.parse(path_or_text, "the prompt")
    elif str(path_or_text) in DEFAULT_PROMPTS and not Path(path_or_text).exists():
        protocol = _default(str(path_or_text), scale or Scale())
        _agree(protocol.name, protocol.task, task)
        parser = protocol.parser if parse is None else find_parser(parse, protocol.task).name
        return replace(protocol, parser=parser)
    elif str(path_or_text) in protocol_names() and not Path(path_or_text).exists():
        name = str(path_or_text)
        file = read_protocol(name)
    else:
        name = str(path_or_text)
        file = PromptFile.parse(_read(Path(path_or_text)), name)
    if not file.user.strip():
        raise UsageError(f"{name}: the prompt is empty")
    header = file.header
    _agree(name, header.task, task)
    task = header.task or task or "pairwise"
    return _checked(
        PromptProtocol(
            name,
            task,
            scale or header.scale or Scale(),
            file.system,
            file.user,
            find_parser(parse or header.parser or "auto", task).name,
            prefill=file.assistant,
            header=header,
            line=file.line,
        )
    )


def _agree(name: str, own: Task | None, wanted: Task | None) -> None:
    if own is not None and wanted is not None and own != wanted:
        raise UsageError(f"the prompt {name!r} is for --task {own}, not {wanted}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start})", hint="Save the file as UTF-8.") from None
    except OSError as error:
        known = [*DEFAULT_PROMPTS, *protocol_names()]
        near = nearest(str(path), known)
        raise UsageError(
            f"the prompt file {path} cannot be read: {error.strerror or error}",
            hint=f"{near} " * near.startswith("Did") + "Give a file, or a name that `voirdire protocols` lists.",
        ) from None
