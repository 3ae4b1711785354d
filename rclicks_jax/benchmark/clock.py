"""Seconds by part of the work on a photograph."""

import contextlib
import threading
import time
from collections.abc import Generator

PARTS = ("encode", "predict", "simulate", "score")


class Clock:
    """Adds up wall time by part of the work; several threads may measure at a time.

    Attributes:
        seconds: Seconds of each part, by the names in `PARTS`.
    """

    def __init__(self) -> None:
        """Starts at zero."""
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = dict.fromkeys(PARTS, 0.0)

    @contextlib.contextmanager
    def measure(self, part: str) -> Generator[None, None, None]:
        """Adds the time spent inside to `part`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(part, time.perf_counter() - start)

    def add(self, part: str, seconds: float) -> None:
        """Adds seconds to `part`."""
        with self._lock:
            self.seconds[part] += seconds
