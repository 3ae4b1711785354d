"""What all commands share: help, and errors without tracebacks."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging
from rclicks_jax.launch import usage

from rclicks_jax import errors

Main = Callable[[Sequence[str]], int | None]


def run(
    main: Main,
    text: str,
    *,
    settings: type | None = None,
    prefix: str = "config.",
    prepare: Callable[[], None] = lambda: None,
) -> None:
    """Runs a command: parses flags, and prints an error as one message.

    Args:
        main: Takes the arguments that are no flags; returns the exit status.
        text: What `--help` says first: what the command does, and examples.
        settings: Dataclass of the settings that flags change, for `--help`.
        prefix: Of the names of these flags.
        prepare: Called before `main`, once flags are known.
    """
    asked = usage.asked(sys.argv)
    if asked:
        is_version = asked == "version"
        print(
            usage.version() if is_version else usage.help_text(text, settings, prefix)
        )
        sys.exit(0)

    def guarded(arguments: Sequence[str]) -> int:
        if not flags.FLAGS["verbosity"].present:
            # Libraries would write into the progress bars.
            logging.set_verbosity(logging.WARNING)
        try:
            prepare()
            status = main(arguments[1:]) or 0
            sys.stdout.flush()
            return status
        except BrokenPipeError:
            # Whoever reads has seen enough, as `head` has. The status is that of any
            # command whose reader left: what was not done is not called done.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 128 + signal.SIGPIPE
        except errors.RClicksError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2

    app.run(guarded, flags_parser=_parsed)


def _parsed(argv: Sequence[str]) -> list[str]:
    try:
        return usage.parse(argv)
    except errors.RClicksError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def stopped(name: str) -> int:
    """Says that the signal of this name ended a run; returns the exit status."""
    print(f"Stopped by {name}; the same command goes on.")
    return 128 + signal.Signals[name]


def status_of(failed: float, most: float, what: str) -> int:
    """Says so if too many failed; returns the exit status.

    Args:
        failed: Share that failed.
        most: Share that may.
        what: What failed, and where to look.
    """
    if failed <= most:
        return 0
    print(f"error: {failed:.1%} of {what}", file=sys.stderr)
    return 1
