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

from typing import Literal

import numpy as np

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
