"""Waits that say what they are for, and other things done again and again meanwhile."""

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
    began = time.monotonic()

    def tell() -> None:
        text = what if isinstance(what, str) else what()
        seconds = time.monotonic() - began
        print(f"Waiting for {text} ({seconds:.0f} s)", file=sys.stderr, flush=True)

    with repeating(tell, _QUIET_SECONDS, _REPEAT_SECONDS):
        yield


@contextlib.contextmanager
def repeating(
    action: Callable[[], object], first: float, pause: float
) -> Iterator[None]:
    """Does something again and again, in a thread of its own, until a block ends.

    Args:
        action: What is done; must not raise.
        first: Seconds before it is done for the first time.
        pause: Seconds between two times.
    """
    done = threading.Event()

    def repeat() -> None:
        seconds = first
        while not done.wait(seconds):
            action()
            seconds = pause

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
