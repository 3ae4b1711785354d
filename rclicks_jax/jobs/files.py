"""Files of run folders: their names, and how they are written: whole or not at all."""

import contextlib
import errno
import hashlib
import os
import re
import stat
import urllib.parse
from collections.abc import Iterator

from etils import epath

from rclicks_jax import errors, files

_LONGEST_NAME = 120
# Windows cannot have them, and folders are copied.
_UNPORTABLE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[. ]|")


def read_text(path: epath.Path) -> str:
    """Reads a file of a run folder; what is none, as a pipe, is not waited for.

    Raises:
        OSError: It is no file, or cannot be read.
        ValueError: It is no text.
    """
    # `epath` takes whatever is no folder for a file.
    if "://" not in str(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_text()


def write_atomically(path: epath.Path, content: bytes) -> None:
    """Writes a file that is never seen half written.

    Raises:
        RunFolderError: It cannot be written.
    """
    with _explained(path):
        files.write_atomically(path, content)


def create(path: epath.Path, content: bytes) -> bool:
    """Writes a file unless it is there; says whether this process has written it.

    Raises:
        RunFolderError: It cannot be written.
    """
    with _explained(path):
        return files.create(path, content)


@contextlib.contextmanager
def _explained(path: epath.Path) -> Iterator[None]:
    """Turns an error of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            why = "a file or a broken link stands where its folder has to be"
        raise errors.RunFolderError(
            f"{path} cannot be written: {why}. What is finished is "
            "kept: make room or choose another folder, and run the same command."
        ) from error


def file_name(text: str) -> str:
    """Returns a file name for an id; different ids have different names."""
    # Half a surrogate pair, as of a file name that is not UTF-8, is a name as well.
    quoted = urllib.parse.quote(text, safe=" ,+=@()[]", errors="surrogatepass")
    portable = not quoted.startswith(".") and not _UNPORTABLE.fullmatch(quoted)
    if len(quoted) <= _LONGEST_NAME and portable:
        return quoted
    return (
        quoted[:80].lstrip(".")
        + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    )
