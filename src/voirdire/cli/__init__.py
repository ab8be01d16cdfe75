"""The command line: options in, one of the exit codes out.

Commands live one a file and are thin: what they do is in `_compose` and in the reports. Here: turning errors into
messages and exit codes. An exception that nobody foresaw must not look like a verdict (Python's own exit code for it is
1, which is "violated or regressed"), so it ends in a code of its own.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from voirdire.harness.errors import ExitCode

__all__ = ["main", "run"]

#: set to anything: an internal error is told with its traceback
TRACEBACK = "VOIRDIRE_TRACEBACK"


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every error is printed, none is raised."""
    from voirdire.harness.errors import ExitCode

    try:
        code = _run(arguments)
        # here, where it can be told; at the end of the process it would be exit code 120
        sys.stdout.flush()
    except Exception as error:
        _let_go(sys.stdout)
        with contextlib.suppress(OSError):  # of standard error
            return _explain(error)
        return ExitCode.USAGE
    return code


def _run(arguments: Sequence[str] | None) -> int:
    """As `run`, but errors other than those of our own kind are raised."""
    from voirdire.cli.lines import say
    from voirdire.harness.errors import ExitCode, VoirdireError, redact

    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from voirdire.cli.app import app
        from voirdire.cli.complaints import refuse_empty

        refuse_empty(words)
        # standalone_mode=False: usage errors come back as exceptions, and commands return their exit code
        result = app(list(arguments) if arguments is not None else None, standalone_mode=False)
        code = int(result) if isinstance(result, int) else ExitCode.OK
        if code == ExitCode.INTERRUPTED:  # typer turns Ctrl-C inside a command into this
            raise KeyboardInterrupt
        return code
    except VoirdireError as error:
        say(redact(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        say("Interrupted. Run the same command again to go on where it stopped.")
        return ExitCode.INTERRUPTED
    except SystemExit as error:
        say(f"Code of a judge or a plugin ended the program: sys.exit({error.code!r}).")
        return ExitCode.USAGE
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            from voirdire.cli.complaints import complaint

            context = getattr(error, "ctx", None)
            if context is not None:
                say(context.get_usage())
            say(redact(complaint(error, words)))
            return ExitCode.USAGE
        if type(error).__name__ == "Abort":
            say("Stopped: nothing was asked.")
            return ExitCode.USAGE
        raise


def _explain(error: Exception) -> ExitCode:
    """One line about an exception that nobody foresaw: a file or a pipe of the user's, or a defect of ours."""
    from voirdire.cli.lines import say
    from voirdire.harness.errors import ExitCode, located, redact

    if os.environ.get(TRACEBACK):
        import traceback

        say(redact("".join(traceback.format_exception(error))))
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename is not None else ""
        say(redact(f"{name}{error.strerror or type(error).__name__}"))
        return ExitCode.USAGE
    say(f"Internal error, no verdict: {located(error)}. Please report it; {TRACEBACK}=1 shows where it happened.")
    return ExitCode.INTERNAL


def _let_go(stream: TextIO) -> None:
    """If `stream` takes no more, what is still to be written goes nowhere: Python would fail at it again at its end."""
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):  # a stream that is no file
            place = stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, place)
            os.close(nowhere)
    except ValueError:  # closed
        pass


def main() -> None:
    """Entry point of the `voirdire` script."""
    from voirdire.cli.pipes import outlive_readers

    outlive_readers()
    sys.exit(run())
