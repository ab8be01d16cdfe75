"""Every error voirdire raises on purpose, and the exit code each one ends in.

    VoirdireError
      UsageError              exit 2   bad option, bad file, bad probe or suite name, unusable judge spec
        CaseFileError         exit 2   a case file: names file, line, field, value and the fix
      JudgeError                       one call to a judge failed; becomes an `error` verdict of that call
        JudgeFault            exit 2   the user's own callable raised, gave no verdict, or never returned
        NotRecorded                    a replayed judge has no verdict for this one question
        JudgeUnreachable      exit 4   no further call can succeed (key refused, host down, always failing)
      BudgetExceeded          exit 5   --max-calls, --max-tokens or --max-cost reached; what was answered is kept
      (any other exception)   exit 70  a defect of voirdire; the command line says so in a line (cli/__init__.py)
      NotApplicable                    a perturbation has nothing to do on this case; counted, never an error

No message may hold a key; `redact` is the one place that removes them.
"""

from __future__ import annotations

import difflib
import enum
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "BudgetExceeded",
    "CaseFileError",
    "ExitCode",
    "JudgeError",
    "JudgeFault",
    "JudgeUnreachable",
    "NotApplicable",
    "NotRecorded",
    "UsageError",
    "VoirdireError",
    "located",
    "nearest",
    "redact",
]


class ExitCode(enum.IntEnum):
    """What the process answers. If several apply: 130, 2, 4, 5, 1, 3, 0."""

    #: everything asked for was done; under `gate`, every probe holds
    OK = 0
    #: `gate` only: a probe is violated or got worse than its baseline
    VIOLATED = 1
    #: an option, a file or a name is wrong, told before the first call; or the judge is code of the user's, and raised
    USAGE = 2
    #: `gate` only: the data cannot decide
    INCONCLUSIVE = 3
    #: the judge could not be reached or never gave a verdict
    JUDGE = 4
    #: stopped by --max-calls, --max-tokens or --max-cost
    BUDGET = 5
    #: voirdire itself failed in a way that nobody foresaw (EX_SOFTWARE of sysexits.h): no verdict of any kind
    INTERNAL = 70
    #: Ctrl-C; run the same command again to go on
    INTERRUPTED = 130


class VoirdireError(Exception):
    """Base of all. `hint` is a second sentence: the fix."""

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(VoirdireError):
    """The user can mend it before anything is spent."""


class CaseFileError(UsageError):
    """A record of a case file is wrong. `path` and 1-based `line` are kept for tools."""

    def __init__(self, message: str, *, path: str, line: int | None = None, hint: str | None = None) -> None:
        where = f"{path}, line {line}: " if line is not None else f"{path}: "
        super().__init__(where + message, hint=hint)
        self.path = path
        self.line = line


class JudgeError(VoirdireError):
    """One call failed after its retries. The call counts as an error, never as a verdict."""

    exit_code = ExitCode.JUDGE


class JudgeFault(JudgeError):
    """The user's own code is at fault: it raised, answered with something that is no verdict, or never returned."""

    exit_code = ExitCode.USAGE


class NotRecorded(JudgeError):
    """A replayed judge was asked something that was never recorded: says nothing about the other calls."""


class JudgeUnreachable(JudgeError):
    """No further call can succeed, so the run stops (what was answered is kept)."""


class BudgetExceeded(VoirdireError):
    """A spending limit was reached."""

    exit_code = ExitCode.BUDGET


class NotApplicable(VoirdireError):
    """Raised by a perturbation that cannot do what it claims on this text. The message is the reason."""


#: more names than this are not listed in an error message
_MANY = 40


def nearest(name: str, known: Iterable[str], *, n: int = 3) -> str:
    """A sentence naming the known names closest to `name`, for error messages: where none is close, all of them, and
    of many their families, or the first.

    >>> nearest("authority.bok", ["authority.book", "order.swap"])
    "Did you mean 'authority.book'?"
    >>> nearest("x", ["b", "a", "b"])
    'Known: a, b.'
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=n, cutoff=0.5)
    if close:
        return "Did you mean " + " or ".join(repr(c) for c in close) + "?"
    if len(names) > _MANY and all("." in name for name in names):
        names = sorted({f"{name.partition('.')[0]}.*" for name in names})
    if len(names) > _MANY:
        names = [*names[:10], f"and {len(names) - 10:,} more"]
    return f"Known: {', '.join(names)}." if names else "None are known."


def located(error: BaseException, file: str | None = None) -> str:
    """`my_probes.py, line 12: KeyError: 'x'`: the deepest line of `file`, or of any file, that the error came through.

    Only the file's name is given, no folder; keys are removed, and what a terminal would act on is written out, since
    the exception is one of somebody else's code and may quote anything.
    """
    said = redact("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in " ".join(str(error).split())))[:300]
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if file is None or f.filename == file]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: {text}" if frames else text


_SECRET = re.compile(
    r"(?i)(bearer\s+|api[-_]?key[\"']?\s*[=:]\s*[\"']?|authorization[\"'=:\s]+(?:bearer\s+)?)[^\s\"',;}]+"
    r"|\b(?:sk|pk|rk|gsk|xai|AIza)[-_A-Za-z0-9]{12,}"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without any of `secrets` and without anything shaped like a key or bearer token."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "[key]")
    return _SECRET.sub(lambda m: (m.group(1) or "") + "[key]", text)
