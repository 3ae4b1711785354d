"""Every error raised on purpose: what was wrong, what came, what is allowed."""

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence


def meant(name: str, known: Iterable[str], shown: Callable[[str], object] = str) -> str:
    """Returns a sentence with the names that may be meant, after a space, or nothing.

    Args:
        name: What was given; capital letters and composed accents do not matter.
        known: All names there are.
        shown: Makes of a known name what is to be typed.
    """
    folded: dict[str, list[str]] = {}
    for each in known:
        folded.setdefault(_folded(each), []).append(each)
    near = difflib.get_close_matches(_folded(name), folded, 2)
    listed = " or ".join(str(shown(each)) for key in near for each in folded[key])
    return f" Do you mean {printable(listed)}?" if listed else ""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def few(names: Sequence[str], most: int) -> str:
    """Returns the first names with commas, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


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

    def __init__(
        self,
        kind: str,
        name: str | None = None,
        known: Iterable[str] = (),
        more: str = "",
    ):
        """Takes what the name should name, the name, all names, and a last sentence.

        pickle and absl make an error anew of its message alone.
        """
        listed = sorted(known)
        told = f"Unknown {kind} {name!r}.{meant(name or '', listed)}"
        told = f"{told} Known: {', '.join(listed)}. {more}".rstrip()
        super().__init__(kind if name is None else told)


class BadValueError(RClicksError, ValueError):
    """A value given by the user or by a plug-in is not allowed."""

    def __init__(
        self,
        what: str,
        got: object = None,
        allowed: str | None = None,
        more: str = "",
    ):
        """Takes what is wrong, what came, what is allowed, and more after a space."""
        told = f"{what}: got {got}; allowed: {allowed}.{more}"
        super().__init__(what if allowed is None else told)


class DataError(RClicksError):
    """A file of a dataset is missing, broken or contradicts another one."""


class SegmenterError(RClicksError):
    """A segmenter or another worker failed, or what it returned cannot be used."""


class RunFolderError(RClicksError):
    """A run folder is of another protocol, or cannot be written."""


class TrainingError(RClicksError):
    """Training cannot start or go on: the message says what to change."""


def check_all(checks: Iterable[Callable[[], object]]) -> None:
    """Makes several checks, so that a user is told at once of all that is wrong.

    Args:
        checks: Each raises a `RClicksError` if something is wrong.

    Raises:
        RClicksError: What the one check raised that failed, or all messages.
    """
    wrong: list[RClicksError] = []
    for check in checks:
        try:
            check()
        except RClicksError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        listed = "\n".join(f"  {error}" for error in wrong)
        raise BadValueError(f"{len(wrong)} things are wrong.\n{listed}")


def reason(error: BaseException) -> str:
    """Returns what an error says, without Python's number and order of an `OSError`.

    Example: "No such file or directory: /data/python".
    """
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = error.filename if isinstance(error.filename, (str, bytes)) else ""
    return f"{error.strerror}: {os.fsdecode(place)}" if place else error.strerror
