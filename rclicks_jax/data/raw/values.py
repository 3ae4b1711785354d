"""Converts values of foreign JSON files to ids, whole numbers and text of messages."""

import re
import reprlib

from rclicks_jax.data.raw import identities

# Beyond this number floats cannot represent every whole number.
_EXACT = 2**53
_DIGITS = re.compile(r"[0-9]{1,15}")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """Returns any value as short ASCII text for a message."""
    return _SHORT.repr(value).encode("ascii", "backslashreplace").decode()


def is_number(value: object) -> bool:
    """Tells whether a value is a JSON number; `true` and `false` are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: object) -> int | None:
    """Returns the whole number of 64, 64.0 or "64"; None for any other value."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else None
    return value if isinstance(value, int) and is_number(value) else None


def identity(value: object) -> str | None:
    """Returns an id as text: 7, 7.0 and "7" are the same id.

    Accents are composed (NFC), since files write them in two ways.

    Returns:
        The id; None if the value is neither a whole number nor valid text.
    """
    if isinstance(value, str):
        return written(value) or None
    number = whole(value)
    return None if number is None else str(number)


def written(text: str) -> str:
    """Returns a text with composed accents (NFC); empty if UTF-8 cannot encode it.

    JSON can hold single surrogates, which are no characters.
    """
    return identities.normal(text) if identities.is_text(text) else ""
