"""What all commands share: flags for several hosts, and errors without tracebacks."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging

from rclicks_jax import errors, hosts

Main = Callable[[Sequence[str]], int | None]

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

    def guarded(arguments: Sequence[str]) -> int:
        if not flags.FLAGS["verbosity"].present:
            # Libraries would write into the progress bars.
            logging.set_verbosity(logging.WARNING)
        try:
            hosts.start(_COORDINATOR.value, _PROCESS_COUNT.value, _PROCESS_ID.value)
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

    # absl shows the docstring and the flags of the main module as the usage.
    sys.modules["__main__"].__doc__ = usage
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith("rclicks_jax.launch."):
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(guarded)


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
