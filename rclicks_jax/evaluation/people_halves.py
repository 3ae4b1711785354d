"""People in two halves: how far one half is from the other is the ceiling.

Two sets of clicks of the same people are as alike as sets of people get. So what a
distance says of another set is to be read beside what it says of the two halves. A
person is in the same half on nearly all tasks, since halves follow from names alone.
"""

from collections.abc import Sequence

import numpy as np

from rclicks_jax import hashing


def first_half(people: Sequence[str], task: str) -> np.ndarray:
    """Returns which clicks are of the first half of people, `bool[n]`.

    Args:
        people: Who made each click. An empty text, where nobody knows, is taken for a
            person who made no other click.
        task: Name of the task.
    """
    names = [person or f"{task} {number}" for number, person in enumerate(people)]
    ordered = sorted({*names}, key=lambda name: (hashing.stable_hash(name), name))
    first = set(ordered[: len(ordered) // 2])
    return np.array([name in first for name in names], bool)
