"""Standard streams that are closed, or that nobody reads any more."""

import contextlib
import os
import signal
import sys


def open_closed() -> None:
    """Opens the standard streams that whoever started the command has closed.

    Else the next file that is opened has the number of one, and whatever a library or a
    child prints goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one.
            mode = "w" if number else "r"
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def show(text: str) -> int:
    """Prints a text of which a reader, as `head`, may want a part; returns a status."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        silence()
        return 128 + signal.SIGPIPE
    except OSError as error:
        silence()
        with contextlib.suppress(OSError):
            print(f"error: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0


def silence() -> None:
    """Lets what Python still has to print at its end go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
