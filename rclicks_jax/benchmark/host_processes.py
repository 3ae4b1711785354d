"""Finds mistakes in processes: several cores search regions at the same time."""

import contextlib
import functools
import sys
from collections.abc import Sequence

from rclicks_jax import errors
from rclicks_jax.benchmark import mistakes
from rclicks_jax.bridge import process_pool

_DIED = (
    "warning: a process that searches where robots click ended twice, perhaps for lack "
    "of memory. Its work is done by the run's own process, which changes no number. "
    "--config.host_processes sets how many there are.\n"
)


class HostProcesses(contextlib.AbstractContextManager["HostProcesses"]):
    """Processes that answer `mistakes.Query`s.

    Attributes:
        count: Their number.
    """

    def __init__(self, count: int) -> None:
        """Starts them.

        Raises:
            RClicksError: They cannot be started.
        """
        self.count = count
        self._warned = False
        try:
            self._pool = process_pool.ProcessPool(mistakes.__name__, count)
        except errors.RClicksError as error:
            raise errors.RClicksError(
                f"{error} --config.host_processes=0 needs none."
            ) from error

    def __exit__(self, *_: object) -> None:
        """Ends them."""
        self._pool.close()

    def answer(self, queries: Sequence[mistakes.Query]) -> list[mistakes.Mistakes]:
        """Returns what `mistakes.find` does.

        Threads may ask at the same time, as many as there are processes.
        """
        return [self._answered(query) for query in queries]

    def _answered(self, query: mistakes.Query) -> mistakes.Mistakes:
        frame = functools.partial(mistakes.to_frame, query)
        try:
            return mistakes.of_answer(query, *self._pool.call(frame))
        except process_pool.EndedError:
            if not self._warned:
                self._warned = True
                sys.stderr.write(_DIED)
            # If the query itself ends processes, its error is raised here.
            return mistakes.find(query)
