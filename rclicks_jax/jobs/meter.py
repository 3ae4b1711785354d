"""What a start does when: how busy answerers and the host are, and how full batches."""

import contextlib
import threading
import time
from collections.abc import Generator

# The first minute is kept second by second.
SECONDS = 60


class Activity:
    """How busy something is that does several things at a time; not for threads.

    Attributes:
        width: Things that it can do at a time.
        busy: Seconds in which it did something.
        work: Seconds of all that it did, added up.
        first_minute: Share of each second of the first minute that it was busy: of a
            host, of all its threads.
    """

    def __init__(self, width: int, is_shared: bool) -> None:
        """Starts idle.

        Args:
            width: Things that it can do at a time.
            is_shared: Whether it is half busy when it does half of what it can.
        """
        self.width = width
        self.busy = self.work = 0.0
        self.first_minute = [0.0] * SECONDS
        self._is_shared = is_shared
        self._active, self._since = 0, 0.0

    @property
    def share_of_seconds(self) -> float:
        """Seconds in which it was busy; of what is shared, its share in each."""
        return self.work / self.width if self._is_shared else self.busy

    def change(self, by: int, now: float) -> None:
        """Begins or ends something.

        Args:
            by: 1 if something begins, -1 if it ends.
            now: Seconds since the start.
        """
        if self._active:
            passed = now - self._since
            self.busy += passed
            self.work += passed * self._active
            share = self._active / self.width if self._is_shared else 1.0
            self._draw(self._since, now, share)
        self._active, self._since = self._active + by, now

    def _draw(self, start: float, end: float, share: float) -> None:
        for second in range(int(start), min(SECONDS, int(end) + 1)):
            inside = min(end, second + 1) - max(start, second)
            self.first_minute[second] += share * max(0.0, inside)


class Calls:
    """Calls of an answerer.

    Attributes:
        activity: When they were made.
        calls: Their number.
        real: Rows that were asked for.
        rows: Rows that were computed, padding included.
    """

    def __init__(self, lanes: int, *, is_shared: bool = False) -> None:
        """Starts with no call; see `Answerer`."""
        self.activity = Activity(lanes, is_shared=is_shared)
        self.calls = self.real = self.rows = 0


class Meter:
    """Notes what a start does; several threads may note at a time.

    Attributes:
        answerers: Calls of each answerer, by its name.
        host: The threads of the host.
        parts: Seconds of work of the host by part: `decode`, `records`, and all that is
            noted with `part`.
    """

    def __init__(self) -> None:
        """Starts the clock."""
        self._lock = threading.Lock()
        self._zero = time.perf_counter()
        self.answerers: dict[str, Calls] = {}
        self.host = Activity(1, is_shared=True)
        self.parts: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._zero

    def begin(self, answerers: dict[str, Calls], threads: int) -> None:
        """Names what is noted.

        Args:
            answerers: Takes the calls of each answerer, by its name.
            threads: Threads of the host.
        """
        self.answerers = answerers
        self.host = Activity(max(1, threads), is_shared=True)

    @contextlib.contextmanager
    def call(self, name: str, real: int, rows: int) -> Generator[None]:
        """Notes a call of an answerer.

        Args:
            name: The answerer.
            real: Rows that are asked for; 0 if other calls are passes and this is none.
            rows: Rows that are computed, padding included.
        """
        calls = self.answerers[name]
        with self._lock:
            calls.calls += 1
            calls.real += real
            calls.rows += rows
        with self._active(calls.activity):
            yield

    @contextlib.contextmanager
    def step(self) -> Generator[None]:
        """Notes a step of a coroutine, which the host does."""
        with self._active(self.host):
            yield

    @contextlib.contextmanager
    def part(self, name: str) -> Generator[None]:
        """Notes a part of the work."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                passed = time.perf_counter() - start
                self.parts[name] = self.parts.get(name, 0.0) + passed

    @contextlib.contextmanager
    def _active(self, activity: Activity) -> Generator[None]:
        with self._lock:
            activity.change(1, self.seconds)
        try:
            yield
        finally:
            with self._lock:
                activity.change(-1, self.seconds)
