"""Drops the lines that Orbax prints about a failed checkpoint.

The exception says once that a checkpoint cannot be written or read. Orbax's threads,
asyncio and TensorStore's callbacks print hundreds of lines about it as well, before and
after, in which the sentence is lost.
"""

import logging
import pathlib
import re
import sys
from collections.abc import Callable

from rclicks_jax import errors

_LOGGERS = ("absl", "asyncio")
# Errors of loops of asyncio that ended, or never began for want of a socket.
_OF_LOOPS = re.compile(r"Event loop is closed|no attribute '_ssock'")
_NEVER_RETRIEVED = "exception was never retrieved"
# Reasons of the operating system, in the text of an error of TensorStore.
_REFUSED = re.compile(
    r"No space left on device|Disk quota exceeded|Read-only file system"
    r"|Permission denied|Input/output error|Too many open files|File too large"
)


def silence() -> None:
    """Drops these lines, and no others, for the rest of the process."""
    for name in _LOGGERS:
        # Adding it again changes nothing.
        logging.getLogger(name).addFilter(_is_wanted)
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)


def reason(error: Exception) -> str:
    """Returns the reason of an error in few words; some errors quote all settings."""
    refused = _REFUSED.search(str(error))
    return refused[0] if refused else errors.reason(error)


def _is_wanted(record: logging.LogRecord) -> bool:
    if record.name == "asyncio":
        return _NEVER_RETRIEVED not in record.getMessage()
    return record.exc_info is None or "orbax" not in pathlib.Path(record.pathname).parts


class _Hook:
    """Shows exceptions, but not those of loops of asyncio, whose cause is known."""

    def __init__(self, show: Callable[["sys.UnraisableHookArgs"], object]) -> None:
        self._show = show

    def __call__(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if not _OF_LOOPS.search(str(unraisable.exc_value)):
            self._show(unraisable)
