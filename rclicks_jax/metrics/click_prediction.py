"""Metrics of how well a click map predicts real clicks.

PDE, NSS, PL1, WD and KS are the paper's; AUC-Judd and information gain come from
saliency prediction. Everything is computed in float64.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py; Judd et al. (2012), A
Benchmark of Computational Models of Saliency; Kuemmerer et al. (2015),
Information-theoretic Model Comparison Unifies Saliency Metrics.
"""

import numpy as np

from rclicks_jax.metrics import ks2d

KS_LEVEL = 0.05
# Information gain assumes that one click in a hundred falls anywhere in the image, so
# that a click where a map is zero costs a model some bits, not infinitely many.
IG_EPSILON = 0.01


def as_distribution(click_map: np.ndarray) -> np.ndarray:
    """Returns a click map scaled to a sum of one, `f64[h w]`; all zeros stay zero."""
    click_map = np.asarray(click_map, np.float64)
    total = click_map.sum()
    return click_map / total if total > 0 else click_map


def pde(distribution: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the mean probability at the clicks; larger is better.

    Args:
        distribution: Click map with a sum of one, `f64[h w]`.
        clicks_yx: Real clicks `(y, x)`, `i32[n 2]`.
    """
    return float(distribution[tuple(clicks_yx.T)].mean())


def nss(distribution: np.ndarray, clicks_yx: np.ndarray, epsilon: float = 0.0) -> float:
    """Returns the mean standard score of the map at the clicks; larger is better.

    Args:
        distribution: Click map with a sum of one, `f64[h w]`.
        clicks_yx: Real clicks `(y, x)`, `i32[n 2]`.
        epsilon: Number added to the deviation. The original's 1e-9 is not small beside
            the deviation of a large map with a sum of one: it is some 1e-4 of it at a
            few hundred pixels a side, and up to 4e-3 at two thousand.

    Returns:
        The score; 0 if the map is constant.
    """
    mean = distribution.mean(keepdims=True)
    deviation = distribution.std(mean=mean)
    if deviation <= 1e-12 * distribution.max(initial=0):
        return 0.0
    scores = (distribution[tuple(clicks_yx.T)] - mean.item()) / (deviation + epsilon)
    return float(scores.mean())


def auc_judd(distribution: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns how often a clicked pixel has a higher value than an unclicked one.

    It is the area under the curve of the share of clicked pixels above a threshold over
    the share of other pixels above it; equal values count as half. A pixel that was
    clicked twice counts once. Only the order of values matters.

    Args:
        distribution: Click map of any sum, `f64[h w]`.
        clicks_yx: Real clicks `(y, x)`, `i32[n 2]`.

    Returns:
        The area in [0, 1], 0.5 for a constant map; NaN if every pixel was clicked.
    """
    values = distribution.ravel()
    clicked = np.unique(np.ravel_multi_index(tuple(clicks_yx.T), distribution.shape))
    others = values.size - clicked.size
    if not others:
        return float("nan")
    positive, ordered = np.sort(values[clicked]), np.sort(values)
    below, not_above = (
        np.searchsorted(ordered, positive, side)
        - np.searchsorted(positive, positive, side)
        for side in ("left", "right")
    )
    return float((below + not_above).mean() / (2 * others))


def information_gain(
    distribution: np.ndarray, baseline: np.ndarray, clicks_yx: np.ndarray
) -> float:
    """Returns by how many bits a click is less surprising than under a baseline.

    Both maps are mixed with `IG_EPSILON` of a uniform map of the whole image.

    Args:
        distribution: Click map with a sum of one, `f64[h w]`.
        baseline: Click map of the baseline with a sum of one, `f64[h w]`.
        clicks_yx: Real clicks `(y, x)`, `i32[n 2]`.
    """
    floor = IG_EPSILON / distribution.size
    mixed = (
        (1 - IG_EPSILON) * density[tuple(clicks_yx.T)] + floor
        for density in (distribution, baseline)
    )
    ours, theirs = map(np.log2, mixed)
    return float((ours - theirs).mean())


def draw_clicks(
    distribution: np.ndarray, draws: int, clicks: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws sets of clicks with replacement, `i64[draws clicks 2]`, as `(y, x)`."""
    cumulative = np.cumsum(distribution.ravel())
    points = generator.random((draws, clicks)) * cumulative[-1]
    pixels = np.searchsorted(cumulative, points, side="right")
    pixels = np.minimum(pixels, cumulative.size - 1)
    return np.stack(np.unravel_index(pixels, distribution.shape), axis=-1)


def pl1(drawn: np.ndarray, clicks_yx: np.ndarray, box_hw: tuple[int, int]) -> float:
    """Returns the mean L1 distance over all pairs of drawn and real clicks.

    Args:
        drawn: Sets of drawn clicks, `[... m 2]`.
        clicks_yx: Real clicks, `[n 2]`.
        box_hw: Height and width by which distances are divided.
    """
    along = (
        _mean_distance(drawn[..., axis], clicks_yx[:, axis]).mean() / box_hw[axis]
        for axis in (0, 1)
    )
    return float(sum(along))


def pl1_expected(
    distribution: np.ndarray, clicks_yx: np.ndarray, box_hw: tuple[int, int]
) -> float:
    """Returns the expectation of `pl1` over draws from a map.

    An L1 distance is a sum over the axes, so the map's two marginals are enough.

    Args:
        distribution: Click map with a sum of one, `f64[h w]`.
        clicks_yx: Real clicks `(y, x)`, `i32[n 2]`.
        box_hw: Height and width by which distances are divided.
    """
    along = (
        marginal * _mean_distance(np.arange(marginal.size), places) / length
        for marginal, places, length in zip(
            (distribution.sum(axis=1), distribution.sum(axis=0)),
            clicks_yx.T,
            box_hw,
            strict=True,
        )
    )
    return float(sum(distances.sum() for distances in along))


def _mean_distance(places: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the mean distance of each place to the others, along one axis."""
    return abs(places[..., None] - others.astype(np.float64)).mean(axis=-1)


def wd(drawn: np.ndarray, clicks_yx: np.ndarray) -> np.ndarray:
    """Returns the exact Wasserstein distances of sets of clicks to real clicks, pixels.

    All clicks of a set have the same weight. If both sets have the same size, the
    transport is an assignment, which is far faster than the linear programme that SciPy
    solves for other sizes.

    Args:
        drawn: Sets of drawn clicks, `[... m 2]`.
        clicks_yx: Real clicks, `[n 2]`.

    Returns:
        The distance of each set, `f64[...]`.
    """
    # Importing SciPy takes a second, and only evaluation needs it.
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist
    from scipy.stats import wasserstein_distance_nd

    sets = drawn.reshape(-1, *drawn.shape[-2:])
    if drawn.shape[-2] == len(clicks_yx):
        # One call for all sets: a hundred small calls would take twice as long.
        costs = cdist(sets.reshape(-1, 2), clicks_yx).reshape(*sets.shape[:2], -1)
        distances = [cost[linear_sum_assignment(cost)].mean() for cost in costs]
    else:
        distances = [
            wasserstein_distance_nd(drawn_set, clicks_yx) for drawn_set in sets
        ]
    return np.array(distances).reshape(drawn.shape[:-2])


def ks(drawn: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the share of drawn sets that the KS test does not tell from real clicks.

    Args:
        drawn: Sets of drawn clicks, `[draws m 2]`, m >= 2.
        clicks_yx: Real clicks, `[n 2]`.

    Returns:
        The share; NaN with fewer than two clicks, for which there is no test.
    """
    if len(clicks_yx) < 2:
        return float("nan")
    # The original passes (x, y); swapping both sets mirrors the quadrants.
    p_values = ks2d.ks_p_value(drawn[..., ::-1], clicks_yx[..., ::-1])
    return float((p_values > KS_LEVEL).mean())
