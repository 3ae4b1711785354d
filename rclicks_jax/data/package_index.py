"""The index of a package: the position and content of each example, with a checksum.

A changed row would give another photograph or another split than the one requested. So
a package with a damaged index is made again.
"""

import hashlib
import json
import pathlib
from typing import Any

from rclicks_jax import files
from rclicks_jax.data import readers
from rclicks_jax.types import JsonObject

INDEX_NAME = "index.json"
_SEAL = "index_checksum"


def read(folder: pathlib.Path) -> dict[str, Any] | None:
    """Returns the index of a package; None if it is missing, damaged or too old."""
    try:
        index = json.loads((folder / INDEX_NAME).read_bytes())
        seal = index.pop(_SEAL)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    whole = index.get("format") == readers.FORMAT and seal == _checksum(index)
    return index if whole else None


def write(folder: pathlib.Path, index: JsonObject) -> None:
    """Writes the index of a package, which completes the package.

    Raises:
        OSError: The index cannot be written.
    """
    described = {"format": readers.FORMAT, **index}
    text = json.dumps({**described, _SEAL: _checksum(described)})
    files.write_atomically(folder / INDEX_NAME, text)


def _checksum(index: JsonObject) -> str:
    """Returns the SHA-256 of the values of an index, in any layout of its JSON."""
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
