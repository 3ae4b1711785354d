"""Parts of equal load: objects first, then pixels.

Nothing here depends on the order of the units, on the machine, or on what is finished.
All numbers are integers, so every machine gets the same parts.
"""

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Largest excess of a part over the mean at which pixels are level.
_TOLERANCE = 0.01
# Largest number of units of a part among which a pair to exchange is sought.
_CANDIDATES = 500
# Largest number of exchanges for each part.
_EXCHANGES = 8


class Load(NamedTuple):
    """The load of a unit of work.

    Attributes:
        objects: Number of objects, at least 1.
        pixels: Number of pixels of the photograph; 0 if unknown.
    """

    objects: int
    pixels: int


def parts(loads: Sequence[Load], count: int) -> np.ndarray:
    """Returns the part of each unit, `i64[n]`, in 0..count-1.

    Units with more objects are placed first, each into the part with the fewest
    objects. Then units with the same number of objects are exchanged until no part has
    many more pixels than the mean: first pixels times objects (click maps, answers),
    then pixels (reading, encoding). So objects stay as level as they can be.

    Args:
        loads: The loads, in an order that all processes agree on.
        count: Number of parts.
    """
    table = np.array(loads, np.int64).reshape(-1, 2)
    objects, pixels = table[:, 0], table[:, 1]
    worked = objects * pixels
    part = np.zeros(len(table), np.int64)
    # Objects, pixels times objects, and number of each part.
    lightest = [(0, 0, number) for number in range(count)]
    for unit in np.lexsort((-pixels, -objects)):
        held, work, number = lightest[0]
        part[unit] = number
        more = held + int(objects[unit]), work + int(worked[unit]), number
        heapq.heapreplace(lightest, more)
    for amounts in (worked, pixels):
        _level(part, objects, amounts, count)
    return part


def _level(
    part: np.ndarray, objects: np.ndarray, amounts: np.ndarray, count: int
) -> None:
    """Exchanges units with equally many objects until amounts are level, in place."""
    totals = np.zeros(count, np.int64)
    np.add.at(totals, part, amounts)
    limit = (1 + _TOLERANCE) * int(totals.sum()) / count
    open_parts = np.ones(count, bool)
    for _ in range(_EXCHANGES * count):
        high = int(np.where(open_parts, totals, -1).argmax())
        low = int(totals.argmin())
        if not open_parts[high] or totals[high] <= limit:
            return
        ours = np.flatnonzero(part == high)[:_CANDIDATES]
        theirs = np.flatnonzero(part == low)[:_CANDIDATES]
        moved = amounts[ours, None] - amounts[None, theirs]
        larger: np.ndarray = np.maximum(totals[high] - moved, totals[low] + moved)
        larger[objects[ours, None] != objects[None, theirs]] = totals[high]
        if not larger.size or larger.min() >= totals[high]:
            open_parts[high] = False
            continue
        one, other = divmod(int(larger.argmin()), len(theirs))
        part[ours[one]], part[theirs[other]] = low, high
        totals[high] -= moved[one, other]
        totals[low] += moved[one, other]
