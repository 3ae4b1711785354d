"""What is said of images and objects that could not be used."""

import re
import sys
import traceback
from collections.abc import Mapping

from rclicks_jax import errors

NOTHING_WRONG = "the error region has no pixel"
# Reasons that are shown, and characters of each.
_SHOWN, _LONGEST = 3, 300
# Parts of a reason that differ between images which fail in the same way.
_PARTICULAR = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?|'[^']*'|\"[^\"]*\"|\S*/\S*")


def reason(error: Exception, advice: str) -> str:
    """Says why an image or an object failed; the run goes on with the others.

    Args:
        error: What was raised. What is none of ours is also printed as a traceback.
        advice: What to do if the memory is too small.
    """
    if not isinstance(error, errors.RClicksError) and not is_memory(error):
        traceback.print_exception(error, file=sys.stderr)
    return described(error, advice)


def described(error: Exception, advice: str = "") -> str:
    """Returns an error as the reason of a record."""
    if is_memory(error):
        told = f"out of memory ({gist(errors.printable(str(error)))})"
        return f"{told}. {advice}" if advice else told
    if isinstance(error, errors.RClicksError):
        return errors.printable(str(error))
    return errors.printable(f"{type(error).__name__}: {error}")


def is_memory(error: BaseException) -> bool:
    """Tells whether the memory of host or device was too small."""
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or "RESOURCE_EXHAUSTED" in text
        or "out of memory" in text.lower()
        or "Insufficient memory" in text
        or "MemoryError" in text
    )


def kind_of(reason: str) -> str:
    """Returns a reason without numbers, names and paths: the way in which it failed."""
    return _PARTICULAR.sub("_", reason)


def most_common(reasons: Mapping[str, int]) -> str:
    """Lists the most common ways to fail, with counts; one reason stands for each.

    Args:
        reasons: How often each came.
    """
    kinds: dict[str, tuple[int, str]] = {}
    for text, count in reasons.items():
        counted, example = kinds.get(kind_of(text), (0, text))
        kinds[kind_of(text)] = counted + count, example
    ordered = sorted(kinds.values(), key=lambda kind: -kind[0])
    told = [f"{count} times: {gist(text)}" for count, text in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        rest = sum(count for count, _ in ordered[_SHOWN:])
        told.append(f"{rest} times for other reasons")
    return "; ".join(told)


def gist(text: str) -> str:
    """Returns the line of a message that says most: of a traceback the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    # A heading may come before; a traceback that is only spoken of has no frames.
    frames = any(line.startswith('File "') for line in lines[:3])
    line = lines[-1 if frames else 0]
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
