"""Reads the files that a dataset names: their content, or why there is none."""

import pathlib

from rclicks_jax import errors


def read(path: pathlib.Path) -> bytes:
    """Returns the content of a file.

    Raises:
        DataError: It cannot be read; the message says why and what may help.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.DataError(f"{path} cannot be read: {error}") from error
