"""The fingerprint of a package: its source files, and the version of the readers.

The version of the readers is a hash of the source of all modules that read and package,
and of the libraries that decode. So nobody has to change a number when a reader
changes.
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

# Format of packages and of their indices.
FORMAT = 6
_PROJECT = "rclicks_jax"
# Modules from which reading and packaging start.
_ROOTS = (
    "rclicks_jax.data.raw.sources",
    "rclicks_jax.data.packaging",
    "rclicks_jax.datasets.common",
    "rclicks_jax.datasets.rclicks_clicks.rclicks_clicks_dataset_builder",
    "rclicks_jax.datasets.rclicks_instances.rclicks_instances_dataset_builder",
)
# Distributions that provide a library, by the name of its import.
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
    """Returns a hash of all that determines the content of a package.

    It covers the files that the readers read, or would read if they existed (name,
    size, times, place on disk, permission to read); the notes on files that were left
    out; the settings of the dataset; and the version of the readers. For the sample,
    whose files come with scikit-image, it covers the content of the files.

    Args:
        spec: The dataset.
        source: Its reader; opened if None.

    Raises:
        DataError: The folders of the dataset are not as they must be.
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
    """Returns a path relative to the dataset's folder, however the user named it."""
    inside = folder is not None and path.is_relative_to(folder)
    return os.fsencode(path.relative_to(folder) if inside and folder else path)


def _state(path: pathlib.Path, spec: specs.DataSpec) -> bytes:
    """Returns the present state of a file, or of the target of a link."""
    try:
        if spec.kind == "sample":
            return hashlib.sha256(path.read_bytes()).digest()
        stat = os.stat(path)
    except OSError:
        return b"absent"
    # The time of change shows if content was replaced with the same size and time.
    times = f"{stat.st_mtime_ns}/{stat.st_ctime_ns}"
    # A user may get permission through a group, without any change of the file.
    readable = os.access(path, os.R_OK)
    return f"{stat.st_size}/{times}/{stat.st_ino}/{readable:d}".encode()


@functools.cache
def version() -> str:
    """Returns a hash of the source of the readers and of the decoding libraries."""
    digest = hashlib.sha256()
    for name, path in sorted(modules().items()):
        digest.update(f"{name}\n".encode() + path.read_bytes())
    for names in LIBRARIES.values():
        digest.update(f"{names[0]} {_release(names)}\n".encode())
    return digest.hexdigest()


def modules() -> dict[str, pathlib.Path]:
    """Returns the modules of this project that the readers use, with their files."""
    paths: dict[str, pathlib.Path] = {}
    waiting: list[str] = [*_ROOTS]
    while waiting:
        name = waiting.pop()
        path = None if name in paths else _source(name)
        if path is not None:
            paths[name] = path
            waiting += (
                module for module in imported(path) if module.startswith(_PROJECT)
            )
    return paths


def imported(path: pathlib.Path) -> Iterator[str]:
    """Yields every module, and every name in a module, that a file imports."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _source(name: str) -> pathlib.Path | None:
    """Returns the file of a module; None if the name is not that of a module."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    # The top package exports names that readers do not use.
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
