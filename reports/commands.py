"""Commands that a report names: quoted for a POSIX shell, about the same judge and the same cases.

A run that the command line asked for knows its options (`Audit.options`); one that a program asked for is named by its
judge's spec alone. Not here: which commands are worth naming (advice.py, remedies.py).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from voirdire.harness.casefiles import BUILTIN, IN_MEMORY
from voirdire.harness.findings import Audit, CounterExample
from voirdire.reports.text import visible

__all__ = ["audit_changed", "compare_with", "judge_named", "reproduce_command"]


def reproduce_command(audit: Audit, example: CounterExample) -> str:
    """The command that asks about this one case again."""
    seed = ["--seed", str(audit.seed)] if audit.seed else []
    about = ["--probes", example.probe, "--cases-id", example.case_id]
    return _line(["voirdire", "audit", *_judge(audit), *_suite_file(audit), *_cases(audit), *seed, *about])


def audit_changed(audit: Audit, option: str, value: str) -> str:
    """The same audit of a judge in which `option` has another value, into a folder of its own, in backticks."""
    suite = _suite_file(audit) or ["--suite", audit.suite]
    words = [*_judge(audit, but=(option, value)), option, value, *_cases(audit), *suite, "--out", "after"]
    return _in_backticks(["voirdire", "audit", *words])


def compare_with(audit: Audit, judges: Iterable[str]) -> str:
    """The command that sets `judges` beside the judge of `audit`, on its cases, in backticks."""
    suite = _suite_file(audit) or ["--suite", audit.suite]
    _, _, *options = _judge(audit)
    return _in_backticks(["voirdire", "compare", judge_named(audit), *judges, *options, *suite, *_cases(audit)])


def judge_named(audit: Audit) -> str:
    """The judge as the command line named it, or its spec."""
    return _judge(audit)[1]


def _pairs(audit: Audit) -> list[tuple[str, str]]:
    """Options and their values; a file that was written by hand may hold half of one, which is left out."""
    return list(zip(audit.options[::2], audit.options[1::2], strict=False))


def _judge(audit: Audit, but: tuple[str, str] = ("", "")) -> list[str]:
    """--judge, then the other options that make the judge what it was, without what `but` (option, value) replaces."""
    pairs = [(option, value) for option, value in _pairs(audit) if option != "--suite"]
    named = next((value for option, value in pairs if option == "--judge"), audit.judge_spec)
    words = ["--judge", named]
    for option, value in pairs:
        # of k=v options only the one with the same k is replaced
        same = option == but[0] and value.partition("=")[0] == (but[1].partition("=")[0] if "=" in but[1] else value)
        if option != "--judge" and not same:
            words += [option, value]
    return words


def _suite_file(audit: Audit) -> list[str]:
    """--suite with the file that it was read from; nothing for a built-in suite."""
    return next((["--suite", value] for option, value in _pairs(audit) if option == "--suite"), [])


def _cases(audit: Audit) -> list[str]:
    """--cases; for cases that a program held FILE is to be filled in."""
    if not audit.cases_path or audit.cases_path == BUILTIN:
        return []
    return ["--cases", "FILE" if audit.cases_path == IN_MEMORY else audit.cases_path]


def _line(words: Sequence[str]) -> str:
    return shlex.join(visible(word).replace("\n", "⟨U+000A⟩") for word in words)


def _in_backticks(words: Sequence[str]) -> str:
    # a backtick of its own would end the code
    return f"`{_line([word.replace('`', '⟨U+0060⟩') for word in words])}`"
