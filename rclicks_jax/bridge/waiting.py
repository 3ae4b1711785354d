"""Prints a line when a call of a worker takes long, so that no wait is silent."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from rclicks_jax.bridge import faults

_FIRST = 5.0
_AGAIN = 60.0
# A call is long when it takes this many times the longest call of its kind so far.
_FACTOR = 3.0


class Notices:
    """Lines on stderr about the calls of one worker."""

    def __init__(self, name: str, say: Callable[[str], object] | None = None) -> None:
        """Starts with no call.

        Args:
            name: Name of the worker in the lines.
            say: Is called with each line; if None, lines go to stderr.
        """
        self._name = name
        self._say = say or _to_stderr
        self._longest: dict[str, float] = {}
        self._action, self._timeout = "", 0.0
        self._began = self._next = 0.0

    def begin(self, action: str, timeout: float) -> None:
        """Notes that a call has begun, which may take `timeout` seconds."""
        self._action, self._timeout = action, timeout
        self._began = time.monotonic()
        usual = self._longest.get(action, 0.0)
        self._next = max(_FIRST, _FACTOR * usual)

    def end(self) -> None:
        """Notes that the call was answered."""
        taken = time.monotonic() - self._began
        self._longest[self._action] = max(taken, self._longest.get(self._action, 0.0))

    def look(self, last_words: Callable[[], str]) -> None:
        """Prints what is waited for, if the call has taken long.

        Args:
            last_words: Returns what the worker wrote so far; the last line is shown.
        """
        taken = time.monotonic() - self._began
        if taken < self._next:
            return
        self._next = taken + _AGAIN
        *_, last = last_words().splitlines() or [""]
        wrote = f" It last wrote: {faults.plain(last[-200:])}" if last else ""
        self._say(
            f"Waiting for the worker of {self._name} ({self._action}) for {taken:.0f} "
            f"s; the time-out is {self._timeout:g} s.{wrote}"
        )


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
