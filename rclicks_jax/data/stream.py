"""Batches for training: shuffled, augmented, and the same from any starting point.

Which examples make the batch of a step, and how they are augmented, is a pure function
of (seed, step); so the position of a stream is the number of the step.
"""

import bisect
import collections
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import grain
import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import augment, letterbox_cache, packages
from rclicks_jax.types import PackedBatch

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
        settings: letterbox_cache.LetterboxSettings,
        *,
        workers: int = 2,
    ) -> None:
        """Makes the examples, or finds them in the cache.

        Args:
            datasets: Packages of click tasks.
            split: `train`, `val` or another.
            settings: What to make of them.
            workers: Threads that make examples.
        """
        self._parts = [
            letterbox_cache.prepare(package, split, settings, workers)
            for package in datasets
        ]
        self._ends = list(itertools.accumulate(map(len, self._parts)))
        self.counts: collections.Counter[str] = collections.Counter()
        for part in self._parts:
            self.counts.update(part.counts)

    def __len__(self) -> int:
        """Returns the number of usable tasks."""
        return self._ends[-1] if self._ends else 0

    def summary(self) -> str:
        """Says in words what was kept and what was left out."""
        counted = (f"{count} {what}" for what, count in sorted(self.counts.items()))
        return ", ".join(counted) or "nothing"

    def __getitem__(self, index: int) -> PackedBatch:
        """Returns one example, without a batch axis."""
        part = bisect.bisect_right(self._ends, index)
        if index < 0 or part == len(self._parts):
            raise IndexError(index)
        return self._parts[part][index - (self._ends[part - 1] if part else 0)]


class Augmentation(NamedTuple):
    """Random changes of examples.

    Attributes:
        flip: Whether half of the examples are mirrored.
        colour: Strength of `augment.recolour`.
        zoom: Strength of `augment.zoom`.
    """

    flip: bool
    colour: float = 0.0
    zoom: float = 0.0


class _Augment(grain.transforms.RandomMap):
    """Applies an augmentation with a generator of the example's place in the stream."""

    def __init__(self, augmentation: Augmentation) -> None:
        self._augmentation = augmentation

    def random_map(self, element: PackedBatch, rng: np.random.Generator) -> PackedBatch:
        """Changes one example."""
        flip, colour, zoom = self._augmentation
        if flip and rng.random() < 0.5:
            element = augment.mirror(element)
        if colour:
            element = augment.recolour(element, colour, rng)
        if zoom:
            element = augment.zoom(element, zoom, rng)
        return element


def train_batches(
    source: TrainSource,
    *,
    batch_size: int,
    seed: int,
    augmentation: Augmentation,
    start_step: int,
    workers: int,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[PackedBatch]:
    """Yields the endless stream of shuffled batches from a step on.

    Args:
        source: The examples.
        batch_size: Examples of one step over all hosts.
        seed: Of order and augmentation.
        augmentation: Of the examples.
        start_step: The first step whose batch is wanted.
        workers: Threads that read.
        shard: Number of this host; it gets the `shard`-th block of each batch.
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
    dataset = dataset.random_map(_Augment(augmentation))
    dataset = dataset.batch(batch_size // shards, drop_remainder=True)
    dataset = dataset[start_step * shards + shard :: shards]
    options = grain.ReadOptions(num_threads=workers, prefetch_buffer_size=_LOOK_AHEAD)
    return iter(dataset.to_iter_dataset(options))


def eval_batches(
    source: TrainSource, batch_size: int, shard: int = 0, shards: int = 1
) -> Iterator[PackedBatch]:
    """Yields this host's block of batches that hold every example once, in order.

    The last batch is filled with examples of weight 0.

    Args:
        source: The examples.
        batch_size: Over all hosts.
        shard: Number of this host.
        shards: Hosts that share each batch.
    """
    block = batch_size // shards
    for first in range(0, len(source), batch_size):
        start = first + shard * block
        rows = [source[i] for i in range(start, min(start + block, len(source)))]
        empty = PackedBatch(*(np.zeros_like(array) for array in source[0]))
        rows += [empty] * (block - len(rows))
        yield PackedBatch(*map(np.stack, zip(*rows, strict=True)))
