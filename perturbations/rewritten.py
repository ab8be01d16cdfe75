"""Perturbations that only a language model can write: paraphrases, translations, subtle errors, rewrites of the tone.

They come from a frozen file that `voirdire freeze` makes once and people review and commit, so an audit with
`--rewrites FILE` repeats exactly and asks no rewriter. A line of the file:

    {"rewrite": "lexical.paraphrase", "case": "q1", "target": 0, "source": "<hash>", "text": "…",
     "rewriter": "openai:gpt-5-mini", "model": "gpt-5-mini-2026-08-07", "prompt": "<hash>"}

Whoever reviews it may mend a "text", or turn it down with "rejected": "why". Here: reading such files, finding the
rewrite of an answer, checking it. Not here: asking (harness/rewriters.py), writing the file (the freeze command).
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from voirdire.harness.cases import Case, Claim, Dose, Edit, content_hash
from voirdire.harness.errors import NotApplicable, UsageError, nearest
from voirdire.harness.registry import PERTURBATIONS
from voirdire.perturbations.promise import BROKE, MOST_ERROR_GROWTH, numbers
from voirdire.perturbations.spans import analyse, boundary

__all__ = ["REWRITES", "SCHEMA", "FrozenRewrite", "Rewrite", "Rewrites", "prompt_of", "source_hash", "using"]

SCHEMA = "voirdire.rewrites/1"

_PROMPTS = Path(__file__).with_name("data") / "rewrites.toml"
_TOKEN = re.compile(r"\S+\s*|\s+")
_PREAMBLE = re.compile(
    r"(?:sure|certainly|of course|here(?:['’]s| is| are)|below is)\b[^\n]{0,120}:\s*\n", re.IGNORECASE
)
_REFUSAL = re.compile(r"(?:i['’]m sorry|sorry, (?:but )?i|i (?:cannot|can['’]t|am unable)|as an ai\b)", re.IGNORECASE)
#: a stretch of the prompt as long as this, found in a rewrite, is an echo
_ECHO = 40


def source_hash(case: Case, target: int) -> str:
    """Which text was rewritten: a hash of the question and of response `target`."""
    return content_hash([case.instruction_text, case.responses[target]])[:32]


@functools.cache
def _prompts() -> Mapping[str, str]:
    import tomllib

    tables = tomllib.loads(_PROMPTS.read_text(encoding="utf-8"))
    return {name: " ".join(table["prompt"].split()) for name, table in tables.items()}


def prompt_of(name: str) -> str:
    """What a rewriter is told to do for the rewrite `name`."""
    return _prompts()[name]


# --- the file --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FrozenRewrite:
    """One line of the file. `model` is the one that answered; `rejected` says why the text may not be used, or None."""

    rewrite: str
    case: str
    target: int
    source: str
    text: str
    rewriter: str
    prompt: str
    model: str | None = None
    rejected: str | None = None

    def to_json(self) -> dict[str, Any]:
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in data.items() if value is not None}


class Rewrites:
    """The rewrites of a file, by what was rewritten. Where lines contradict each other the last one counts."""

    def __init__(self, entries: Iterable[FrozenRewrite] = (), *, path: str = "the file of rewrites") -> None:
        self.path = path
        self._of_text: dict[tuple[str, str], FrozenRewrite] = {}
        self._of_case: set[tuple[str, str, int]] = set()
        for entry in entries:
            self._of_text[entry.rewrite, entry.source] = entry
            self._of_case.add((entry.rewrite, entry.case, entry.target))

    def __iter__(self) -> Iterator[FrozenRewrite]:
        return iter(self._of_text.values())

    def __len__(self) -> int:
        return len(self._of_text)

    @property
    def digest(self) -> str:
        """Hash of all that the file puts into follow-ups: runs with different ones are no repeats of each other."""
        rows = sorted((e.rewrite, e.source, e.text, e.rejected or "") for e in self)
        return content_hash([list(row) for row in rows])[:16]

    def get(self, name: str, case: Case, target: int) -> FrozenRewrite | None:
        """The rewrite `name` of exactly this answer to exactly this question."""
        return self._of_text.get((name, source_hash(case, target)))

    def knows(self, name: str, case: Case, target: int) -> bool:
        """Was this answer rewritten in some version, perhaps an older one?"""
        return (name, case.id, target) in self._of_case

    @classmethod
    def read(cls, path: str | Path, *, torn: bool = False) -> Rewrites:
        """Reads `path`. `torn`: a last line without its end, left by a run that was killed, is passed over.

        Raises UsageError naming file, line, field and value.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the rewrites {path} cannot be read ({error})", hint="voirdire freeze makes such a file."
            ) from None
        # split on "\n" only: splitlines() would also break at U+2028, which JSON strings may hold
        lines = text.split("\n")
        if torn and not _is_json(lines[-1]):
            lines.pop()
        entries = [_entry(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
        return cls((e for e in entries if e is not None), path=str(path))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


_TYPES = {f.name: int if f.name == "target" else str for f in fields(FrozenRewrite)}
_OPTIONAL = {"model", "rejected"}


def _entry(line: str, where: str) -> FrozenRewrite | None:
    """One line; None for the one that only names the schema."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{where}: not JSON ({error})", hint="Running voirdire freeze again mends a file that was cut off."
        ) from None
    if not isinstance(data, dict):
        raise UsageError(f"{where}: not a JSON object")
    if "schema" in data:
        if data["schema"] != SCHEMA:
            raise UsageError(f"{where}: schema is {data['schema']!r}, this voirdire reads {SCHEMA!r}")
        return None
    for name, value in data.items():
        if name not in _TYPES:
            raise UsageError(f"{where}: unknown field {name!r}", hint=nearest(name, _TYPES))
        if value is None and name in _OPTIONAL:
            continue
        if not isinstance(value, _TYPES[name]) or isinstance(value, bool):
            raise UsageError(f"{where}: {name} must be {_TYPES[name].__name__}, not {value!r}")
    missing = _TYPES.keys() - _OPTIONAL - data.keys()
    if missing:
        raise UsageError(f"{where}: the field {min(missing)!r} is missing")
    if data["rewrite"] not in REWRITES:
        raise UsageError(
            f"{where}: there is no rewrite called {data['rewrite']!r}", hint=nearest(data["rewrite"], REWRITES)
        )
    return FrozenRewrite(**data)


_current: ContextVar[Rewrites | None] = ContextVar("rewrites", default=None)


@contextlib.contextmanager
def using(rewrites: Rewrites | str | Path | None) -> Iterator[None]:
    """Inside, follow-ups take their rewrites from `rewrites`; None leaves whatever is in force. Raises UsageError."""
    if rewrites is None:
        yield
        return
    token = _current.set(rewrites if isinstance(rewrites, Rewrites) else Rewrites.read(rewrites))
    try:
        yield
    finally:
        _current.reset(token)


# --- the perturbations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A `harness.cases.Perturbation` whose texts a model wrote before.

    `lengths`: how long a rewrite may be, as shares of the source's characters. `adds_numbers`: it may write a number
    that the source does not hold.
    """

    name: str
    claim: Claim
    summary: str
    source: str
    plants_error: bool = False
    lengths: tuple[float, float] = (0.6, 1.7)
    adds_numbers: bool = False

    def edits(self, case: Case, target: int, rng: random.Random, dose: Dose) -> tuple[Edit, ...]:  # noqa: ARG002
        """The changed words of the frozen rewrite. Raises NotApplicable where there is none, or none that will do."""
        if dose != 1:
            raise NotApplicable("a rewrite has no dose")
        rewrites = _current.get()
        if rewrites is None:
            raise NotApplicable(
                f"no rewrites are given: voirdire freeze --rewriter openai:MODEL --probes {self.name} makes the file, "
                "--rewrites FILE uses it"
            )
        entry = rewrites.get(self.name, case, target)
        if entry is None and rewrites.knows(self.name, case, target):
            raise NotApplicable("the case has changed since it was rewritten: run voirdire freeze again")
        if entry is None:
            raise NotApplicable("the file of rewrites has none of this answer: run voirdire freeze again")
        if entry.rejected is not None:
            raise NotApplicable("its rewrite was turned down")
        text = case.responses[target]
        reason = self.fault(text, entry.text)
        if reason is not None:
            raise NotApplicable(BROKE + reason)
        return _word_edits(text, entry.text, f"responses[{target}]")

    def sham(
        self,
        case: Case,  # noqa: ARG002 - the protocol's: nothing is added, so there is nothing to replace
        target: int,  # noqa: ARG002
        edits: tuple[Edit, ...],  # noqa: ARG002
        rng: random.Random,  # noqa: ARG002
    ) -> None:
        return None

    def fault(self, source: str, text: str) -> str | None:
        """Why `text` is no rewrite of `source` under this name, in words for "broke its claim: "; None if it is."""
        if not text.strip():
            return "the rewrite is empty"
        if text.split() == source.split():
            return "the rewrite is the same text"
        if _is_talk(text, source) or _echoes(prompt_of(self.name), text, source):
            return "the rewriter talked about its task"
        ratio = len(text) / max(1, len(source))
        if not self.lengths[0] <= ratio <= self.lengths[1]:
            return "the rewrite is too short" if ratio < self.lengths[0] else "the rewrite is too long"
        return self._lost(source, text) if self.claim == "preserving" else None

    def _lost(self, source: str, text: str) -> str | None:
        kept = _verbatim(source)
        if any(part not in text for part in kept):
            return "code or a link changed"
        (digits, _), (_, all_after) = numbers(source), numbers(text)
        if digits - all_after:
            return "a number is missing"
        if not self.adds_numbers and numbers(text)[0] - numbers(source)[1]:
            return "a number was added"
        return None


def _is_talk(text: str, source: str) -> bool:
    """Does `text` begin as a chat reply does, where `source` does not?"""
    begins = text.lstrip()
    return any(p.match(begins) and not p.match(source.lstrip()) for p in (_PREAMBLE, _REFUSAL))


def _echoes(prompt: str, text: str, source: str) -> bool:
    flat = " ".join(text.split())
    pieces = (prompt[k : k + _ECHO] for k in range(0, max(1, len(prompt) - _ECHO), _ECHO // 2))
    return any(piece in flat and piece not in source for piece in pieces)


def _verbatim(source: str) -> list[str]:
    """Code and links of `source`."""
    spans = (source[a:b] for a, b in analyse(source).protected)
    return [s for s in spans if s.startswith(("`", "~~~", "http://", "https://", "www."))]


def _word_edits(source: str, text: str, where: str) -> tuple[Edit, ...]:
    """Edits from `source` to `text`, word by word; one edit of all where a word would be cut inside a character."""
    before, after = _TOKEN.findall(source), _TOKEN.findall(text)
    starts = [0]
    for token in before:
        starts.append(starts[-1] + len(token))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    edits = tuple(
        Edit(starts[i], starts[j], "".join(after[k:m]), where)
        for kind, i, j, k, m in matcher.get_opcodes()
        if kind != "equal"
    )
    if all(boundary(source, e.start) and boundary(source, e.end) for e in edits):
        return edits
    return (Edit(0, len(source), text, where),)


_PARAPHRASED = "reWordBench, arXiv:2503.11751"
_SENTIMENT = "CALM, Ye et al. 2025 (arXiv:2410.02736), sentiment"
_TONE = (0.6, 1.6)
_ERROR = (1 - MOST_ERROR_GROWTH, 1 + MOST_ERROR_GROWTH)

#: every rewrite by its published name
REWRITES: Mapping[str, Rewrite] = {
    rewrite.name: rewrite
    for rewrite in (
        Rewrite("lexical.paraphrase", "preserving", "Says the answer in other words.", _PARAPHRASED),
        Rewrite(
            "lexical.back-translation",
            "preserving",
            "Translates the answer into another language and back.",
            _PARAPHRASED,
        ),
        Rewrite(
            "lexical.translation",
            "preserving",
            "Gives the answer in another language.",
            "Score-Judge, arXiv:2510.12462",
            lengths=(0.15, 6.0),
        ),
        Rewrite(
            "verbosity.elaboration",
            "preserving",
            "Says the same at one and a half times the length.",
            "CALM, Ye et al. 2025 (arXiv:2410.02736), verbosity",
            lengths=(1.15, 3.0),
        ),
        Rewrite(
            "degradation.subtle-error",
            "degrading",
            "Plants a factual error that a hasty reader would miss.",
            "Chen et al. 2024, arXiv:2402.10669, factual error",
            plants_error=True,
            lengths=_ERROR,
        ),
        Rewrite(
            "degradation.fallacy",
            "degrading",
            "Breaks one step of the reasoning and keeps the conclusion.",
            "CALM, Ye et al. 2025 (arXiv:2410.02736), fallacy oversight",
            lengths=(0.8, 1.25),
        ),
        *(
            Rewrite(
                f"tone.{mood}-rewrite",
                "preserving",
                f"Gives the whole answer {voice} voice.",
                _SENTIMENT,
                lengths=_TONE,
            )
            for mood, voice in (
                ("cheerful", "a cheerful"),
                ("sad", "a sad"),
                ("angry", "an angry"),
                ("fearful", "a fearful"),
            )
        ),
        Rewrite(
            "tone.assertive-rewrite",
            "preserving",
            "Takes every doubt out of the wording.",
            "Pairwise or Pointwise, arXiv:2504.14716",
            lengths=_TONE,
        ),
        Rewrite(
            "tone.hedged-rewrite",
            "preserving",
            "Hedges what the answer says.",
            "Pairwise or Pointwise, arXiv:2504.14716",
            lengths=_TONE,
        ),
    )
}
for _rewrite in REWRITES.values():
    PERTURBATIONS.add(_rewrite.name, _rewrite)
