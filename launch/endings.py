"""How a command says that its job ended, and the exit status of it."""

import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rclicks_jax.jobs import engine


def stopped(name: str) -> int:
    """Says that the signal of this name ended a run; returns the exit status."""
    print(f"Stopped by {name}; the same command goes on.")
    return 128 + signal.Signals[name]


def conclude(
    outcome: "engine.Outcome",
    show: Callable[[], None],
    max_failed: float,
    failures: str,
) -> int:
    """Says how a job ended; returns the exit status.

    Args:
        outcome: How the job ended.
        show: Makes and prints the tables of a finished run.
        max_failed: Largest share of failures that is no error.
        failures: What failed and where the reasons are; follows the share in a message.
    """
    from rclicks_jax import distributed

    if outcome.stopped:
        return stopped(outcome.stopped)
    if not distributed.is_first():
        return 0
    # A shard may be the first to end, with nothing to show yet.
    if outcome.counts["ok"] or not outcome.left:
        show()
    if outcome.left:
        print(f"{outcome.left} images or tasks are left, as of other shards.")
    return _status_of(outcome.failed_share(), max_failed, failures)


def _status_of(failed: float, most: float, failures: str) -> int:
    """Says so if too many failed; returns the exit status.

    Args:
        failed: Share that failed.
        most: Largest share that is no error.
        failures: What failed and where the reasons are.
    """
    if failed <= most:
        return 0
    print(f"error: {failed:.1%} of {failures}", file=sys.stderr)
    return 1
