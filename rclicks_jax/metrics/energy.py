"""Energy distance of two sets of clicks.

It is 2 E|X - Y| - E|X - X'| - E|Y - Y'|, with Euclidean distances, and without the root
that some take of it. It is 0 if both sets come from one distribution and above 0 for
any other two, be it that one lies elsewhere or that it is only narrower. `pl1` has the
first term alone, which is least for a set in the middle of the other. A sum of
distances along each axis would not do either: it compares nothing but the two marginal
distributions.

The estimate leaves out distances of a click from itself, so it has no bias, whatever
the numbers of clicks: the mean over tasks is 0 for sets alike, and values of single
tasks lie on both sides of 0. With these distances included (the V-statistic), it would
be above 0 even then, the more so the fewer clicks a task has.

Source: Székely and Rizzo (2013), Energy statistics: a class of statistics based on
distances. J. Statistical Planning and Inference 143.
"""

from typing import Literal, NamedTuple

import numpy as np

# Distances are rounded to whole parts of a side of the box, so many to a side.
_UNIT = 2.0**20
# How two places are apart, in SciPy's words.
Metric = Literal["euclidean", "cityblock"]


def to_each_click(
    sets: np.ndarray, clicks_yx: np.ndarray, box_hw: tuple[int, int], metric: Metric
) -> np.ndarray:
    """Returns the mean distance of the clicks of all sets to each other click.

    Args:
        sets: Sets of clicks `(y, x)`, `[d m 2]`.
        clicks_yx: The other clicks, `[n 2]`.
        box_hw: Height and width by which places are divided along each axis.
        metric: `euclidean` or `cityblock`.

    Returns:
        `f64[n]`, in sides of the box.
    """
    from scipy.spatial.distance import cdist

    box = np.array(box_hw, np.float64)
    others = clicks_yx / box
    return np.mean([cdist(own, others, metric).mean(0) for own in sets / box], axis=0)


def energy(
    sets: np.ndarray, clicks_yx: np.ndarray, box_hw: tuple[int, int]
) -> np.ndarray:
    """Returns the energy distances of sets of clicks to other clicks, without bias.

    Args:
        sets: Sets of clicks `(y, x)`, `[... m 2]`.
        clicks_yx: The other clicks, `[n 2]`.
        box_hw: Height and width by which places are divided along each axis, as those
            of `click_prediction.pl1` are.

    Returns:
        The distance of each set, in sides of the box, `f64[...]`; NaN if either has
        fewer than two clicks.
    """
    leading = sets.shape[:-2]
    if sets.shape[-2] < 2 or len(clicks_yx) < 2:
        return np.full(leading, np.nan)
    # Importing SciPy takes a second, and only evaluation needs it.
    from scipy.spatial.distance import cdist, pdist

    box = np.array(box_hw, np.float64)
    others = clicks_yx / box
    within = pdist(others).mean()
    # One set at a time: distances of all sets at once may not fit into memory.
    distances = [
        2 * cdist(own, others).mean() - pdist(own).mean() - within
        for own in sets.reshape(-1, *sets.shape[-2:]) / box
    ]
    return np.array(distances).reshape(leading)


class Distances(NamedTuple):
    """Distances of the clicks of two sets, in sides of the box.

    Attributes:
        between: Of each click of the first set to each of the second, `f64[n m]`.
        one: Between those of the first set, `f64[n n]`.
        other: Between those of the second, `f64[m m]`.
    """

    between: np.ndarray
    one: np.ndarray
    other: np.ndarray


def weighted(apart: Distances, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns energy distances in which clicks count with weights, `f64[d]`.

    Args:
        apart: Distances of the clicks.
        one: How often each click of the first set counts in each draw, `f64[d n]`.
        other: The same of the second set, `f64[d m]`.

    Returns:
        NaN in draws in which a set is empty, or has one click alone.
    """
    between = mean_over_pairs(apart.between, one, other)
    within_one = mean_over_pairs(apart.one, one, one, of_one_set=True)
    within_other = mean_over_pairs(apart.other, other, other, of_one_set=True)
    return 2 * between - within_one - within_other


def mean_over_pairs(
    distances: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    *,
    of_one_set: bool = False,
) -> np.ndarray:
    """Returns the weighted mean of distances in each draw, `f64[d]`; NaN without pairs.

    Args:
        distances: Distance of each pair, `f64[n m]`.
        one: Weight of each row in each draw, `f64[d n]`.
        other: Weight of each column, `f64[d m]`.
        of_one_set: Whether rows and columns are the same clicks: a click is no pair
            with itself.
    """
    # BLAS adds in an order that depends on the cores; sums of whole numbers are exact.
    total = ((one @ np.rint(distances * _UNIT)) * other).sum(axis=1) / _UNIT
    pairs = one.sum(axis=1) * other.sum(axis=1)
    if of_one_set:
        pairs -= (one * other).sum(axis=1)
    return np.divide(total, pairs, out=np.full(total.shape, np.nan), where=pairs > 0)
