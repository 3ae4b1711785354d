"""Flags of commands that several hosts can run together."""

from absl import flags

from rclicks_jax import errors

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


def start() -> None:
    """Prepares JAX, and meets the other hosts if there are any.

    Raises:
        BadValueError: There is a place among hosts and no coordinator: each host would
            take itself for the only one.
    """
    for holder in (_PROCESS_COUNT, _PROCESS_ID):
        if holder.value != holder.default and not _COORDINATOR.value:
            raise errors.BadValueError(
                f"--{holder.name}",
                f"{holder.value} without --coordinator",
                "--coordinator=host:port of process 0 beside it, or none of the three "
                "for a single process",
            )
    # JAX takes seconds to import, which --help does without.
    from rclicks_jax import distributed

    distributed.start(_COORDINATOR.value, _PROCESS_COUNT.value, _PROCESS_ID.value)
