"""Flags of commands that several hosts can run together."""

from collections.abc import Callable
from typing import TypeVar

from absl import flags

from rclicks_jax import errors

T = TypeVar("T")
_COORDINATOR = flags.DEFINE_string(
    "coordinator",
    "",
    "Several hosts: HOST:PORT of process 0, or auto on TPU pods and SLURM. Leave it "
    "out for a single process.",
)
_PROCESS_COUNT = flags.DEFINE_integer(
    "process_count", 0, "Several hosts: the number of processes. Not needed with auto."
)
_PROCESS_ID = flags.DEFINE_integer(
    "process_id",
    -1,
    "Several hosts: the number of this process, from 0. Not needed with auto.",
)


def start(read_settings: Callable[[], T]) -> T:
    """Reads settings, prepares JAX, and meets the other hosts if there are any.

    A process alone reads its settings first: what is wrong with them is said before
    JAX, which takes seconds, is imported. One of several meets the others first, so
    that they are told why it ends.

    Args:
        read_settings: Returns the settings of the command, checked.

    Raises:
        BadValueError: There is a place among hosts and no coordinator: each host would
            take itself for the only one.
        RClicksError: The settings are wrong.
    """
    for holder in (_PROCESS_COUNT, _PROCESS_ID):
        if holder.value != holder.default and not _COORDINATOR.value:
            raise errors.BadValueError(
                f"--{holder.name}",
                f"{holder.value} without --coordinator",
                "--coordinator=host:port of process 0 beside it, or none of the three "
                "for a single process",
            )
    if _COORDINATOR.value:
        _prepare_jax()
        return read_settings()
    settings = read_settings()
    _prepare_jax()
    return settings


def _prepare_jax() -> None:
    from rclicks_jax import distributed

    distributed.start(_COORDINATOR.value, _PROCESS_COUNT.value, _PROCESS_ID.value)
