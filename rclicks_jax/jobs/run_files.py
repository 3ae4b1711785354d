"""Files of run folders: their names; reading, and writing whole or not at all."""

import errno
import hashlib
import os
import re
import stat
import urllib.parse

from etils import epath

from rclicks_jax import files

_LONGEST_NAME = 120
# Names that Windows does not allow: run folders are copied between systems.
_UNPORTABLE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?|.*[. ]|")


def read_text(path: epath.Path) -> str:
    """Reads a file of a run folder; a pipe or device is refused, so nothing blocks.

    Raises:
        OSError: It is not a regular file, or cannot be read.
        ValueError: It is not text.
    """
    # For `epath` everything but a folder is a file.
    if "://" not in str(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_text()


def create(path: epath.Path, content: bytes) -> bool:
    """Writes a file unless it exists; returns whether this process has written it.

    Raises:
        RunFolderError: It cannot be written.
    """
    with files.explained(path):
        return files.create(path, content)


def file_name(text: str) -> str:
    """Returns a file name for an id; different ids have different file names."""
    # An id may hold half a surrogate pair, as a file name that is not UTF-8 does.
    quoted = urllib.parse.quote(text, safe=" ,+=@()[]", errors="surrogatepass")
    portable = not quoted.startswith(".") and not _UNPORTABLE.fullmatch(quoted)
    if len(quoted) <= _LONGEST_NAME and portable:
        return quoted
    return (
        quoted[:80].lstrip(".")
        + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    )
