"""Where prepared data, environments and compiled programs are kept."""

import os
import pathlib

from rclicks_jax import errors

VARIABLE = "RCLICKS_CACHE"


def cache_dir() -> pathlib.Path:
    """Where prepared data and compiled programs go: `$RCLICKS_CACHE` or the user's.

    Raises:
        BadValueError: The user has no home folder, and no variable names another.
    """
    given = os.environ.get(VARIABLE)
    try:
        if given:
            return pathlib.Path(os.path.expanduser(given))
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        return pathlib.Path(base) / "rclicks_jax"
    except RuntimeError as error:
        raise errors.BadValueError(
            "The cache", "no home folder", f"${VARIABLE} set to a folder"
        ) from error
