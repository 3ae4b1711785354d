"""The two-dimensional two-sample Kolmogorov-Smirnov test.

Source: Peacock (1983); Fasano and Franceschini (1987); Press et al., Numerical
Recipes, section 14.8; with the finite-size correction of syrte/ndtest, which
emb-ai/rclicks uses.
"""

import numpy as np


def ks_statistic(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the mean of the two one-sided largest differences between quadrants.

    Args:
        first: Points, `[... n 2]`.
        second: Points, `[... m 2]`; leading axes broadcast.

    Returns:
        `f64[...]`.
    """
    return (_max_difference(first, second) + _max_difference(second, first)) / 2


def ks_p_value(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the asymptotic p-value that both sets come from one distribution.

    If all points of a set share a coordinate, the correlation of its coordinates is not
    defined and counts as 0.

    Args:
        first: Points, `[... n 2]`, n >= 2.
        second: Points, `[... m 2]`, m >= 2; leading axes broadcast.

    Returns:
        `f64[...]`.
    """
    # Importing SciPy takes a second, and only evaluation needs it.
    from scipy.special import kolmogorov

    n, m = first.shape[-2], second.shape[-2]
    size = np.sqrt(n * m / (n + m))
    squared = (_correlation(first) ** 2 + _correlation(second) ** 2) / 2
    # Rounding can take the correlation of points on a line beyond 1.
    shared = np.sqrt(np.maximum(1 - squared, 0))
    statistic = ks_statistic(first, second) * size
    return kolmogorov(statistic / (1 + shared * (0.25 - 0.75 / size)))


def _max_difference(corners: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the largest difference of quadrant shares with a corner at each point."""
    difference = _quadrants(corners, corners) - _quadrants(corners, other)
    # The corner point itself counts in the quadrant where the difference is largest.
    step = 1 / corners.shape[-2]
    difference[..., 0] -= step
    low = -difference.min(axis=(-2, -1))
    return np.maximum(low, difference.max(axis=(-2, -1)) + step)


def _quadrants(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns the shares of `points` in four quadrants at each corner, `[... n 4]`."""
    left = _at_most(points[..., 0], corners[..., 0])
    low = _at_most(points[..., 1], corners[..., 1])
    in_both, in_left, in_low = _count(left & low), _count(left), _count(low)
    rest = points.shape[-2] - in_left - in_low + in_both
    counts = (in_both, in_left - in_both, in_low - in_both, rest)
    return np.stack(counts, axis=-1) / points.shape[-2]


def _at_most(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Returns a bit for each value and limit, eight in a byte, `u8[... n m/8]`.

    Args:
        values: The values, `[... m]`.
        limits: Upper limits, `[... n]`.
    """
    return np.packbits(values[..., None, :] <= limits[..., :, None], axis=-1)


def _count(bits: np.ndarray) -> np.ndarray:
    return np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)


def _correlation(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=-2, keepdims=True)
    squares = (centred**2).sum(axis=-2).prod(axis=-1)
    product = centred.prod(axis=-1).sum(axis=-1)
    out = np.zeros(product.shape)
    return np.divide(product, np.sqrt(squares), out=out, where=squares > 0)
