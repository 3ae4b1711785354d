"""Seats at a live segmenter, and the line of people who wait for one."""

import time
from collections.abc import Callable

# Who does not act for so long loses the seat, if somebody waits for it.
_IDLE_SECONDS = 90.0
# Who does not ask for so long does not wait any more: browsers ask every few seconds.
_GONE_SECONDS = 30.0


class Seats:
    """Who may have live tasks now. Sessions that wait are served in their order."""

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Starts with free seats.

        Args:
            count: Sessions that may have live tasks at a time.
            clock: Seconds; tests give their own.
        """
        self._count = count
        self._clock = clock
        # Sessions with a seat, longest idle first, and when they acted last.
        self._held: dict[str, float] = {}
        # Sessions that wait, in their order, and until when they keep their place.
        self._line: dict[str, float] = {}

    def take(self, session_id: str) -> bool:
        """Returns whether a session has a seat now; if not, it waits in the line."""
        if session_id in self._held:
            self.use(session_id)
            return True
        now = self._clock()
        self._line[session_id] = now + _GONE_SECONDS
        self._line = {name: end for name, end in self._line.items() if now < end}
        idle = [name for name, at in self._held.items() if now - at >= _IDLE_SECONDS]
        free = self._count - len(self._held)
        if list(self._line).index(session_id) >= free + len(idle):
            return False
        if free <= 0:
            del self._held[idle[0]]
        self.use(session_id)
        return True

    def keep(self, session_id: str, seconds: float) -> None:
        """Keeps the place in the line of a session that does something else meanwhile.

        Args:
            session_id: The session; nothing happens if it does not wait.
            seconds: How long that takes; then it asks again.
        """
        if session_id in self._line:
            self._line[session_id] = self._clock() + seconds + _GONE_SECONDS

    def use(self, session_id: str) -> None:
        """Notes that a session acts. One that lost its seat gets it back at once.

        There may be more sessions than seats then: the segmenter encodes a photograph
        again, which is slower, and nobody loses a click.
        """
        self._line.pop(session_id, None)
        self._held.pop(session_id, None)
        self._held[session_id] = self._clock()

    def leave(self, session_id: str) -> None:
        """Frees the seat of a session that pauses or has ended."""
        self._held.pop(session_id, None)
        self._line.pop(session_id, None)
