"""The command line: options in, one of the exit codes out.

Commands live one a file and are thin: what they do is in `_compose` and in the reports. Here: turning errors into
messages and exit codes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main", "run"]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; every expected error is printed, none is raised."""
    from voirdire.harness.errors import ExitCode, VoirdireError, redact

    try:
        from voirdire.cli.app import app

        # standalone_mode=False: usage errors come back as exceptions, and commands return their exit code
        result = app(list(arguments) if arguments is not None else None, standalone_mode=False)
        code = int(result) if isinstance(result, int) else ExitCode.OK
        if code == ExitCode.INTERRUPTED:  # typer turns Ctrl-C inside a command into this
            raise KeyboardInterrupt
        return code
    except VoirdireError as error:
        _say(redact(str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        _say("Interrupted. Run the same command again to go on where it stopped.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`voirdire probes | head`): nobody is left to tell
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            context = getattr(error, "ctx", None)
            if context is not None:
                _say(context.get_usage())
            _say(f"{error.format_message()}")
            return ExitCode.USAGE
        if type(error).__name__ == "Abort":
            _say("Stopped: nothing was asked.")
            return ExitCode.USAGE
        raise


def _say(text: str) -> None:
    """To standard error, with control characters made visible: messages may quote judged text."""
    safe = "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    print(safe, file=sys.stderr)


def main() -> None:
    """Entry point of the `voirdire` script."""
    sys.exit(run())
