"""Batches for training: shuffled, augmented, and the same from any starting point.

Which examples make the batch of a step, and how they are augmented, is a pure function
of (seed, step); so the position of a stream is the number of the step.
"""

import collections
import dataclasses
from collections.abc import Iterator, Sequence

import grain
import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import packages, preprocess
from rclicks_jax.types import ClickExample, TrainBatch

_LOOK_AHEAD = 16


class TrainSource:
    """Click tasks of some packages as training examples, read at random.

    Attributes:
        counts: What was kept and what was left out, and why.
    """

    def __init__(
        self,
        datasets: Sequence[packages.Package],
        split: str,
        *,
        size: int,
        sigma: float,
        max_click_distance: float,
        keep_in_memory: bool,
    ) -> None:
        """Lists the usable tasks.

        Args:
            datasets: Packages of click tasks.
            split: `train`, `val` or another.
            size: Side of the square.
            sigma: Of the click maps.
            max_click_distance: In click radii; negative keeps all clicks.
            keep_in_memory: Whether examples, once made, are kept.
        """
        self._size, self._sigma = size, sigma
        self._max_distance = max_click_distance
        self._rows: list[tuple[packages.Package, packages.Row, np.ndarray | None]] = []
        self._kept: dict[int, TrainBatch] | None = {} if keep_in_memory else None
        self.counts: collections.Counter[str] = collections.Counter()
        for package in datasets:
            for row in package.select(split):
                self._add(package, row)

    def __len__(self) -> int:
        """Returns the number of usable tasks."""
        return len(self._rows)

    def summary(self) -> str:
        """Says in words what was kept and what was left out."""
        counted = (f"{count} {what}" for what, count in sorted(self.counts.items()))
        return ", ".join(counted) or "nothing"

    def __getitem__(self, index: int) -> TrainBatch:
        """Returns one example, without a batch axis."""
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        package, row, near = self._rows[index]
        example: ClickExample = package.read(row)
        if near is not None:
            kept = example.clicks_yx[near]
            example = dataclasses.replace(example, clicks_yx=kept)
        made = preprocess.train_example(example, self._size, self._sigma)
        if self._kept is not None:
            self._kept[index] = made
        return made

    def _add(self, package: packages.Package, row: packages.Row) -> None:
        if row.problem:
            self.counts["tasks skipped"] += 1
            return
        near = None
        if self._max_distance >= 0:
            near = preprocess.near_clicks(package.read(row), self._max_distance)
            self.counts["clicks kept"] += int(near.sum())
            self.counts["clicks too far away"] += int((~near).sum())
            if not near.any():
                self.counts["tasks without a click near enough"] += 1
                return
        self.counts[f"{row.click_type} tasks"] += 1
        self.counts[f"tasks with {row.input_device} clicks"] += 1
        self._rows.append((package, row, near))


class _RandomMirror(grain.transforms.RandomMap):
    """Mirrors half of the examples."""

    def random_map(self, element: TrainBatch, rng: np.random.Generator) -> TrainBatch:
        """Mirrors one example or not."""
        return preprocess.mirrored(element) if rng.random() < 0.5 else element


def train_batches(
    source: TrainSource,
    *,
    batch_size: int,
    seed: int,
    flip: bool,
    start_step: int,
    workers: int,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[TrainBatch]:
    """Yields the endless stream of shuffled batches from a step on.

    Args:
        source: The examples.
        batch_size: Examples of one step over all hosts.
        seed: Of order and augmentation.
        flip: Whether half of the examples are mirrored.
        start_step: The first step whose batch is wanted.
        workers: Threads that read.
        shard: Number of this host.
        shards: Hosts that share each batch.

    Raises:
        TrainingError: There is no example, or hosts cannot share a batch.
    """
    if not len(source):
        raise errors.TrainingError(
            "There is nothing to train on: the data has no usable task in its training "
            f"split ({source.summary()}). rclicks-data doctor says what is there."
        )
    if batch_size % shards:
        raise errors.TrainingError(
            f"A batch of {batch_size} cannot be shared by {shards} hosts: "
            f"set --config.batch_size to a multiple of {shards}."
        )
    dataset = grain.MapDataset.source(source).seed(seed).shuffle().repeat(None)
    if flip:
        dataset = dataset.random_map(_RandomMirror())
    dataset = dataset[start_step * batch_size + shard :: shards]
    dataset = dataset.batch(batch_size // shards, drop_remainder=True)
    options = grain.ReadOptions(num_threads=workers, prefetch_buffer_size=_LOOK_AHEAD)
    return iter(dataset.to_iter_dataset(options))


def eval_batches(source: TrainSource, batch_size: int) -> Iterator[TrainBatch]:
    """Yields all examples once, in order; the last batch is filled with weight 0."""
    for first in range(0, len(source), batch_size):
        rows = [source[i] for i in range(first, min(first + batch_size, len(source)))]
        empty = TrainBatch(*(np.zeros_like(array) for array in rows[0]))
        rows += [empty] * (batch_size - len(rows))
        yield TrainBatch(*map(np.stack, zip(*rows, strict=True)))
