"""What all commands share: help, and errors without tracebacks."""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from absl import app, flags, logging
from rclicks_jax.launch import streams, usage

from rclicks_jax import errors

Main = Callable[[Sequence[str]], int | None]
# Statuses above are those of signals.
_MOST_OWN_STATUS = 128


def run(
    main: Main,
    text: str,
    *,
    settings: type | None = None,
    prefix: str = "config.",
) -> None:
    """Runs a command: parses flags, and prints an error as one message.

    Args:
        main: Takes the arguments that are no flags; returns the exit status.
        text: What `--help` says first: what the command does, and examples.
        settings: Dataclass of the settings that flags change, for `--help`.
        prefix: Prefix of the names of these flags.
    """
    streams.open_closed()
    request = usage.request(sys.argv)
    if request == "version":
        sys.exit(streams.show(usage.version()))
    if request == "help":
        sys.exit(streams.show(usage.help_text(text, settings, prefix)))
    app.run(lambda arguments: call(main, arguments[1:]), flags_parser=_parse)


def _parse(argv: Sequence[str]) -> list[str]:
    try:
        return usage.parse(argv)
    except errors.RClicksError as error:
        print(f"error: {errors.printable(str(error))}", file=sys.stderr)
        sys.exit(2)


def call(main: Main, arguments: Sequence[str]) -> int:
    """Runs a command whose flags are parsed; returns the exit status.

    Whatever a file, a flag, the network or the devices refuse becomes a sentence here.
    """
    if not flags.FLAGS["verbosity"].present:
        # Libraries would write into the progress bars.
        logging.set_verbosity(logging.WARNING)
    try:
        status = main(arguments) or 0
        sys.stdout.flush()
        if status <= _MOST_OWN_STATUS:
            _part()
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
            if not _has_hosts():
                raise
            # JAX would wait at the end for hosts that wait for this one.
            traceback.print_exception(error)
            return _leave(1, f"{type(error).__name__}.")
        status = 2
        with contextlib.suppress(OSError):
            print(f"error: {errors.printable(reason)}", file=sys.stderr)
        if isinstance(error, OSError):
            # Standard output may be what cannot be written.
            streams.silence()
    return _leave(status, reason)


def _sentence(error: Exception) -> str | None:
    """Returns an error as a sentence for users; None if it is a fault of ours."""
    if isinstance(error, errors.RClicksError):
        return str(error)
    # JAX takes seconds to import, which lists and refusals do without.
    from rclicks_jax.launch import faults

    return faults.sentence(error)


def _has_hosts() -> bool:
    """Tells whether other hosts run the command too; without JAX there are none."""
    if "jax" not in sys.modules:
        return False
    from rclicks_jax import distributed

    return not distributed.is_alone()


def _part() -> None:
    """Waits for the other hosts, if there are any, and parts from them."""
    if _has_hosts():
        from rclicks_jax import distributed

        distributed.finish()


def _leave(status: int, reason: str) -> int:
    """Returns a status; tells other hosts, if there are any, and ends without them."""
    if not _has_hosts():
        return status
    from rclicks_jax import distributed

    distributed.leave(reason)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    # JAX would wait for the others, who may have hours to go.
    os._exit(status)
