"""Packaged datasets: built once from raw files in the cache, with random access.

The builders of `rclicks_jax.datasets` write array_record files with TFDS, without
TensorFlow. `index.json` beside them has the position of each image, the problems of
images that cannot be used, and a checksum of everything.
"""

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import importlib
import io
import os
import pathlib
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from rclicks_jax import cache as user_cache
from rclicks_jax import distributed, errors, files
from rclicks_jax.data import package_index, packaging, raw, specs, split_files
from rclicks_jax.data.package_index import INDEX_NAME as INDEX_NAME
from rclicks_jax.data.raw import click_sets, layouts, sources
from rclicks_jax.data.readers import fingerprint as fingerprint

Kind = Literal["instances", "clicks"]
# Version of the builders; part of the path that TFDS makes.
_BUILDERS_VERSION = "1.0.0"
# Largest number of bytes of a dataset's name in the name of its package.
_LONGEST_NAME = 100
_FIRST_READ = threading.Lock()
_DECODE: dict[Kind, Callable[[Any, str], Any]] = {
    "instances": packaging.image_example,
    "clicks": packaging.click_example,
}


@dataclasses.dataclass(frozen=True)
class Row:
    """The position of a packaged example, and what is known of it.

    Attributes:
        split: Split of the package.
        position: Position in the split.
        name: Image id or click set id.
        instance_ids: Ids of all its objects, usable or not; empty for click tasks.
        click_type: `first`, `fn` or `fp`; empty for images.
        input_device: Device of the clicks of a task; empty for images.
        problem: Reason why the example cannot be used; empty if it can.
        problems: Reason for each of its objects, or for the task.
        shape: Height and width of the photograph; 0 if it cannot be read.
    """

    split: str
    position: int
    name: str
    instance_ids: tuple[str, ...]
    click_type: str
    input_device: str
    problem: str
    problems: tuple[str, ...]
    shape: tuple[int, int]


