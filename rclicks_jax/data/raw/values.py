"""Values of JSON files that others wrote: as ids, whole numbers, and in messages."""

import re
import reprlib
from typing import Any

from rclicks_jax.data.raw import identities

# Floats beyond it no longer tell neighbouring whole numbers apart.
_EXACT = 2**53
_DIGITS = re.compile(r"[0-9]{1,15}")
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2


def shown(value: Any) -> str:
    """Writes any value for a message: short, and of characters that can be written."""
    return _SHORT.repr(value).encode("ascii", "backslashreplace").decode()


def is_number(value: Any) -> bool:
    """Tells whether a value is a JSON number; `true` and `false` are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def whole(value: Any) -> int | None:
    """Returns a whole number that is written as 64, 64.0 or "64"; None for the rest."""
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    if not is_number(value):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else None
    return value


def identity(value: Any) -> str | None:
    """Returns an id as text: 7, 7.0 and "7" are the same id.

    Accents are composed (NFC), since files write them in two ways.

    Returns:
        None for what is no id: neither a whole number nor a text that can be written.
    """
    if isinstance(value, str):
        return written(value) or None
    number = whole(value)
    return None if number is None else str(number)


def written(text: str) -> str:
    """Returns a text with composed accents (NFC); empty if it cannot be written.

    JSON can hold halves of characters (surrogates), which no file can.
    """
    return identities.normal(text) if identities.is_text(text) else ""
