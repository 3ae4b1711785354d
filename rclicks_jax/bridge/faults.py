"""Describes an exception in an adapter: its message, and where it was raised."""

from __future__ import annotations

import os
import sys
import traceback

_MOST_CHARACTERS = 1500
_LINE_CHARACTERS = 160
_MOST_FRAMES = 8
_MOST_CAUSES = 2
_HERE = os.path.dirname(os.path.abspath(__file__))


class FaultError(Exception):
    """An adapter raised, or returned an unusable value; the message is complete.

    Attributes:
        missing: Name of a module that was not found; empty for any other failure.
    """

    def __init__(self, message: str, missing: str = "") -> None:
        """Keeps the message and the missing module."""
        super().__init__(message)
        self.missing = missing


def describe(error: BaseException) -> str:
    """Returns the type and message of an exception, and its lines in the adapter.

    Args:
        error: The exception, as it was raised. Its own methods may fail, and its
            message may have any length.
    """
    lines = [_headline(error), *_frames(error)]
    cause, left = _cause(error), _MOST_CAUSES
    while cause is not None and left:
        lines += [f"because of {_headline(cause)}", *_frames(cause)]
        cause, left = _cause(cause), left - 1
    return "\n".join([*lines, *_hints(error)])


def plain(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Returns text that any file and terminal accepts.

    The text is cut, and control characters are escaped.

    Args:
        text: Any text.
        most: Number of characters to keep.
    """
    start = text[:most].encode("utf-8", "backslashreplace").decode()
    shown = "".join(
        character
        if character.isprintable() or character == "\n"
        else repr(character)[1:-1]
        for character in start
    )
    return shown + (f"... ({len(text)} characters)" if len(text) > most else "")


def _headline(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        message = plain(str(error))
    except Exception as second:
        message = f"its message cannot be shown ({type(second).__name__})"
    return f"{kind}: {message}" if message else kind


def _frames(error: BaseException) -> list[str]:
    """Returns the lines of the traceback, outermost first, without our own files."""
    try:
        entries = traceback.extract_tb(error.__traceback__)
    # Its message is worth more than where it came from.
    except Exception:
        return []
    lines = [
        f"    {_place(each.filename)}:{each.lineno}, in {each.name}"
        + (f": {each.line[:_LINE_CHARACTERS]}" if each.line else "")
        for each in entries
        if not _is_ours(each.filename)
    ]
    if len(lines) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        lines = [*lines[:half], "    ...", *lines[-half:]]
    return [plain(line) for line in lines]


def _is_ours(path: str) -> bool:
    """Tells whether a file belongs to the code that runs adapters."""
    package = os.path.dirname(_HERE)
    return (
        os.path.dirname(os.path.abspath(path))
        in (
            _HERE,
            os.path.join(package, "segmenters"),
        )
        or "importlib" in path
    )


def _place(path: str) -> str:
    """Returns a path; for an installed package, the part below site-packages."""
    _, separator, rest = path.rpartition(f"site-packages{os.sep}")
    return rest if separator else path


def _cause(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def _hints(error: BaseException) -> list[str]:
    of_others = not (getattr(error, "name", None) or "").startswith("rclicks_jax")
    if isinstance(error, ModuleNotFoundError) and error.name and of_others:
        return [f"{sys.executable} has no module {plain(error.name)}."]
    if isinstance(error, ValueError) and "read-only" in str(error):
        return ["Images and clicks are read-only: change a copy, as image.copy()."]
    return []
