"""What all commands share: flags for several hosts, and errors without tracebacks."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging
from rclicks_jax.launch import faults

from rclicks_jax import hosts

Main = Callable[[Sequence[str]], int | None]

# Statuses above are those of signals.
_MOST_OWN_STATUS = 128
_COORDINATOR = flags.DEFINE_string(
    "coordinator", "", "host:port of process 0, or auto; empty for a single process."
)
_PROCESS_COUNT = flags.DEFINE_integer("process_count", 0, "Number of processes.")
_PROCESS_ID = flags.DEFINE_integer("process_id", -1, "Number of this process.")


def run(main: Main, usage: str) -> None:
    """Runs a command: parses flags, prepares JAX, prints an error as one message.

    Args:
        main: Takes the arguments that are no flags; returns the exit status.
        usage: What `--help` says first.
    """
    # absl shows the docstring and the flags of the main module as the usage.
    sys.modules["__main__"].__doc__ = usage
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith("rclicks_jax.launch."):
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(lambda arguments: call(main, arguments[1:]))


def call(main: Main, arguments: Sequence[str]) -> int:
    """Runs a command whose flags are parsed; returns the exit status.

    Whatever a file, a flag, the network or the devices refuse becomes a sentence here.
    """
    if not flags.FLAGS["verbosity"].present:
        # Libraries would write into the progress bars.
        logging.set_verbosity(logging.WARNING)
    try:
        hosts.start(_COORDINATOR.value, _PROCESS_COUNT.value, _PROCESS_ID.value)
        status = main(arguments) or 0
        sys.stdout.flush()
        if status <= _MOST_OWN_STATUS:
            hosts.finish()
            return status
        reason = "It was stopped by a signal."
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` has. The status is that of any
        # command whose reader left: what was not done is not called done.
        _silence()
        status, reason = 128 + signal.SIGPIPE, "Nobody read its output any more."
    except KeyboardInterrupt:
        status, reason = 128 + signal.SIGINT, "It was interrupted."
        print("Interrupted; the same command goes on.", file=sys.stderr)
    except Exception as error:
        reason = faults.sentence(error)
        if reason is None:
            hosts.leave(f"{type(error).__name__}.")
            raise
        status = 2
        with contextlib.suppress(OSError):
            print(f"error: {reason}", file=sys.stderr)
        if isinstance(error, OSError):
            # Standard output may be what cannot be written.
            _silence()
    return _left(status, reason)


def _silence() -> None:
    """Lets what Python still has to print at its end go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _left(status: int, reason: str) -> int:
    """Returns a status; where others are, tells them, and ends without them."""
    if hosts.is_alone():
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
