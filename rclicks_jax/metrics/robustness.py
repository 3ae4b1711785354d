"""Metrics of robustness between users: Sample NoC, dSB, dGR, dHH, NSR.

Each takes a number for each clicking group and instance. Relative differences are
ratios for each instance, of which tables show means; they are not ratios of means.

Source: emb-ai/rclicks, compute_benchmark_metrics.ipynb, cells 7 to 14.
"""

from typing import NamedTuple

import numpy as np


class MeanStd(NamedTuple):
    """A mean, and the mean over instances of the population deviation over groups."""

    mean: float
    std: float


def sample_mean(by_group: np.ndarray) -> MeanStd:
    """Averages over groups, then over instances.

    Args:
        by_group: Number for each group and instance, `f64[g n]`.
    """
    means = by_group.mean(axis=0)
    return MeanStd(float(means.mean()), float(by_group.std(axis=0).mean()))


class Spread(NamedTuple):
    """The sources of the spread of repeated draws.

    Attributes:
        groups: Deviation between groups that chance does not explain.
        draws: Deviation between draws of one group.
        error: Standard error, from the chance of draws, of the mean over everything.
    """

    groups: float
    draws: float
    error: float


def spread(by_repeat: np.ndarray) -> Spread:
    """Separates the spread between groups from the spread between draws of a group.

    The variance of the mean of `r` draws is the variance of a draw over `r`. That much
    of the variance between groups is chance and is subtracted. Deviations are roots of
    variances that are averaged over instances.

    Args:
        by_repeat: Number for each draw, group and instance, `f64[r g n]`, r >= 2.
    """
    repeats, groups, _ = by_repeat.shape
    within = by_repeat.var(axis=0, ddof=1).mean()
    between = by_repeat.mean(axis=0).var(axis=0).mean()
    chance = within / repeats * (1 - 1 / groups)
    means = by_repeat.mean(axis=(1, 2))
    return Spread(
        float(np.sqrt(max(between - chance, 0))),
        float(np.sqrt(within)),
        float(means.std(ddof=1) / np.sqrt(repeats)),
    )


def relative(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns (values - reference) / reference, `f64[...]`; NaN for reference 0."""
    reference = np.asarray(reference, np.float64)
    out = np.full(np.broadcast_shapes(values.shape, reference.shape), np.nan)
    return np.divide(values - reference, reference, out=out, where=reference != 0)


def delta_sb(by_group: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Returns how much the robot flatters: groups relative to the baseline.

    Args:
        by_group: Number for each group and instance, `f64[g n]`.
        baseline: Number of the robot for each instance, `f64[n]`.

    Returns:
        The difference for each instance, `f64[n]`; tables show 100 times its mean.
    """
    return relative(by_group.mean(axis=0), baseline)


def delta_gr(by_group: np.ndarray) -> np.ndarray:
    """Returns how differently users fare: first group relative to last, `f64[n]`."""
    return relative(by_group[0], by_group[-1])


def delta_hh(by_group: np.ndarray) -> np.ndarray:
    """Returns the lower half of groups relative to the upper, paired, `f64[g/2 n]`."""
    half = by_group.shape[0] // 2
    return relative(by_group[:half], by_group[half : 2 * half])


def noise_to_signal(
    values: np.ndarray, axis: int = 0, epsilon: float = 0
) -> np.ndarray:
    """Returns population deviation over mean along `axis`: NSR.

    Args:
        values: IoU over users or groups, `f64[...]`.
        axis: The axis of users or groups.
        epsilon: Number added to the mean; the original's NSR over users has 1e-9.
    """
    mean = np.asarray(values.mean(axis=axis) + epsilon)
    out = np.full(mean.shape, np.nan)
    return np.divide(values.std(axis=axis), mean, out=out, where=mean != 0)
