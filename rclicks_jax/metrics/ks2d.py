"""The two-dimensional two-sample Kolmogorov-Smirnov test.

Source: Peacock (1983); Fasano and Franceschini (1987); Press et al., Numerical
Recipes, section 14.8; with the finite-size correction of syrte/ndtest, which
emb-ai/rclicks uses.
"""

import numpy as np


def ks_statistic(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the mean of the two one-sided maximal differences between quadrants.

    Args:
        first: Points, `[... n 2]`.
        second: Points, `[... m 2]`.

    Returns:
        `f64[...]`.
    """
    return (_max_difference(first, second) + _max_difference(second, first)) / 2


def ks_p_value(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the asymptotic p-value that both sets come from one distribution.

    Args:
        first: Points, `[... n 2]`, n >= 2.
        second: Points, `[... m 2]`, m >= 2.

    Returns:
        `f64[...]`; NaN where all points of a set share a coordinate.
    """
    # scipy.stats takes a second to import and only evaluation needs it.
    from scipy.stats import kstwobign

    n, m = first.shape[-2], second.shape[-2]
    size = np.sqrt(n * m / (n + m))
    shared = np.sqrt(1 - (_correlation(first) ** 2 + _correlation(second) ** 2) / 2)
    statistic = ks_statistic(first, second) * size
    return kstwobign.sf(statistic / (1 + shared * (0.25 - 0.75 / size)))


def _max_difference(corners: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Returns the largest difference of quadrant shares with a corner at each point."""
    difference = _quadrants(corners, corners) - _quadrants(corners, other)
    # Moving the corner point itself to the quadrant where it hurts most.
    step = 1 / corners.shape[-2]
    difference[..., 0] -= step
    low = -difference.min(axis=(-2, -1))
    return np.maximum(low, difference.max(axis=(-2, -1)) + step)


def _quadrants(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Returns the shares of `points` in four quadrants at each corner, `[... n 4]`."""
    below = points[..., None, :, :] <= corners[..., :, None, :]
    left, low = below[..., 0], below[..., 1]
    both = (left & low).mean(axis=-1)
    only_left = (left & ~low).mean(axis=-1)
    only_low = (~left & low).mean(axis=-1)
    rest = 1 - both - only_left - only_low
    return np.stack([both, only_left, only_low, rest], axis=-1)


def _correlation(points: np.ndarray) -> np.ndarray:
    centred = points - points.mean(axis=-2, keepdims=True)
    squares = (centred**2).sum(axis=-2).prod(axis=-1)
    product = centred.prod(axis=-1).sum(axis=-1)
    out = np.full(product.shape, np.nan)
    return np.divide(product, np.sqrt(squares), out=out, where=squares > 0)
