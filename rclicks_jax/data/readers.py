"""What a package depends on: the files that it is made of, and who reads them.

Nobody has to raise a number when a reader changes: its version follows from the source
of every module that reading and packaging use, and from the libraries that decode.
"""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pathlib
from collections.abc import Iterator

from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import sources

# Of packages and of their indices.
FORMAT = 5
_PROJECT = "rclicks_jax"
# Where reading and packaging begin.
_ROOTS = (
    "rclicks_jax.data.raw.sources",
    "rclicks_jax.data.packaging",
    "rclicks_jax.datasets.common",
    "rclicks_jax.datasets.rclicks_clicks.rclicks_clicks_dataset_builder",
    "rclicks_jax.datasets.rclicks_instances.rclicks_instances_dataset_builder",
)
# By what they are imported as: the distributions that have them.
LIBRARIES = {
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
    ),
    "numpy": ("numpy",),
    "PIL": ("pillow",),
    "pycocotools": ("pycocotools",),
    "scipy": ("scipy",),
    "tensorflow_datasets": ("tensorflow-datasets",),
}


def fingerprint(spec: specs.DataSpec, source: raw.RawSource | None = None) -> str:
    """Returns a hash of all that decides what a package holds.

    That is: which files the readers read or would read if they were there, by name,
    size, times and place on disk, and whether they may be read; what was left out when
    they were listed; the settings of the dataset; and the version of the readers. The
    files of the sample, which come with scikit-image, count by their content.

    Args:
        spec: The dataset.
        source: Its reader; opened if None.

    Raises:
        DataError: The dataset's folders are not as they must be.
    """
    source = source or sources.open_source(spec)
    described = (FORMAT, version(), spec.kind, spec.name, spec.max_side)
    digest = hashlib.sha256(repr(described).encode())
    if spec.folder is not None:
        digest.update(os.fsencode(spec.folder.resolve()) + b"\n")
    for path in sources.files(spec, source):
        digest.update(_place(path, spec.folder) + b"\0" + _state(path, spec) + b"\n")
    for note in source.notes:
        digest.update(f"{note.kind}: {note.where}\n".encode())
    return digest.hexdigest()[:16]


def _place(path: pathlib.Path, folder: pathlib.Path | None) -> bytes:
    """Writes a path as seen from the dataset's folder, whichever way that was named."""
    inside = folder is not None and path.is_relative_to(folder)
    return os.fsencode(path.relative_to(folder) if inside and folder else path)


def _state(path: pathlib.Path, spec: specs.DataSpec) -> bytes:
    """Describes what a file is now; a link is what it leads to."""
    try:
        if spec.kind == "sample":
            return hashlib.sha256(path.read_bytes()).digest()
        stat = os.stat(path)
    except OSError:
        return b"absent"
    # The time of change tells content that was replaced with the old size and time.
    times = f"{stat.st_mtime_ns}/{stat.st_ctime_ns}"
    # A user may be let read a file, as one of its group, without a change of the file.
    readable = os.access(path, os.R_OK)
    return f"{stat.st_size}/{times}/{stat.st_ino}/{readable:d}".encode()


@functools.cache
def version() -> str:
    """Returns a hash of the readers' source and of the libraries they decode with."""
    digest = hashlib.sha256()
    for name, path in sorted(modules().items()):
        digest.update(f"{name}\n".encode() + path.read_bytes())
    for names in LIBRARIES.values():
        digest.update(f"{names[0]} {_release(names)}\n".encode())
    return digest.hexdigest()


def modules() -> dict[str, pathlib.Path]:
    """Returns the modules of this project that the readers use, and their files."""
    found: dict[str, pathlib.Path] = {}
    waiting: list[str] = [*_ROOTS]
    while waiting:
        name = waiting.pop()
        path = None if name in found else _source(name)
        if path is not None:
            found[name] = path
            waiting += (each for each in imported(path) if each.startswith(_PROJECT))
    return found


def imported(path: pathlib.Path) -> Iterator[str]:
    """Yields every module, or name in one, that a file imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _source(name: str) -> pathlib.Path | None:
    """Returns the file of a module; None for what is no module of its own."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    # The top package re-exports what readers do not use.
    if spec is None or spec.origin is None or name == _PROJECT:
        return None
    return pathlib.Path(spec.origin)


def _release(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "not installed"
