"""Every metric of a click map on one click task, on the host.

Processes that only measure import this, so nothing here imports JAX.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import targets
from rclicks_jax.metrics import click_prediction, saliency

# The paper's; PL1, WD and KS share one set of draws.
PAPER = ("pl1", "wd", "ks", "nss", "pde")
# KLD, CC and SIM are against the map that the clicks make, as in training.
METRICS = (*PAPER, "pl1_expected", "kld", "cc", "sim", "auc_judd", "ig")
# Of that map, in units of a 1920x1080 image; the paper's, whatever a model learnt from.
SIGMA = 5.0

Values = dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class Truth:
    """What the maps of all models are compared with on one task.

    Attributes:
        clicks_yx: Where people clicked, inside the image, `i32[n 2]`, n >= 1.
        box_hw: Height and width of the target's box, pixels.
        error_mask: Soft in [0, 1], not empty, `f32[h w]`.
        click_map: What `data.targets` makes of the clicks, `f32[h w]`; all zero if
            nobody clicked near the error region.
        uniform: UD, the baseline of information gain; sums to one, `f64[h w]`.
        nss_epsilon: See `settings.protocols.Protocol`.
    """

    clicks_yx: np.ndarray
    box_hw: tuple[int, int]
    error_mask: np.ndarray
    click_map: np.ndarray
    uniform: np.ndarray
    nss_epsilon: float


def truth(
    clicks_yx: np.ndarray,
    box_hw: tuple[int, int],
    error_mask: np.ndarray,
    nss_epsilon: float,
) -> Truth:
    """Returns what can be said of a task before there is a map.

    Args:
        clicks_yx: As in `Truth`.
        box_hw: As in `Truth`.
        error_mask: As in `Truth`, or `bool[h w]`.
        nss_epsilon: As in `Truth`.
    """
    error_mask = error_mask.astype(np.float32)
    click_map = targets.click_map(clicks_yx, error_mask, SIGMA)
    uniform = click_prediction.as_distribution(error_mask)
    return Truth(clicks_yx, box_hw, error_mask, click_map, uniform, nss_epsilon)


def raw_and_masked(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> dict[str, Values]:
    """Compares a map with people, as it is and multiplied by the error mask.

    Without mass in the error region the masked map is uniform there.

    Args:
        click_map: Non-negative, `f32[h w]`.
        truth: The task.
        draws: Sets drawn from the map, of as many clicks as people made.
        seeds: Of the draws.

    Returns:
        `raw` and `masked`, values by metric; None is what is not defined.

    Raises:
        DataError: The map is no density over the image.
    """
    _check(click_map, truth.error_mask.shape)
    raw = measure(click_map, truth, draws, seeds)
    masked_map = click_map * truth.error_mask
    if np.array_equal(masked_map, click_map):
        return {"raw": raw, "masked": raw}
    if not masked_map.any():
        # As `strict` samples where a map has no mass: else the worst misses of a click
        # model would be in no mean.
        masked_map = truth.error_mask
    return {"raw": raw, "masked": measure(masked_map, truth, draws, seeds)}


def measure(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> Values:
    """Compares one map with people; arguments as in `raw_and_masked`.

    Distances are relative to the box of the target, also where the error lies outside
    of it.
    """
    clicks, box = truth.clicks_yx, truth.box_hw
    distribution = click_prediction.as_distribution(click_map)
    generator = np.random.Generator(np.random.Philox(seeds))
    drawn = click_prediction.draw_clicks(distribution, draws, len(clicks), generator)
    wd = click_prediction.wd(drawn, clicks).mean()
    found = {
        "pl1": click_prediction.pl1(drawn, clicks, box),
        "wd": float(wd / math.hypot(*box)),
        "ks": click_prediction.ks(drawn, clicks),
        "nss": click_prediction.nss(distribution, clicks, truth.nss_epsilon),
        "pde": click_prediction.pde(distribution, clicks),
        "pl1_expected": click_prediction.pl1_expected(distribution, clicks, box),
        "auc_judd": click_prediction.auc_judd(distribution, clicks),
        "ig": click_prediction.information_gain(distribution, truth.uniform, clicks),
    }
    if truth.click_map.any():
        found |= saliency.compare(distribution, truth.click_map)
    defined = {name for name, value in found.items() if not math.isnan(value)}
    return {name: found[name] if name in defined else None for name in METRICS}


def _check(click_map: np.ndarray, shape: tuple[int, ...]) -> None:
    if click_map.shape != shape:
        given = "x".join(map(str, click_map.shape))
        wanted = "x".join(map(str, shape))
        raise errors.DataError(f"the click map is {given} pixels, the image {wanted}")
    if not np.isfinite(click_map).all():
        raise errors.DataError("the click map has values that are no numbers")
    if click_map.min() < 0:
        raise errors.DataError("the click map has negative values")
    if not click_map.any():
        raise errors.DataError("the click map has no mass")
