"""Who of the processes of a run is gone without a word: killed, or with its machine."""

import ctypes
import faulthandler
import os
import signal
import threading
from collections.abc import Iterable, Mapping


class Silence:
    """For how long each process has given no sign of life.

    Attributes:
        limit: A process that is silent for so long is lost, seconds.
    """

    def __init__(self, numbers: Iterable[int], now: float, limit: float) -> None:
        self.limit = limit
        self._last: dict[int, tuple[str, float]] = dict.fromkeys(numbers, ("", now))

    def lost(self, signs: Mapping[int, str], now: float) -> list[int]:
        """Returns the processes that are lost.

        Args:
            signs: What each process wrote last; another text each time.
            now: When this was read, seconds of any steady clock.
        """
        for number, text in signs.items():
            if number in self._last and self._last[number][0] != text:
                self._last[number] = text, now
        return [n for n, (_, then) in self._last.items() if now - then > self.limit]


_ABORTED = (
    b"error: JAX ended this process, as said above: it does so where process 0 cannot "
    b"be reached, or another process is silent. That one was killed or stands still, "
    b"or its machine is gone. See the output of the others. What is finished is kept; "
    b"start all processes again.\n"
)
# A handler that is forgotten cannot be called.
_handlers: list[object] = []


def explain_aborts() -> None:
    """Ends this process with a sentence and status 2 where JAX aborts it.

    The client of JAX aborts its process as soon as process 0 is gone, from a thread of
    its own that asks nothing of Python before. What it prints cannot be avoided.
    """

    def handle(number: int) -> None:
        if threading.get_ident() in {each.ident for each in threading.enumerate()}:
            # A fault of what Python called: it aborts as it would without this.
            faulthandler.dump_traceback()
            return
        os.write(2, _ABORTED)
        os._exit(2)

    handlers = ctypes.CFUNCTYPE(None, ctypes.c_int)
    _handlers.append(handlers(handle))
    # `signal.signal` would run it in the main thread, later than the process lives.
    set_handler = ctypes.CDLL(None).signal
    set_handler.argtypes, set_handler.restype = (
        [ctypes.c_int, handlers],
        ctypes.c_void_p,
    )
    set_handler(signal.SIGABRT, _handlers[-1])
