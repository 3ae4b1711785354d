"""What a run does when: calls of answerers, and work of the host."""

import threading


class Meter:
    """Notes calls and host work; several threads may note at a time."""

    def __init__(self) -> None:
        """Starts with nothing noted."""
        self._lock = threading.Lock()
        self.calls: list[tuple[str, float, float, int, int]] = []
        self.host_seconds = 0.0

    def call(self, name: str, start: float, end: float, real: int, rows: int) -> None:
        """Notes a call of an answerer.

        Args:
            name: The answerer.
            start: When it began, seconds of `time.perf_counter`.
            end: When it ended.
            real: Rows that were asked for.
            rows: Rows that were computed, padding included.
        """
        with self._lock:
            self.calls.append((name, start, end, real, rows))

    def host(self, start: float, end: float) -> None:
        """Notes a step of a coroutine."""
        with self._lock:
            self.host_seconds += end - start
