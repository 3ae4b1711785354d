"""Metrics of saliency prediction between a predicted and a ground-truth map.

`kld`, `sim` and `cc` take arrays of NumPy or of JAX, and return an array of the same
kind: training computes them on the device. `compare` returns all three for a pair of
maps of any size on the host.

Source: emb-ai/rclicks, scripts/train_click_model.py, `kld` and `calculate_metrics`.
"""

from typing import Any

import numpy as np

# An array of NumPy or of JAX.
Array = Any

_EPSILON = 1e-9


def kld(pred_map: Array, gt_map: Array, weight: Array) -> Array:
    """Returns the Kullback-Leibler divergence of the prediction from the truth.

    Args:
        pred_map: Predicted map, non-negative, `f32[h w]`.
        gt_map: Ground-truth map, non-negative, `f32[h w]`.
        weight: 1 where pixels count, else 0, `f32[h w]`.

    Returns:
        The divergence, `f32[]`.
    """
    return _divergence(
        _as_distribution(pred_map, weight), _as_distribution(gt_map, weight)
    )


def sim(pred_map: Array, gt_map: Array, weight: Array) -> Array:
    """Returns the overlap of the two maps as distributions, in [0, 1], `f32[]`.

    Arguments as in `kld`.
    """
    return _overlap(
        _as_distribution(pred_map, weight), _as_distribution(gt_map, weight)
    )


def cc(pred_map: Array, gt_map: Array, weight: Array) -> Array:
    """Returns the correlation of the two maps over the pixels that count, `f32[]`.

    It is 0 if a map is constant. Arguments as in `kld`.
    """
    xp = pred_map.__array_namespace__()
    count = xp.maximum(weight.sum(), 1)
    pred = (pred_map - (pred_map * weight).sum() / count) * weight
    truth = (gt_map - (gt_map * weight).sum() / count) * weight
    norm = xp.sqrt((pred**2).sum() * (truth**2).sum())
    return (pred * truth).sum() / xp.maximum(norm, 1e-20)


def compare(pred: np.ndarray, gt_map: np.ndarray) -> dict[str, float]:
    """Returns KLD, SIM and CC of a map on the host, in float64.

    The map of clicks is zero almost everywhere. Such pixels change none of the three
    but the means in CC, so only the other pixels are read.

    Args:
        pred: Predicted map; sums to one, `f64[h w]`.
        gt_map: Map of clicks, non-negative, with a sum above zero, `f32[h w]`.

    Returns:
        The values by name: `kld`, `sim`, `cc`.
    """
    places = np.flatnonzero(gt_map)
    truth = gt_map.ravel()[places].astype(np.float64)
    truth /= truth.sum()
    there = pred.ravel()[places]
    # Both maps sum to one, so this is the mean of each.
    mean = 1 / gt_map.size
    elsewhere = (gt_map.size - truth.size) * mean**2
    deviation = np.sqrt((((truth - mean) ** 2).sum() + elsewhere) * mean)
    spread = deviation * pred.std()
    covariance = (there * truth).sum() * mean - mean**2
    constant = spread <= 1e-12 * mean**2
    return {
        "kld": float(_divergence(there, truth)),
        "sim": float(_overlap(there, truth)),
        "cc": 0.0 if constant else float(covariance / spread),
    }


def _as_distribution(values: Array, weight: Array) -> Array:
    values = values * weight
    return values / (values.sum() + _EPSILON)


def _divergence(pred: Array, truth: Array) -> Array:
    xp = pred.__array_namespace__()
    return (truth * xp.log(_EPSILON + truth / (_EPSILON + pred))).sum()


def _overlap(pred: Array, truth: Array) -> Array:
    return pred.__array_namespace__().minimum(pred, truth).sum()
