"""Keeps apart what Orbax raises of a failed checkpoint and what it prints of it.

A checkpoint that cannot be written or read is told once, by the exception. Orbax's
threads, asyncio and TensorStore's callbacks print hundreds of lines of it as well,
before and after that, which bury the sentence.
"""

import logging
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any

from rclicks_jax import errors

_LOGGERS = ("absl", "asyncio")
# Of loops of asyncio that ended, or never began for want of a socket.
_OF_LOOPS = re.compile(r"Event loop is closed|no attribute '_ssock'")
_NEVER_RETRIEVED = "exception was never retrieved"
# What the operating system refused, in the text of an error of TensorStore.
_REFUSED = re.compile(
    r"No space left on device|Disk quota exceeded|Read-only file system"
    r"|Permission denied|Input/output error|Too many open files|File too large"
)


def silence() -> None:
    """Drops these lines, and no others, for the rest of the process."""
    for name in _LOGGERS:
        # Adding it again changes nothing.
        logging.getLogger(name).addFilter(_is_said_by_nobody_else)
    if not isinstance(sys.unraisablehook, _Hook):
        sys.unraisablehook = _Hook(sys.unraisablehook)


def reason(error: Exception) -> str:
    """Returns what is wrong in few words, of errors that quote whole settings."""
    refused = _REFUSED.search(str(error))
    return refused[0] if refused else errors.reason(error)


def _is_said_by_nobody_else(record: logging.LogRecord) -> bool:
    if record.name == "asyncio":
        return _NEVER_RETRIEVED not in record.getMessage()
    return record.exc_info is None or "orbax" not in pathlib.Path(record.pathname).parts


class _Hook:
    """Shows exceptions, but for those of loops of asyncio, whose cause is told."""

    def __init__(self, show: Callable[[Any], Any]) -> None:
        self._show = show

    def __call__(self, unraisable: Any) -> None:
        if not _OF_LOOPS.search(str(unraisable.exc_value)):
            self._show(unraisable)
