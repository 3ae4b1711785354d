"""Reasons why images and objects could not be used, as messages."""

import re
import sys
import traceback
from collections.abc import Mapping

from rclicks_jax import errors

NOTHING_WRONG = "the error region has no pixel"
# Number of reasons that are shown, and the largest number of characters of each.
_SHOWN, _LONGEST = 3, 300
# Parts of a reason that differ between images although they failed in the same way.
_PARTICULAR = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?|'[^']*'|\"[^\"]*\"|\S*/\S*")


def reason(error: Exception, advice: str) -> str:
    """Returns the reason why an image or an object failed.

    Args:
        error: The error that was raised. Unless it is a `RClicksError` or a lack of
            memory, its traceback is printed.
        advice: Sentence that tells the user what to do if memory runs out.
    """
    if not isinstance(error, errors.RClicksError) and not is_memory(error):
        traceback.print_exception(error, file=sys.stderr)
    return described(error, advice)


def described(error: Exception, advice: str = "") -> str:
    """Returns the text of an error, as a record holds it."""
    if isinstance(error, errors.SegmenterMemoryError):
        return f"out of memory: {errors.printable(str(error))}"
    if is_memory(error):
        message = f"out of memory ({gist(errors.printable(str(error)))})"
        return f"{message}. {advice}" if advice else message
    if isinstance(error, errors.RClicksError):
        return errors.printable(str(error))
    return errors.printable(f"{type(error).__name__}: {error}")


def is_memory(error: BaseException) -> bool:
    """Tells whether an error says that memory of the host or a device ran out."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or "RESOURCE_EXHAUSTED" in text
        or "out of memory" in text.lower()
        or "Insufficient memory" in text
        or "MemoryError" in text
    )


def kind_of(reason: str) -> str:
    """Returns a reason without its numbers, names and paths: the kind of failure."""
    return _PARTICULAR.sub("_", reason)


def most_common(reasons: Mapping[str, int]) -> str:
    """Lists the most common kinds of failure, with counts and an example of each.

    Args:
        reasons: The number of failures by reason.
    """
    kinds: dict[str, tuple[int, str]] = {}
    for text, count in reasons.items():
        counted, example = kinds.get(kind_of(text), (0, text))
        kinds[kind_of(text)] = counted + count, example
    ordered = sorted(kinds.values(), key=lambda kind: -kind[0])
    parts = [f"{count} times: {gist(text)}" for count, text in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        rest = sum(count for count, _ in ordered[_SHOWN:])
        parts.append(f"{rest} times for other reasons")
    return "; ".join(parts)


def gist(text: str) -> str:
    """Returns the most useful line of a message: the first, or a traceback's last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    # A traceback has lines of frames; a heading may stand before them.
    frames = any(line.startswith('File "') for line in lines[:3])
    line = lines[-1 if frames else 0]
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
