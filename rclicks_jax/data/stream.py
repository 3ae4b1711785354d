"""Batches for training: shuffled, augmented, and independent of where they start.

The examples of a batch and their augmentation are a pure function of (seed, step). So
the position of a stream is the number of the step.
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
    """Click tasks of packages as training examples, with random access.

    Attributes:
        counts: Number of clicks and tasks that were kept or left out, by description.
    """

    def __init__(
        self,
        datasets: Sequence[packages.Package],
        split: str,
        settings: letterbox_cache.LetterboxSettings,
        *,
        workers: int = 2,
    ) -> None:
        """Makes the examples, or opens them in the cache.

        Args:
            datasets: Packages of click tasks.
            split: The split: `train`, `val` or another.
            settings: Settings of the examples.
            workers: Number of threads that make examples.
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
        """Returns the counts as text."""
        counted = (f"{count} {what}" for what, count in sorted(self.counts.items()))
        return ", ".join(counted) or "nothing"

    def __getitem__(self, index: int) -> PackedBatch:
        """Returns one example, without a batch axis."""
        part = bisect.bisect_right(self._ends, index)
        if index < 0 or part == len(self._parts):
            raise IndexError(index)
        return self._parts[part][index - (self._ends[part - 1] if part else 0)]


class Augmentation(NamedTuple):
    """Settings for random changes of examples.

    Attributes:
        flip: Whether half of the examples are mirrored.
        colour: Strength of `augment.recolour`.
        zoom: Strength of `augment.zoom`.
    """

    flip: bool
    colour: float = 0.0
    zoom: float = 0.0


class _Augment(grain.transforms.RandomMap):
    """Applies an augmentation; each place in the stream has its own generator."""

    def __init__(self, augmentation: Augmentation) -> None:
        self._augmentation = augmentation

    def random_map(self, element: PackedBatch, rng: np.random.Generator) -> PackedBatch:
        """Changes one example at random."""
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
        batch_size: Number of examples of one step over all hosts.
        seed: Seed of order and augmentation.
        augmentation: Random changes of the examples.
        start_step: The step of the first batch.
        workers: Number of threads that read.
        shard: Number of this host; it gets the `shard`-th block of each batch.
        shards: Number of hosts that share each batch.

    Raises:
        TrainingError: There are no examples, or the hosts cannot share a batch equally.
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
    """Yields this host's blocks of batches that have every example once, in order.

    The last batch is filled with examples of weight 0.

    Args:
        source: The examples.
        batch_size: Number of examples of one batch over all hosts.
        shard: Number of this host.
        shards: Number of hosts that share each batch.
    """
    block = batch_size // shards
    for first in range(0, len(source), batch_size):
        start = first + shard * block
        rows = [source[i] for i in range(start, min(start + block, len(source)))]
        empty = PackedBatch(*(np.zeros_like(array) for array in source[0]))
        rows += [empty] * (block - len(rows))
        yield PackedBatch(*map(np.stack, zip(*rows, strict=True)))
