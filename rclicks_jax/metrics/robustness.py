"""How differently users fare: Sample NoC, dSB, dGR, dHH, NSR.

Each takes one number for each clicking group and instance. Relative differences are
means of ratios, one an instance, not ratios of means.

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
        by_group: `f64[g n]`.
    """
    means = by_group.mean(axis=0)
    return MeanStd(float(means.mean()), float(by_group.std(axis=0).mean()))


class Spread(NamedTuple):
    """Where the spread of repeated draws comes from.

    Attributes:
        groups: Deviation between groups that draws do not explain.
        draws: Deviation between draws of one group.
        error: Standard error of the mean over everything that is due to draws.
    """

    groups: float
    draws: float
    error: float


def spread(by_repeat: np.ndarray) -> Spread:
    """Parts the spread between groups from that between draws of one group.

    The mean of `r` draws varies by the variance of a draw over `r`; as much of the
    variance between groups is no difference between them. Deviations are roots of
    variances averaged over instances.

    Args:
        by_repeat: `f64[r g n]`, r >= 2.
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
    """Returns (values - reference) / reference, `f64[...]`; NaN where it is 0."""
    reference = np.asarray(reference, np.float64)
    out = np.full(np.broadcast_shapes(values.shape, reference.shape), np.nan)
    return np.divide(values - reference, reference, out=out, where=reference != 0)


def delta_sb(by_group: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Says how much the robot flatters, an instance: groups against baseline.

    Args:
        by_group: `f64[g n]`.
        baseline: `f64[n]`.

    Returns:
        `f64[n]`; the table shows 100 times its mean.
    """
    return relative(by_group.mean(axis=0), baseline)


def delta_gr(by_group: np.ndarray) -> np.ndarray:
    """Says how differently users fare: first group against last, `f64[n]`."""
    return relative(by_group[0], by_group[-1])


def delta_hh(by_group: np.ndarray) -> np.ndarray:
    """Compares the lower half of the groups with the upper, paired, `f64[g/2 n]`."""
    half = by_group.shape[0] // 2
    return relative(by_group[:half], by_group[half : 2 * half])


def noise_to_signal(
    values: np.ndarray, axis: int = 0, epsilon: float = 0
) -> np.ndarray:
    """Returns population deviation over mean along `axis`: NSR.

    Args:
        values: IoU over users or groups, `f64[...]`.
        axis: The users or groups.
        epsilon: Added to the mean; the original's NSR over users has 1e-9.
    """
    mean = np.asarray(values.mean(axis=axis) + epsilon)
    out = np.full(mean.shape, np.nan)
    return np.divide(values.std(axis=axis), mean, out=out, where=mean != 0)
