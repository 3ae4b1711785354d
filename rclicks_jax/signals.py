"""Signals: the first asks a job to stop between two units, the second stops it."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_STOPPING = (
    "\n{} came: stopping once what is being worked on is finished or times out. "
    "Another one stops at once.\n"
)


class StopRequest:
    """Whether this process was asked to stop after the unit it is working on."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self, reason: str) -> None:
        """Asks for a stop; `reason` is what the user is told."""
        self.reason = reason
        self._event.set()


@contextlib.contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turns the first SIGTERM or SIGINT into a request to stop; a second acts.

    A signal that the shell told us to ignore, as `nohup` and scripts do for what they
    start in the background, stays ignored.
    """
    request = StopRequest()
    previous = {}

    def handle(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        request.set(name)
        # A stream may be in the middle of a line, and must not be entered twice.
        with contextlib.suppress(OSError):
            os.write(2, _STOPPING.format(name).encode())
        for known, handler in previous.items():
            signal.signal(known, handler)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) != signal.SIG_IGN:
                previous[number] = signal.signal(number, handle)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
