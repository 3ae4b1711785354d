"""All errors that are raised on purpose; helpers for messages."""

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence


def meant(name: str, known: Iterable[str], shown: Callable[[str], object] = str) -> str:
    """Returns a space and a sentence with similar names; empty if there are none.

    Args:
        name: The unknown name; upper case and composed accents do not matter.
        known: All known names.
        shown: Function from a known name to the text that the user has to type.
    """
    folded: dict[str, list[str]] = {}
    for candidate in known:
        folded.setdefault(_folded(candidate), []).append(candidate)
    near = difflib.get_close_matches(_folded(name), folded, 2)
    listed = " or ".join(
        str(shown(candidate)) for key in near for candidate in folded[key]
    )
    return f" Do you mean {printable(listed)}?" if listed else ""


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def few(names: Sequence[str], most: int) -> str:
    """Returns the first names, separated by commas, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


# Control characters that a terminal or a page would obey; tab and new line are not.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Escapes characters that a file or a terminal cannot take.

    Names of files, lines of data and foreign code can hold anything: half a surrogate
    pair, which UTF-8 cannot encode, or characters that move the cursor.
    """
    encodable = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", encodable)


class RClicksError(Exception):
    """Base of every error the project raises on purpose."""


class UnknownNameError(RClicksError, ValueError):
    """A name is not in a catalogue; the message lists the known names."""

    def __init__(
        self,
        kind: str,
        name: str | None = None,
        known: Iterable[str] = (),
        more: str = "",
    ):
        """Makes the message; with a single argument, that is the whole message.

        pickle and absl call the constructor with the message alone.

        Args:
            kind: Word for what the name stands for, such as `segmenter`.
            name: The unknown name.
            known: All known names.
            more: A last sentence.
        """
        listed = sorted(known)
        message = f"Unknown {kind} {name!r}.{meant(name or '', listed)}"
        message = f"{message} Known: {', '.join(listed)}. {more}".rstrip()
        super().__init__(kind if name is None else message)


class BadValueError(RClicksError, ValueError):
    """A value given by the user or by a plug-in is not allowed."""

    def __init__(
        self,
        what: str,
        got: object = None,
        allowed: str | None = None,
        more: str = "",
    ):
        """Makes the message; with a single argument, that is the whole message.

        Args:
            what: The setting or value that is wrong.
            got: The value that came.
            allowed: The values that are allowed.
            more: A further sentence, with a space in front.
        """
        message = f"{what}: got {got}; allowed: {allowed}.{more}"
        super().__init__(what if allowed is None else message)


class DataError(RClicksError):
    """A file of a dataset is missing or broken, or contradicts another file."""


class SegmenterError(RClicksError):
    """A segmenter or another worker failed, or its answer cannot be used."""


class SegmenterMemoryError(SegmenterError, MemoryError):
    """A device has not enough memory for a segmenter; the message says what to set."""


class DeviceError(RClicksError):
    """A device of this host was lost: no image after it could be worked on."""


class DeviceMemoryError(RClicksError, MemoryError):
    """A device of this host has not enough memory for what it was asked."""


class RunFolderError(RClicksError):
    """A run folder holds another run, is damaged, or cannot be written."""


class TrainingError(RClicksError):
    """Training cannot start or go on: the message says what to change."""


def check_all(checks: Iterable[Callable[[], object]]) -> None:
    """Makes several checks, so that the user sees all problems at once.

    Args:
        checks: Functions that raise a `RClicksError` if something is wrong.

    Raises:
        RClicksError: The error of the check that failed; if several failed, an error
            with all messages.
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
    """Returns the message of an error; that of an `OSError` without Python's form.

    Example: "No such file or directory: /data/python".
    """
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    place = error.filename if isinstance(error.filename, (str, bytes)) else ""
    return f"{error.strerror}: {os.fsdecode(place)}" if place else error.strerror
