"""Copies raw data from a bucket to this machine, once.

Readers open files at random, and OpenCV cannot read from buckets, so each host works on
a copy in its cache. Files beside the dataset's folder (clicks, lists of splits,
previous masks) are copied too, since the readers look for them there.
"""

import hashlib
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rclicks_jax import cache, errors, files

if TYPE_CHECKING:
    from etils import epath

_BESIDE_SUFFIXES = (".csv", ".txt")
_BESIDE_FOLDERS = ("SUBSEC_MASKS", "prev_masks")


def is_remote(place: str) -> bool:
    """Tells whether a path is in a bucket: `gs://...` or `s3://...`."""
    return "://" in place


def local_copy(place: str) -> pathlib.Path:
    """Copies a folder or file of a bucket into the cache, unless it is there already.

    Args:
        place: `gs://BUCKET/FOLDER` or `gs://BUCKET/FILE`.

    Returns:
        The path of the copy, which has the same name. If the name or size of a file has
        changed, a new copy is made.

    Raises:
        DataError: The path does not exist, or cannot be read or copied.
    """
    # Data on this machine needs neither.
    import tqdm
    from etils import epath

    source = epath.Path(place)
    try:
        sources = sorted(
            (_relative(path, source.parent), path) for path in _all(source)
        )
        if not sources:
            raise errors.DataError(f"{place} does not exist, or is an empty folder.")
        digest = hashlib.sha256(place.encode())
        for name, path in sources:
            digest.update(f"{name}/{path.stat().length}\n".encode())
        root = cache.cache_dir() / "copies" / digest.hexdigest()[:16]
        with cache.exclusive(root):
            files.remove_leftovers(root, seconds=0)
            for name, path in tqdm.tqdm(
                sources, desc=f"Copying {place}", unit="file", leave=False
            ):
                _copy(path, root / name)
    except errors.RClicksError:
        raise
    except Exception as error:
        # Libraries for buckets raise their own errors, and may not be installed.
        raise errors.DataError(
            f"{place} cannot be copied: {errors.reason(error)}. Buckets need "
            "`pip install gcsfs` (gs) or `s3fs` (s3), and credentials."
        ) from error
    return root / source.name


def _all(source: "epath.Path") -> "Iterator[epath.Path]":
    """Yields the files of a dataset and the files beside it that readers use."""
    if not source.is_dir():
        yield from [source] if source.exists() else []
        return
    yield from _below(source)
    for path in source.parent.iterdir():
        if path.name in _BESIDE_FOLDERS:
            yield from _below(path)
        elif path.suffix in _BESIDE_SUFFIXES and not path.is_dir():
            yield path


def _below(folder: "epath.Path") -> "Iterator[epath.Path]":
    for path in folder.iterdir():
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _relative(path: "epath.Path", root: "epath.Path") -> str:
    return str(path).removeprefix(str(root)).lstrip("/")


def _copy(source: "epath.Path", target: pathlib.Path) -> None:
    if target.exists():
        return
    content = source.read_bytes()
    try:
        files.write_atomically(target, content)
    except OSError as error:
        # The error comes from this machine, not from the bucket.
        raise errors.DataError(
            f"{source} cannot be copied: {files.explain(error)}"
        ) from error
