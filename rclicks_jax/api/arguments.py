"""Checks of what a user's program gives, where types are not checked for it."""

import os

from rclicks_jax import errors


def check_text(name: str, value: object, allowed: str) -> None:
    """Makes sure that a value is text or a path.

    Args:
        name: Name of the argument.
        value: What was given.
        allowed: What may be given, in words.

    Raises:
        BadValueError: It is neither.
    """
    if not isinstance(value, str | os.PathLike):
        raise errors.BadValueError(name, repr(value), allowed)
