"""What is wrong with a file of weights, in sentences."""

import contextlib
import errno
import struct
import zipfile
from collections.abc import Generator

from etils import epath

from rclicks_jax import errors, file_signatures, files

# What the zip module, the opcodes, JSON and NumPy raise on bytes that make no sense.
_DAMAGES = (
    *(zipfile.BadZipFile, struct.error, EOFError, OSError, RuntimeError),
    *(ValueError, TypeError, LookupError, ArithmeticError),
)
# Places that are none make the file system complain too.
_OF_CONTENT = (None, errno.EINVAL)
_LONGEST = 200
SAVE_TENSORS = (
    "Where it was made, save the tensors alone: torch.save(model.state_dict(), FILE)"
)


class UnreadableError(ValueError):
    """A whole file asks for something that is not read."""


@contextlib.contextmanager
def explained(path: epath.PathLike, advice: str = "") -> Generator[None]:
    """Turns whatever a block finds wrong with a file into a sentence.

    Args:
        path: The file that the block reads.
        advice: A last sentence where the file is whole but is not read.

    Raises:
        DataError: The file is damaged, or asks for something that is not read.
    """
    try:
        yield
    except UnreadableError as error:
        message = f"{path} is not as a checkpoint must be: {error}. {advice}"
        raise errors.DataError(message.rstrip()) from error
    except _DAMAGES as error:
        if isinstance(error, OSError) and error.errno not in _OF_CONTENT:
            raise errors.DataError(files.explain(error)) from error
        raise errors.DataError(
            f"{path} is damaged or was not copied whole; get it again "
            f"({type(error).__name__}: {shown(error)})."
        ) from error


def shown(value: object) -> str:
    """Returns what a file holds as a text that a message can take: short, printable."""
    text = errors.printable(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def mistaken(path: epath.Path, start: bytes, allowed: str) -> errors.DataError:
    """Returns the error for a file that is of no known layout.

    Args:
        path: The file.
        start: Its first `file_signatures.HEAD` bytes.
        allowed: The layouts that are read, in words.
    """
    known = file_signatures.mistaken(start)
    if known:
        return errors.DataError(f"{path} is {known}.")
    if start[257:262] == b"ustar":
        known = (
            "a tar archive; unpack it, or take a checkpoint of PyTorch 0.1.10 or newer"
        )
    elif start.startswith(b"\x80"):
        known = "a pickle that torch.save did not write"
    if known:
        return errors.DataError(f"{path} is {known}. Allowed: {allowed}.")
    return errors.DataError(
        f"{path} starts with {start[:8]!r}, which no checkpoint does. Allowed: "
        f"{allowed}."
    )
