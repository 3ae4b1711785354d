"""All metrics of a click map on one click task, computed on the host.

Measuring processes import this module, so it does not import JAX.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import targets
from rclicks_jax.metrics import click_prediction, saliency

# The paper's metrics. PL1, WD and KS share one set of draws.
PAPER = ("pl1", "wd", "ks", "nss", "pde")
# KLD, CC and SIM compare with the map made from the clicks, as in training.
METRICS = (*PAPER, "pl1_expected", "kld", "cc", "sim", "auc_judd", "ig")
# Sigma of that map, in pixels of a 1920x1080 image: the paper's value for all models.
SIGMA = 5.0

Values = dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class Truth:
    """The data of one task with which maps are compared.

    Attributes:
        clicks_yx: Positions of the clicks, inside the image, `i32[n 2]`, n >= 1.
        box_hw: Height and width of the box of the target, pixels.
        error_mask: The region to mend, soft in [0, 1], not empty, `f32[h w]`.
        click_map: Map that `data.targets` makes from the clicks, `f32[h w]`; all zero
            if nobody clicked near the error region.
        uniform: Map of UD, the baseline of information gain; sums to one, `f64[h w]`.
        nss_epsilon: The switch of that name in `settings.protocols.Protocol`.
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
    """Prepares the data of one task.

    Args:
        clicks_yx: The clicks of people; see `Truth`.
        box_hw: The size of the object's box; see `Truth`.
        error_mask: The error region, as `Truth` has it, or `bool[h w]`.
        nss_epsilon: The switch of the protocol; see `Truth`.
    """
    error_mask = error_mask.astype(np.float32)
    click_map = targets.click_map(clicks_yx, error_mask, SIGMA)
    uniform = click_prediction.as_distribution(error_mask)
    return Truth(clicks_yx, box_hw, error_mask, click_map, uniform, nss_epsilon)


def raw_and_masked(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> dict[str, Values]:
    """Compares a map with people's clicks: as it is, and multiplied by the error mask.

    If the map has no mass in the error region, the masked map is uniform there.

    Args:
        click_map: The map, non-negative, `f32[h w]`.
        truth: The data of the task.
        draws: Number of sets drawn from the map, each of as many clicks as people made.
        seeds: Seeds of the draws.

    Returns:
        Values by metric for `raw` and `masked`; None where a metric is not defined.

    Raises:
        DataError: The map is not a density over the image.
    """
    _check(click_map, truth.error_mask.shape)
    raw = measure(click_map, truth, draws, seeds)
    masked_map = click_map * truth.error_mask
    if np.array_equal(masked_map, click_map):
        return {"raw": raw, "masked": raw}
    if not masked_map.any():
        # `strict` samples in this way too. Otherwise the worst misses of a click model
        # would not count in any mean.
        masked_map = truth.error_mask
    return {"raw": raw, "masked": measure(masked_map, truth, draws, seeds)}


def measure(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> Values:
    """Compares one map with people's clicks; arguments as in `raw_and_masked`.

    Distances are divided by the size of the target's box, also if the error region
    lies outside of it.
    """
    clicks, box = truth.clicks_yx, truth.box_hw
    distribution = click_prediction.as_distribution(click_map)
    generator = np.random.Generator(np.random.Philox(seeds))
    drawn = click_prediction.draw_clicks(distribution, draws, len(clicks), generator)
    wd = click_prediction.wd(drawn, clicks).mean()
    values = {
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
        values |= saliency.compare(distribution, truth.click_map)
    defined = {name for name, number in values.items() if not math.isnan(number)}
    return {name: values[name] if name in defined else None for name in METRICS}


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
