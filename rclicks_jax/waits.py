"""Waits that say what they are for."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

# A wait is announced after the first, and again after each of the second.
_QUIET_SECONDS, _REPEAT_SECONDS = 3.0, 60.0


@contextlib.contextmanager
def waiting(what: Callable[[], str] | str) -> Iterator[None]:
    """Says on stderr, after some seconds and then each minute, what is waited for.

    Args:
        what: Follows "Waiting for"; a function is asked each time.
    """
    done = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        pause = _QUIET_SECONDS
        while not done.wait(pause):
            text = what if isinstance(what, str) else what()
            seconds = time.monotonic() - began
            print(f"Waiting for {text} ({seconds:.0f} s)", file=sys.stderr, flush=True)
            pause = _REPEAT_SECONDS

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