class Package:
    """A packaged dataset, with random access.

    Attributes:
        dataset: Name of the dataset.
        rows: Every example, in a stable order.
        checksum: SHA-256 of the whole content.
        notes: Notes for the user: what the readers decided or left out, differences
            from the published data, and clicks that lie off their photograph.
    """

    def __init__(self, kind: Kind, dataset: str, folder: pathlib.Path) -> None:
        """Opens the package that `prepare` built in `folder`.

        Raises:
            DataError: The folder is not a whole package.
        """
        index = package_index.read(folder)
        if index is None:
            raise errors.DataError(f"{folder} is no whole package: package it again.")
        self.dataset = dataset
        self.checksum: str = index["checksum"]
        self.notes: list[str] = index["notes"]
        self.rows = [
            Row(
                **{
                    **row,
                    "instance_ids": tuple(row["instance_ids"]),
                    "problems": tuple(row["problems"]),
                    "shape": tuple(row["shape"]),
                }
            )
            for row in index["rows"]
        ]
        self._kind: Kind = kind
        self._folder = folder
        self._sources: dict[str, Any] = {}

    def select(self, split: str) -> list[Row]:
        """Returns the rows of a split, of `all` splits, or of `held_out` data.

        Raises:
            BadValueError: The package does not have the split.
        """
        known = sorted({row.split for row in self.rows})
        splits = raw.splits_of(self.dataset, known, split)
        return [row for row in self.rows if row.split in splits]

    def read(self, row: Row) -> Any:
        """Returns the example of a row: `ImageExample` or `ClickExample`.

        Raises:
            DataError: The example cannot be used; the message says why.
        """
        try:
            features = self._features(row)
        except MemoryError:
            raise
        except Exception as error:
            # TFDS and array_record raise errors of any type.
            raise errors.DataError(
                f"the package in {self._folder} is damaged ({error}). Remove that "
                "folder: it is made again"
            ) from error
        return _DECODE[self._kind](features, self.dataset)

    def _features(self, row: Row) -> Any:
        source = self._sources.get(row.split)
        if source is not None:
            return source[row.position]
        # Opening a split and its first read import most of TFDS, whose lazy imports can
        # wait for each other for ever in two threads.
        with _FIRST_READ:
            if row.split not in self._sources:
                source = split_files.open_split(self._folder, row.split)
                features = source[row.position]
                self._sources[row.split] = source
                return features
        return self._sources[row.split][row.position]

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out open files, so that a package can go to another process."""
        return {**self.__dict__, "_sources": {}}


def open_instances(spec: specs.DataSpec) -> Package:
    """Opens the photographs and objects of a dataset, packaging them on first use."""
    return _open("instances", spec)


def open_clicks(spec: specs.DataSpec) -> Package:
    """Opens the click tasks of a dataset, packaging them on first use.

    Raises:
        DataError: The dataset has no clicks.
    """
    return _open("clicks", spec)


def _open(kind: Kind, spec: specs.DataSpec) -> Package:
    return Package(kind, spec.name, prepare(kind, spec))


def prepare_all(spec: specs.DataSpec) -> Iterator[str]:
    """Packages images and, if there are any, clicks; yields lines on the packages.

    Raises:
        DataError: The dataset cannot be packaged, or has no usable object.
    """
    kinds: list[Kind] = ["instances"]
    if sources.open_source(spec).has_clicks:
        kinds.append("clicks")
    for kind in kinds:
        package = _open(kind, spec)
        broken = sum(bool(row.problem) for row in package.rows)
        yield (
            f"{spec.name} {kind}: {len(package.rows)} packaged, {broken} of them "
            f"unusable; checksum {package.checksum[:12]}"
        )
        if kind == "instances":
            yield f"{spec.name}: {count(package.rows).text()}"
        yield from (f"{spec.name}: {note}" for note in package.notes)
        require_usable(spec.name, package.rows)


def count(rows: Iterable[Row]) -> raw.Counts:
    """Counts the objects of packaged images, or tasks, by status."""
    return raw.count(row.problems for row in rows)


def require_usable(dataset: str, rows: Sequence[Row]) -> None:
    """Checks that some object or task can be used.

    Args:
        dataset: Name of the dataset, for messages.
        rows: The rows to be worked on.

    Raises:
        DataError: None can be used.
    """
    counts = count(rows)
    if not counts.ok:
        all_problems = (problem for row in rows for problem in row.problems)
        first = next(all_problems, "no image")
        raise errors.DataError(
            f"{dataset} has nothing that can be used: {counts.text()}; the first "
            f"problem: {first}. rclicks-data doctor lists all."
        )


def prepare(
    kind: Kind, spec: specs.DataSpec, cache: pathlib.Path | None = None
) -> pathlib.Path:
    """Packages a dataset unless the cache has it in its present state.

    If a file was changed, added or removed, a new package is made; nothing is
    overwritten.

    Args:
        kind: Kind of package.
        spec: The dataset.
        cache: Folder of the cache; the user's cache if None.

    Returns:
        The folder of the package.

    Raises:
        DataError: The folders of the dataset are not as they must be.
    """
    source = sources.open_source(spec)
    if kind == "clicks" and not source.has_clicks:
        raise errors.DataError(
            f"{spec.name} has no clicks: no clicks.csv with rows for it is in "
            f"{spec.folder} or the folder above."
        )
    key = fingerprint(spec, source)
    root = (cache or user_cache.cache_dir()) / "data" / _root_name(spec, key)
    folder = root / f"rclicks_{kind}" / _config_name(spec) / _BUILDERS_VERSION
    if package_index.read(folder) is not None:
        return folder
    try:
        with user_cache.exclusive(root):
            if package_index.read(folder) is None:
                _make(kind, spec, key, folder)
    except OSError as error:
        raise errors.DataError(
            f"{spec.name} cannot be packaged in {root}: {files.explain(error)} "
            f"${user_cache.VARIABLE} names another folder for the cache."
        ) from error
    return folder


def _root_name(spec: specs.DataSpec, key: str) -> str:
    name = spec.name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f"{name}-max{spec.max_side}-{key}" if spec.max_side else f"{name}-{key}"


def _config_name(spec: specs.DataSpec) -> str:
    """Returns TFDS's name of the configuration: the kind, and the limit if any."""
    name = "coco_file" if spec.json_path is not None else spec.kind
    return f"{name}_max{spec.max_side}" if spec.max_side else name


def _make(kind: Kind, spec: specs.DataSpec, key: str, folder: pathlib.Path) -> None:
    """Packages a dataset; first it removes what a killed process has left.

    Raises:
        DataError: The dataset changed during packaging.
    """
    _sweep(folder.parents[3], own=folder.parents[2])
    if folder.exists():
        shutil.rmtree(folder)
    builder = _builder(kind, spec, folder.parents[2])
    assert pathlib.Path(builder.data_dir) == folder
    _build(builder, kind, spec)
    index = _index_of(kind, spec, folder, builder)
    if fingerprint(spec) != key:
        shutil.rmtree(folder)
        raise errors.DataError(
            f"{spec.name} changed while it was packaged. Run again when nothing writes "
            f"into {spec.folder}."
        )
    package_index.write(folder, index)


