"""A cache of letterboxed examples on disk, so that no device waits for them.

It takes a second to make an example of a large photograph, and a millisecond to read it
from the cache. The key of the cache covers everything that can change an example. It is
built part by part, so an interrupted build goes on where it was.
"""

import collections
import concurrent.futures
import dataclasses
import functools
import hashlib
import itertools
import json
import pathlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tqdm

from rclicks_jax import cache, errors, files
from rclicks_jax.data import packages, preprocess
from rclicks_jax.data.synthetic import later_tasks
from rclicks_jax.types import ClickExample, PackedBatch

INDEX_NAME = "index.json"
_FORMAT = 3
# Key of a checksum: of each example in the note of its part, of the other entries in
# an index.
_CHECKSUM = "sha256"
_PART_LENGTH = 64

_CHANGED = "it is not what was written"

# `np.load` parses the head of a file by `ast`, whose count of its recursion Python 3.11
# shares between threads: two that parse at a time may fail with a `SystemError`.
_parsing = threading.Lock()

# An example or None, with the descriptions under which it is counted.
_Result = tuple[PackedBatch | None, list[str]]


@dataclasses.dataclass(frozen=True)
class LetterboxSettings:
    """All settings that can change an example.

    Attributes:
        size: Side of the square, pixels.
        sigma: Sigma of the click maps, in pixels of a 1920x1080 image.
        max_click_distance: Clicks farther from the error region, in click radii, are
            left out; a negative number keeps all clicks.
        later_share: Share of synthetic tasks of later rounds.
        later_kinds: Distortions of these tasks.
    """

    size: int
    sigma: float
    max_click_distance: float = -1.0
    later_share: float = 0.0
    later_kinds: tuple[str, ...] = ()


class LetterboxCache:
    """The examples of one split of a package, with random access.

    Attributes:
        counts: Number of clicks and tasks that were kept or left out, by description.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Opens the cache that `prepare` built in `folder`.

        Raises:
            DataError: The cache is damaged.
        """
        try:
            index = json.loads((folder / INDEX_NAME).read_text())
            if index.pop(_CHECKSUM) != _checksum(json.dumps(index).encode()):
                raise ValueError(_CHANGED)
            self.counts = collections.Counter(index["counts"])
            self._ends = np.cumsum(np.array(index["lengths"], np.int64))
            self._checksums = list(itertools.chain(*index["checksums"]))
            self._layout = np.dtype(_layout(index["settings"]["size"]))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged(folder / INDEX_NAME, error) from error
        self._folder = folder
        self._parts: dict[int, np.ndarray] = {}
        self._checked: set[int] = set()

    def __len__(self) -> int:
        """Returns the number of examples."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> PackedBatch:
        """Returns one example, without a batch axis.

        It is compared with its checksum the first time.

        Raises:
            DataError: It is damaged.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        part = int(np.searchsorted(self._ends, index, side="right"))
        if part not in self._parts:
            self._parts[part] = self._open(part)
        rows = self._parts[part]
        place = index - int(self._ends[part]) + len(rows)
        if index not in self._checked:
            # Of this example alone: a host of many reads few of a part.
            if _checksum(rows[place : place + 1].data) != self._checksums[index]:
                raise _damaged(self._folder / _part_name(part), ValueError(_CHANGED))
            self._checked.add(index)
        row = rows[place]
        fields = (np.array(row[name]) for name in rows.dtype.names or ())
        return PackedBatch(*fields, weight=np.float32(1))

    def _open(self, part: int) -> np.ndarray:
        """Opens a part, whose examples are read later."""
        path = self._folder / _part_name(part)
        length = self._ends[part] - (self._ends[part - 1] if part else 0)
        try:
            with _parsing:
                rows = np.load(path, mmap_mode="r", allow_pickle=False)
            if rows.dtype != self._layout or rows.shape != (length,):
                raise ValueError(_CHANGED)
        except (ValueError, EOFError) as error:
            raise _damaged(path, error) from error
        return rows


def prepare(
    package: packages.Package, split: str, settings: LetterboxSettings, workers: int
) -> LetterboxCache:
    """Makes the examples of a split unless the cache has them.

    Args:
        package: A package of click tasks.
        split: The split: `train`, `val` or another.
        settings: Settings of the examples.
        workers: Number of threads.

    Raises:
        DataError: The package is damaged, or the cache cannot be written.
    """
    described = json.dumps(
        [_FORMAT, package.checksum, split, dataclasses.asdict(settings)]
    )
    key = hashlib.sha256(described.encode()).hexdigest()[:16]
    folder = cache.cache_dir() / "squares" / f"{package.dataset}-{split}-{key}"
    try:
        if not (folder / INDEX_NAME).exists():
            with cache.exclusive(folder):
                if not (folder / INDEX_NAME).exists():
                    files.remove_leftovers(folder, seconds=0)
                    _build(package, split, settings, folder, workers)
    except OSError as error:
        raise errors.DataError(
            f"The examples of {package.dataset} cannot be kept in {folder}: "
            f"{files.explain(error)} ${cache.VARIABLE} names another folder for "
            "the cache."
        ) from error
    return LetterboxCache(folder)


