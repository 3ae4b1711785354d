"""Reads the files that a dataset names: their content, or why there is none."""

import pathlib

from rclicks_jax import errors, files


def read(path: pathlib.Path) -> bytes:
    """Returns the content of a file.

    Raises:
        DataError: It cannot be read; the message says why and what may help.
        OSError: The machine failed, not the file: what is said of it would be kept.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        if files.is_of_machine(error):
            raise
        raise errors.DataError(f"{path} cannot be read: {error}") from error
