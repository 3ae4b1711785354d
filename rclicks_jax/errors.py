"""Every error raised on purpose: what was wrong, what came, what is allowed."""

import re
from collections.abc import Iterable

# Control characters but tab and new line, which a terminal or a page would obey.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Returns text that every file and terminal can have: odd characters are escaped.

    Names of files, lines of data and foreign code hold what they like: half a surrogate
    pair, which UTF-8 does not have, or characters that move the cursor.
    """
    whole = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", whole)


class RClicksError(Exception):
    """Base of every error the project raises on purpose."""


class UnknownNameError(RClicksError, ValueError):
    """A name is not in a catalogue; the message lists what is."""

    def __init__(self, kind: str, name: str | None = None, known: Iterable[str] = ()):
        # pickle and absl make an error anew of its message alone.
        told = f"Unknown {kind} {name!r}. Known: {', '.join(sorted(known))}."
        super().__init__(kind if name is None else told)


class BadValueError(RClicksError, ValueError):
    """A value given by the user or by a plug-in is not allowed."""

    def __init__(self, what: str, got: object = None, allowed: str | None = None):
        told = f"{what}: got {got}; allowed: {allowed}."
        super().__init__(what if allowed is None else told)


class DataError(RClicksError):
    """A file of a dataset is missing, broken or contradicts another one."""


class SegmenterError(RClicksError):
    """A segmenter or another worker failed, or what it returned cannot be used."""


class RunFolderError(RClicksError):
    """A run folder is of another protocol, or cannot be written."""


class TrainingError(RClicksError):
    """Training cannot start or go on: the message says what to change."""
