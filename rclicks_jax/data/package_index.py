"""The index of a package: what lies where in it, under a checksum of its own.

A row that changed would put another photograph, or another split, in place of what is
asked for. A damaged index is therefore none, and the package is made again.
"""

import hashlib
import json
import pathlib
from typing import Any

from rclicks_jax import files
from rclicks_jax.data import readers

INDEX_NAME = "index.json"
_SEAL = "index_checksum"


def read(folder: pathlib.Path) -> dict[str, Any] | None:
    """Returns the index of a package; None if it has no whole one of this release."""
    try:
        index = json.loads((folder / INDEX_NAME).read_bytes())
        seal = index.pop(_SEAL)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    whole = index.get("format") == readers.FORMAT and seal == _checksum(index)
    return index if whole else None


def write(folder: pathlib.Path, index: dict[str, Any]) -> None:
    """Writes the index of a package, which is whole from then on.

    Raises:
        OSError: It cannot be written.
    """
    described = {"format": readers.FORMAT, **index}
    text = json.dumps({**described, _SEAL: _checksum(described)})
    files.write_atomically(folder / INDEX_NAME, text)


def _checksum(index: dict[str, Any]) -> str:
    """Returns the SHA-256 of what an index says, however its JSON is laid out."""
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()
