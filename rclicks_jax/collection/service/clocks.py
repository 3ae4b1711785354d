"""The clock of a study: a date when it is opened, and then seconds that pass."""

import time
from collections.abc import Callable


def passing() -> float:
    """Returns seconds that nobody can set, since some moment.

    They go on while the machine sleeps, where the system counts that.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class StudyClock:
    """Seconds since 1970 that never jump.

    The machine's clock may be set forward or back while people click. Steps, leases and
    rates are differences of two times, so that clock is read once.
    """

    def __init__(
        self,
        date: Callable[[], float] = time.time,
        passing: Callable[[], float] = passing,
    ) -> None:
        """Starts with the date of now.

        Args:
            date: Seconds since 1970, by the machine's clock.
            passing: Seconds that pass; they never go back.
        """
        self._passing = passing
        self._offset = date() - passing()

    def __call__(self) -> float:
        """Returns the time."""
        return self._offset + self._passing()
