"""How well a click map predicts real clicks: PDE, NSS, PL1, WD, KS.

Everything is computed in float64; a constant map has NSS 0.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import numpy as np

from rclicks_jax.metrics import ks2d

KS_LEVEL = 0.05


def as_distribution(click_map: np.ndarray) -> np.ndarray:
    """Returns a click map that sums to one, `f64[h w]`; all zero if it is."""
    click_map = np.asarray(click_map, np.float64)
    total = click_map.sum()
    return click_map / total if total > 0 else click_map


def pde(distribution: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the mean probability at the clicks; larger is better.

    Args:
        distribution: Sums to one, `f64[h w]`.
        clicks_yx: `i32[n 2]`.
    """
    return float(distribution[tuple(clicks_yx.T)].mean())


def nss(distribution: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the mean standard score of the map at the clicks; larger is better."""
    deviation = distribution.std()
    if deviation <= 1e-12 * abs(distribution).max(initial=0):
        return 0.0
    scores = (distribution[tuple(clicks_yx.T)] - distribution.mean()) / deviation
    return float(scores.mean())


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
        drawn: `[... m 2]`.
        clicks_yx: `[n 2]`.
        box_hw: Height and width that distances are divided by.
    """
    offsets = abs(drawn[..., :, None, :] - clicks_yx) / np.asarray(box_hw)
    return float(offsets.sum(axis=-1).mean())


def wd(drawn: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the Wasserstein distance of two equally large sets of clicks, in pixels.

    With equal weights and sizes the transport is an assignment.

    Args:
        drawn: `[n 2]`.
        clicks_yx: `[n 2]`.
    """
    # SciPy takes a second to import and only evaluation needs it.
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    cost = cdist(drawn, clicks_yx)
    return float(cost[linear_sum_assignment(cost)].mean())


def ks(drawn: np.ndarray, clicks_yx: np.ndarray) -> float:
    """Returns the share of drawn sets that the KS test does not tell from the clicks.

    A degenerate set (a shared coordinate) counts as told, as in the original.

    Args:
        drawn: `[draws m 2]`.
        clicks_yx: `[n 2]`.

    Returns:
        The share; NaN with fewer than two clicks.
    """
    if len(clicks_yx) < 2:
        return float("nan")
    real = np.broadcast_to(clicks_yx, (len(drawn), *clicks_yx.shape))
    # The original passes (x, y); swapping both sets mirrors the quadrants.
    p_values = ks2d.ks_p_value(drawn[..., ::-1], real[..., ::-1])
    return float((p_values > KS_LEVEL).mean())
