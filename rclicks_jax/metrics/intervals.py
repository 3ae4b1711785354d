"""Confidence intervals by a bootstrap over images.

Objects of one photograph are not independent, so photographs are resampled, not
objects. A handful of photographs says nothing about others: with fewer than `FEWEST` of
them there is a mean but no interval, and nothing that depends on an interval. Only this
module decides that.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors

# With fewer photographs the ends look too exact: with a single one, both are the mean.
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
    """Returns an interval; only the mean if there are too few photographs.

    Args:
        mean: The mean.
        low: Lower end.
        high: Upper end.
        clusters: Number of photographs behind the three.
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

    The interval has no ends if there are fewer than `FEWEST` clusters.

    Args:
        values: A number for each instance, `f64[n]`, n >= 1; NaN is left out.
        clusters: Label of the image of each instance, of any type, `[n]`.
        level: Confidence level of the interval.
        draws: Number of resamples.
        seed: Seed of the resamples; the same seed gives the same interval.

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


def of_median(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Returns the median of independent values with its interval by order statistics.

    The ends are two of the values: as far out as the binomial distribution of how many
    lie below the true median demands. Fewer than six values give no interval.

    Args:
        values: One or more numbers, one for each person.
        level: Confidence level of the interval.
    """
    ordered = sorted(values)
    count = len(ordered)
    below, rank = 0.0, 0
    while 2 * (below + math.comb(count, rank) / 2**count) <= 1 - level:
        below += math.comb(count, rank) / 2**count
        rank += 1
    ends = (ordered[rank - 1], ordered[-rank]) if rank else (math.nan, math.nan)
    return Interval(float(statistics.median(ordered)), *ends)


def over_images(values: np.ndarray | None, image_ids: list[str]) -> Interval | None:
    """Returns a mean with its interval by a bootstrap over images.

    Args:
        values: A number for each object, `f64[n]`, perhaps with NaN; or None.
        image_ids: The image of each object.
    """
    if values is None or not np.isfinite(values).any():
        return None
    return bootstrap_mean(values, np.array(image_ids))


def difference(
    one: np.ndarray, other: np.ndarray, image_ids: list[str]
) -> Interval | None:
    """Returns the mean of `one - other` over the objects that have both numbers."""
    return over_images(one - other, image_ids)


def told_apart(between: Interval | None, alike: bool) -> str | None:
    """Returns whether a difference tells two segmenters or click models apart.

    Args:
        between: The difference; None if there is none.
        alike: Whether all else is equal between the two.

    Returns:
        `yes`, `no`, or None if nothing can be said: without an interval, or if
        something else differs.
    """
    sign = between.sign if between is not None and alike else None
    return None if sign is None else "yes" if sign else "no"
