"""Files of run folders: their names, and how they are written: whole or not at all."""

import errno
import hashlib
import os
import re
import stat
import urllib.parse

from etils import epath

from rclicks_jax import files

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


def create(path: epath.Path, content: bytes) -> bool:
    """Writes a file unless it is there; says whether this process has written it.

    Raises:
        RunFolderError: It cannot be written.
    """
    with files.explained(path):
        return files.create(path, content)


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
