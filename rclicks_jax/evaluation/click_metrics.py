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
from rclicks_jax.evaluation import people_halves
from rclicks_jax.metrics import click_prediction, energy, saliency

# The paper's metrics. PL1, WD, KS and energy distance share one set of draws.
PAPER = ("pl1", "wd", "ks", "nss", "pde")
# KLD, CC and SIM compare with the map made from the clicks, as in training.
METRICS = (*PAPER, "energy", "pl1_expected", "kld", "cc", "sim", "auc_judd", "ig")
# Sigma of that map, in pixels of a 1920x1080 image: the paper's value for all models.
SIGMA = 5.0

# Of distances that only intervals use.
_DIGITS = 6

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
    masked_map = _masked(click_map, truth)
    if masked_map is None:
        return {"raw": raw, "masked": raw}
    return {"raw": raw, "masked": measure(masked_map, truth, draws, seeds)}


def _masked(click_map: np.ndarray, truth: Truth) -> np.ndarray | None:
    """Returns a map multiplied by the error mask; None if that is the map itself."""
    masked_map = click_map * truth.error_mask
    if np.array_equal(masked_map, click_map):
        return None
    # `strict` samples in this way too. Otherwise the worst misses of a click model
    # would not count in any mean.
    return masked_map if masked_map.any() else truth.error_mask


def to_clicks(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> dict[str, dict[str, list[float]]]:
    """Returns how far the clicks drawn from a map are from each click of people.

    The draws are those of `raw_and_masked`. The mean of the numbers is PL1, and the
    first term of energy distance; intervals over people need each.

    Returns:
        For `raw` and `masked`, mean distances of each click as `pl1` and `energy` have
        them.
    """
    masked_map = _masked(click_map, truth)
    raw = _to_clicks(click_map, truth, draws, seeds)
    masked = raw
    if masked_map is not None:
        masked = _to_clicks(masked_map, truth, draws, seeds)
    return {"raw": raw, "masked": masked}


def _to_clicks(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> dict[str, list[float]]:
    drawn = _drawn(click_map, truth, draws, seeds)
    metrics: dict[str, energy.Metric] = {"pl1": "cityblock", "energy": "euclidean"}
    return {
        name: energy.to_each_click(drawn, truth.clicks_yx, truth.box_hw, metric)
        .round(_DIGITS)
        .tolist()
        for name, metric in metrics.items()
    }


def _drawn(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> np.ndarray:
    """Draws sets of as many clicks as people made, `i64[draws n 2]`."""
    distribution = click_prediction.as_distribution(click_map)
    generator = np.random.Generator(np.random.Philox(seeds))
    count = len(truth.clicks_yx)
    return click_prediction.draw_clicks(distribution, draws, count, generator)


def measure(
    click_map: np.ndarray, truth: Truth, draws: int, seeds: Sequence[int]
) -> Values:
    """Compares one map with people's clicks; arguments as in `raw_and_masked`.

    Distances are divided by the size of the target's box, also if the error region
    lies outside of it.
    """
    clicks, box = truth.clicks_yx, truth.box_hw
    distribution = click_prediction.as_distribution(click_map)
    drawn = _drawn(click_map, truth, draws, seeds)
    wd = click_prediction.wd(drawn, clicks).mean()
    values = {
        "pl1": click_prediction.pl1(drawn, clicks, box),
        "wd": float(wd / math.hypot(*box)),
        "ks": click_prediction.ks(drawn, clicks),
        "nss": click_prediction.nss(distribution, clicks, truth.nss_epsilon),
        "pde": click_prediction.pde(distribution, clicks),
        "energy": float(energy.energy(drawn, clicks, box).mean()),
        "pl1_expected": click_prediction.pl1_expected(distribution, clicks, box),
        "auc_judd": click_prediction.auc_judd(distribution, clicks),
        "ig": click_prediction.information_gain(distribution, truth.uniform, clicks),
    }
    if truth.click_map.any():
        values |= saliency.compare(distribution, truth.click_map)
    defined = {name for name, number in values.items() if not math.isnan(number)}
    return {name: values[name] if name in defined else None for name in METRICS}


def of_sets(
    one_yx: np.ndarray, other_yx: np.ndarray, box_hw: tuple[int, int]
) -> dict[str, float]:
    """Compares two sets of clicks, without a map.

    Args:
        one_yx: Clicks of one set, `i32[n 2]`, n >= 2.
        other_yx: Clicks of the other, `i32[m 2]`, m >= 2.
        box_hw: Height and width by which distances are divided; see `Truth`.

    Returns:
        PL1, WD, KS and energy distance by name. KS is 1 if the test does not tell the
        sets apart, else 0.
    """
    return {
        "pl1": click_prediction.pl1(one_yx, other_yx, box_hw),
        "wd": float(click_prediction.wd(one_yx, other_yx) / math.hypot(*box_hw)),
        "ks": click_prediction.ks(one_yx[None], other_yx),
        "energy": float(energy.energy(one_yx, other_yx, box_hw)),
    }


def of_halves(
    clicks_yx: np.ndarray, people: Sequence[str], task: str, box_hw: tuple[int, int]
) -> dict[str, float]:
    """Compares the clicks of one half of people with those of the other.

    Args:
        clicks_yx: The clicks, `i32[n 2]`.
        people: Who made each; empty if nobody knows.
        task: Name of the task.
        box_hw: Height and width by which distances are divided; see `Truth`.

    Returns:
        The numbers of `of_sets`; none if a half has fewer than two clicks.
    """
    people = people or ("",) * len(clicks_yx)
    first = people_halves.first_half(people, task)
    halves = clicks_yx[first], clicks_yx[~first]
    return of_sets(*halves, box_hw) if min(map(len, halves)) > 1 else {}


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