def _build(
    package: packages.Package,
    split: str,
    settings: LetterboxSettings,
    folder: pathlib.Path,
    workers: int,
) -> None:
    jobs, counts = _jobs(package, split, settings)
    lengths, checksums = [], []
    pool = concurrent.futures.ThreadPoolExecutor(workers)
    what = f"Preparing {package.dataset} {split}"
    with pool, tqdm.tqdm(total=len(jobs), desc=what, unit="task", leave=False) as bar:
        for part, first in enumerate(range(0, len(jobs), _PART_LENGTH)):
            chunk = jobs[first : first + _PART_LENGTH]
            note_path = folder / f"{_part_name(part)}.json"
            if not note_path.exists():
                results = list(pool.map(lambda job: job(), chunk))
                path = folder / _part_name(part)
                sums = _write_part(path, results, settings.size)
                labels = [label for _, labels in results for label in labels]
                note = {"length": sum(row is not None for row, _ in results)}
                text = json.dumps({**note, "labels": labels, _CHECKSUM: sums})
                files.write_atomically(note_path, text)
            try:
                note = json.loads(note_path.read_text())
                counts.update(note["labels"])
                lengths.append(note["length"])
                checksums.append(note[_CHECKSUM])
            except (ValueError, TypeError, KeyError) as error:
                raise _damaged(note_path, error) from error
            bar.update(len(chunk))
    index = {
        "settings": dataclasses.asdict(settings),
        "lengths": lengths,
        "checksums": checksums,
        "counts": counts,
    }
    text = json.dumps({**index, _CHECKSUM: _checksum(json.dumps(index).encode())})
    files.write_atomically(folder / INDEX_NAME, text)


def _jobs(
    package: packages.Package, split: str, settings: LetterboxSettings
) -> tuple[list[Callable[[], _Result]], collections.Counter[str]]:
    rows = package.select(split)
    usable = [row for row in rows if not row.problem]
    counts = collections.Counter({"tasks skipped": len(rows) - len(usable)})
    jobs = [functools.partial(_make, package, row, settings) for row in usable]
    first = [row for row in usable if row.click_type == "first"]
    chosen = later_tasks.plan(
        [row.name for row in first], settings.later_share, settings.later_kinds
    )
    jobs += [
        functools.partial(_make_later, package, first[index], kind, settings)
        for index, kind in chosen
    ]
    return jobs, +counts


def _make(
    package: packages.Package, row: packages.Row, settings: LetterboxSettings
) -> _Result:
    example: ClickExample = package.read(row)
    labels = []
    if settings.max_click_distance >= 0:
        near = preprocess.near_clicks(example, settings.max_click_distance)
        labels += ["clicks kept"] * int(near.sum())
        labels += ["clicks too far away"] * int((~near).sum())
        if not near.any():
            return None, [*labels, "tasks without a click near enough"]
        example = dataclasses.replace(example, clicks_yx=example.clicks_yx[near])
    labels += [f"{row.click_type} tasks", f"tasks with {row.input_device} clicks"]
    return preprocess.pack(example, settings.size, settings.sigma), labels


def _make_later(
    package: packages.Package, row: packages.Row, kind: str, settings: LetterboxSettings
) -> _Result:
    task = later_tasks.make(package.read(row), kind)
    if task is None:
        return None, ["synthetic later tasks skipped"]
    labels = [f"synthetic {task.click_type} tasks ({kind})"]
    return preprocess.pack(task, settings.size, settings.sigma), labels


def _layout(size: int) -> Any:
    """Returns the fields of an example of a side, as NumPy describes types."""
    return [
        ("image", np.uint8, (size, size, 3)),
        ("masks", np.uint8, (size, size, 2)),
        ("click_map", np.float16, (size, size)),
        ("box", np.int32, (4,)),
    ]


def _write_part(path: pathlib.Path, results: Sequence[_Result], size: int) -> list[str]:
    """Writes a part; returns the checksum of each example."""
    rows = [example for example, _ in results if example is not None]
    layout = _layout(size)
    stored = np.zeros(len(rows), layout)
    for name, *_ in layout:
        for number, row in enumerate(rows):
            stored[name][number] = getattr(row, name)
    files.write_with(path, lambda file: np.save(file, stored, allow_pickle=False))
    return [_checksum(stored[row : row + 1].data) for row in range(len(rows))]


def _checksum(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(path: pathlib.Path, error: Exception) -> errors.DataError:
    return errors.DataError(
        f"{path} is damaged ({error}). Remove the folder {path.parent} and run the "
        "same command again: it is made anew."
    )


def _part_name(part: int) -> str:
    return f"part-{part:05}.npy"
