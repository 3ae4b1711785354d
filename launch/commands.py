"""What all commands share: help, and errors without tracebacks."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from absl import app, flags, logging
from rclicks_jax.launch import streams, usage

from rclicks_jax import errors

if TYPE_CHECKING:
    from rclicks_jax.jobs import engine

Main = Callable[[Sequence[str]], int | None]
# Statuses above are those of signals.
_MOST_OWN_STATUS = 128


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
    streams.open_closed()
    asked = usage.asked(sys.argv)
    if asked:
        is_version = asked == "version"
        sys.exit(
            streams.show(
                usage.version()
                if is_version
                else usage.help_text(text, settings, prefix)
            )
        )
    app.run(lambda arguments: call(main, arguments[1:], prepare), flags_parser=_parsed)


def _parsed(argv: Sequence[str]) -> list[str]:
    try:
        return usage.parse(argv)
    except errors.RClicksError as error:
        print(f"error: {errors.printable(str(error))}", file=sys.stderr)
        sys.exit(2)


def call(
    main: Main, arguments: Sequence[str], prepare: Callable[[], None] = lambda: None
) -> int:
    """Runs a command whose flags are parsed; returns the exit status.

    Whatever a file, a flag, the network or the devices refuse becomes a sentence here.
    """
    if not flags.FLAGS["verbosity"].present:
        # Libraries would write into the progress bars.
        logging.set_verbosity(logging.WARNING)
    try:
        prepare()
        status = main(arguments) or 0
        sys.stdout.flush()
        if status <= _MOST_OWN_STATUS:
            if hosts := _hosts():
                hosts.finish()
            return status
        reason = "It was stopped by a signal."
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` has. The status is that of any
        # command whose reader left: what was not done is not called done.
        streams.silence()
        status, reason = 128 + signal.SIGPIPE, "Nobody read its output any more."
    except KeyboardInterrupt:
        status, reason = 128 + signal.SIGINT, "It was interrupted."
        print("Interrupted; the same command goes on.", file=sys.stderr)
    except Exception as error:
        reason = _sentence(error)
        if reason is None:
            hosts = _hosts()
            if hosts is None or hosts.is_alone():
                raise
            # JAX would wait at the end for hosts that wait for this one.
            traceback.print_exception(error)
            return _left(1, f"{type(error).__name__}.")
        status = 2
        with contextlib.suppress(OSError):
            print(f"error: {errors.printable(reason)}", file=sys.stderr)
        if isinstance(error, OSError):
            # Standard output may be what cannot be written.
            streams.silence()
    return _left(status, reason)


def _sentence(error: Exception) -> str | None:
    """Returns what a user is told of an error; None if it is a fault of ours."""
    if isinstance(error, errors.RClicksError):
        return str(error)
    # JAX takes seconds to import, which lists and refusals do without.
    from rclicks_jax.launch import faults

    return faults.sentence(error)


def _hosts() -> Any:
    """Returns the module `hosts` if the command used it; else there are no others."""
    return sys.modules.get("rclicks_jax.hosts")


def _left(status: int, reason: str) -> int:
    """Returns a status; where others are, tells them, and ends without them."""
    hosts = _hosts()
    if hosts is None or hosts.is_alone():
        return status
    hosts.leave(reason)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # JAX would wait for the others, who may have hours to go.
    os._exit(status)


def stopped(name: str) -> int:
    """Says that the signal of this name ended a run; returns the exit status."""
    print(f"Stopped by {name}; the same command goes on.")
    return 128 + signal.Signals[name]


def concluded(
    outcome: "engine.Outcome", show: Callable[[], None], max_failed: float, what: str
) -> int:
    """Says how a job ended; returns the exit status.

    Args:
        outcome: Of the job.
        show: Makes and prints what is made of a finished run.
        max_failed: Largest share of failures that is no error.
        what: What failed and where it is said, after the share in a message.
    """
    from rclicks_jax import hosts

    if outcome.stopped:
        return stopped(outcome.stopped)
    if not hosts.is_first():
        return 0
    # A shard may be the first to end, with nothing to show yet.
    if outcome.counts["ok"] or not outcome.left:
        show()
    if outcome.left:
        print(f"{outcome.left} images or tasks are left, as of other shards.")
    return status_of(outcome.failed_share(), max_failed, what)


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