def _sweep(parent: pathlib.Path, own: pathlib.Path) -> None:
    """Removes unfinished packages of killed processes.

    Args:
        parent: The folder of all packages.
        own: The package whose lock this process holds.
    """
    for left in parent.glob("*/rclicks_*/*/incomplete.*"):
        root = left.parents[2]
        if root == own:
            shutil.rmtree(left, ignore_errors=True)
            continue
        # Opened for appending, so that the text on its holder stays.
        with (
            contextlib.suppress(OSError),
            (root / user_cache.LOCK_NAME).open("ab") as lock,
        ):
            # If another process is packaging, it holds this lock.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)


def _builder(kind: Kind, spec: specs.DataSpec, root: pathlib.Path) -> Any:
    name = f"rclicks_{kind}"
    place = f"rclicks_jax.datasets.{name}.{name}_dataset_builder"
    module = importlib.import_module(place)
    config = _config_name(spec)
    if config not in specs.KINDS:
        common = importlib.import_module("rclicks_jax.datasets.common")
        config = common.Config(
            name=config,
            kind=spec.kind,
            json_path=str(spec.json_path or ""),
            max_side=spec.max_side,
        )
    return module.Builder(config=config, data_dir=str(root), file_format="array_record")


def _build(builder: Any, kind: Kind, spec: specs.DataSpec) -> None:
    # Importing TFDS takes seconds.
    import tensorflow_datasets as tfds

    where = f"Packaging {spec.name} ({kind}) into {builder.data_dir}"
    print(errors.printable(where), file=sys.stderr, flush=True)
    manual_dir = str(spec.folder) if spec.folder else None
    download_config = tfds.download.DownloadConfig(manual_dir=manual_dir)
    # The builders show their own progress, by image.
    tfds.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            builder.download_and_prepare(download_config=download_config)
        except (RuntimeError, OSError) as error:
            # For a full disk array_record and TFDS raise errors with a text only.
            message = str(error)
            codes = [n for n in errno.errorcode if os.strerror(n) in message]
            if isinstance(error, OSError) and "Not enough disk space" in message:
                codes, message = [errno.ENOSPC], os.strerror(errno.ENOSPC)
            if not codes or getattr(error, "errno", None):
                raise
            raise OSError(codes[0], message) from error


def _index_of(
    kind: Kind, spec: specs.DataSpec, folder: pathlib.Path, builder: Any
) -> dict[str, Any]:
    """Reads the whole package once and returns its index with checksums."""
    rows: list[dict[str, Any]] = []
    objects: list[tuple[str, str]] = []
    # Several tasks may share an image and its notes, so a dict keeps each note once.
    image_notes: dict[raw.Note, None] = {}
    digest = hashlib.sha256()
    for split, position, encoded in split_files.read_back(
        folder, sorted(builder.info.splits)
    ):
        features = packaging.with_masks(encoded)
        packaging.update_digest(digest, features)
        rows.append(packaging.index_row(features, kind, split, position))
        objects += packaging.mask_digests(features)
        image_notes |= dict.fromkeys(packaging.notes_of(features))
    source = sources.open_source(spec)
    notes = raw.describe([*source.notes, *image_notes])
    if spec.kind in layouts.LAYOUTS and kind == "instances":
        layout = sources.layout_of(spec)
        images = sum(not row["problem"] for row in rows)
        notes += layout.judge(images, len(objects), layouts.joint_digest(objects))
    if kind == "clicks":
        sets = getattr(source, "clicks", {})
        notes += click_sets.notes_of(sets[row["name"]] for row in rows if sets)
    return {
        "checksum": digest.hexdigest(),
        "notes": notes,
        "rows": rows,
    }


def notes(packages: Iterable[Package]) -> list[str]:
    """Returns the notes of packages; the first process prints them to stderr."""
    return say(
        [f"{package.dataset}: {note}" for package in packages for note in package.notes]
    )


def say(lines: list[str]) -> list[str]:
    """Returns notes; the first process prints them to stderr."""
    for line in lines if distributed.is_first() else ():
        print(f"note: {errors.printable(line)}", file=sys.stderr)
    return lines
