"""Confidence intervals by a bootstrap over images.

Objects of one photograph are not independent, so photographs are drawn, not objects.
"""

from typing import NamedTuple

import numpy as np

from rclicks_jax import errors


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval."""

    mean: float
    low: float
    high: float


def bootstrap_mean(
    values: np.ndarray,
    clusters: np.ndarray,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns the mean of `values` with a percentile interval.

    Args:
        values: One number an instance, `f64[n]`, n >= 1; NaN is left out.
        clusters: The image of each, any labels, `[n]`.
        level: Of the interval.
        draws: Resamples.
        seed: Of the resamples; the same one gives the same interval.

    Raises:
        BadValueError: No value is a number.
    """
    known = ~np.isnan(values)
    if not known.any():
        raise errors.BadValueError("Bootstrap", "no value", "at least one number")
    _, image = np.unique(np.asarray(clusters)[known], return_inverse=True)
    sums = np.bincount(image, weights=values[known])
    sizes = np.bincount(image)
    generator = np.random.Generator(np.random.Philox(seed))
    chosen = generator.integers(0, sums.size, (draws, sums.size))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values[known].mean()), float(low), float(high))
