"""Waits that print what they wait for, and actions that repeat during a block."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

# Time until a wait is announced, and time between repetitions.
_QUIET_SECONDS, _REPEAT_SECONDS = 3.0, 60.0


@contextlib.contextmanager
def waiting(what: Callable[[], str] | str) -> Iterator[None]:
    """Prints on stderr, after some seconds and then each minute, what is waited for.

    Args:
        what: Text after "Waiting for"; a function is called for each message.
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
    """Repeats an action in its own thread until the block ends.

    Args:
        action: The action; it must not raise.
        first: Seconds before the first call.
        pause: Seconds between two calls.
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
