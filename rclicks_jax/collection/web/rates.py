"""Limits of requests, by session and for entries: buckets of tokens."""

import collections
import time
from collections.abc import Callable

# Sessions whose bucket is kept; a forgotten one is full again.
_MOST_KEPT = 20_000


class Rates:
    """Counts requests of many sessions; forgets those that were quiet longest."""

    def __init__(
        self, per_minute: float, burst: float, clock: Callable[[], float] | None = None
    ) -> None:
        """Makes full buckets.

        Args:
            per_minute: Requests that a session may make in a minute, over long times.
            burst: Requests that it may make at once.
            clock: Seconds; tests give their own.
        """
        self._per_second = per_minute / 60
        self._burst = burst
        self._clock = clock or time.monotonic
        self._kept: collections.OrderedDict[str, tuple[float, float]]
        self._kept = collections.OrderedDict()

    def wait(self, session_id: str) -> float:
        """Counts a request; returns the seconds to wait for it, 0 if it may go on."""
        now = self._clock()
        left, last = self._kept.pop(session_id, (self._burst, now))
        # A clock that was set back takes nothing away.
        left = min(self._burst, left + max(0.0, now - last) * self._per_second)
        allowed = left >= 1
        self._kept[session_id] = left - allowed, now
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
