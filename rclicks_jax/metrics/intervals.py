"""Confidence intervals by a bootstrap over images.

Objects of one photograph are not independent, so photographs are drawn, not objects.
A handful of photographs says nothing about others: below `FEWEST` of them there is a
mean and no interval, and nothing that rests on an interval. This module alone decides.
"""

import math
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors

# Resampling fewer photographs yields ends that look exact: of one, both are the mean.
FEWEST = 5


class Interval(NamedTuple):
    """A mean and the ends of its confidence interval; the ends are NaN without one."""

    mean: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval, and not only a mean."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def sign(self) -> int | None:
        """1 or -1 if the interval lies above or below 0, 0 if it holds 0.

        None if there is no interval.
        """
        if not self.known:
            return None
        return int(self.low > 0) - int(self.high < 0)


def between(mean: float, low: float, high: float, clusters: int) -> Interval:
    """Returns an interval, or the mean alone if it rests on too few photographs.

    Args:
        mean: The mean.
        low: Lower end.
        high: Upper end.
        clusters: How many photographs all three are of.
    """
    if clusters < FEWEST:
        low = high = math.nan
    return Interval(float(mean), float(low), float(high))


def bootstrap_mean(
    values: np.ndarray,
    clusters: np.ndarray,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """Returns the mean of `values` with a percentile interval.

    The interval has no ends if the values are of fewer than `FEWEST` clusters.

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
    return between(values[known].mean(), low, high, sums.size)


def over_images(values: np.ndarray | None, image_ids: list[str]) -> Interval | None:
    """Returns a mean with its interval by a bootstrap over images.

    Args:
        values: One number an object, `f64[n]`, perhaps with NaN; or None.
        image_ids: The image of each.
    """
    if values is None or not np.isfinite(values).any():
        return None
    return bootstrap_mean(values, np.array(image_ids))


def difference(
    one: np.ndarray, other: np.ndarray, image_ids: list[str]
) -> Interval | None:
    """Returns the mean of one minus other over the objects that have both."""
    return over_images(one - other, image_ids)


def told_apart(between: Interval | None, alike: bool) -> str | None:
    """Says whether a difference tells two apart.

    Args:
        between: The difference; None if it has none.
        alike: Whether nothing else differs between the two.

    Returns:
        `yes`, `no`, or None where it cannot be told: without an interval, or where
        something else differs.
    """
    sign = between.sign if between is not None and alike else None
    return None if sign is None else "yes" if sign else "no"
