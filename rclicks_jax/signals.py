"""Signals: the first asks a job to stop between two units, the second kills it."""

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
    """A request to stop after the present unit; true once the request was made.

    Attributes:
        reason: Name of the signal; empty if there was none.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self, reason: str) -> None:
        """Makes the request; `reason` is the name of the signal, for messages."""
        self.reason = reason
        self._event.set()


@contextlib.contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Turns the first SIGTERM or SIGINT into a request to stop; a second one acts.

    A signal that this process ignores from its start on stays ignored: `nohup` and
    scripts arrange that for programs in the background.
    """
    request = StopRequest()
    previous = {}

    def handle(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        request.set(name)
        # This writes without a stream: a handler may interrupt a write to one.
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
