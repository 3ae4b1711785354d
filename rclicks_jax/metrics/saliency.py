"""Distances between a predicted and a ground-truth map, as saliency people use them.

Source: emb-ai/rclicks, scripts/train_click_model.py, `kld` and `calculate_metrics`.
"""

import jax
import jax.numpy as jnp

_EPSILON = 1e-9


def _as_distribution(values: jax.Array, weight: jax.Array) -> jax.Array:
    values = values * weight
    return values / (values.sum() + _EPSILON)


def kld(pred_map: jax.Array, gt_map: jax.Array, weight: jax.Array) -> jax.Array:
    """Kullback-Leibler divergence of the prediction from the truth.

    Args:
        pred_map: Non-negative, `f32[h w]`.
        gt_map: Non-negative, `f32[h w]`.
        weight: 1 where pixels count, `f32[h w]`.

    Returns:
        `f32[]`.
    """
    pred = _as_distribution(pred_map, weight)
    truth = _as_distribution(gt_map, weight)
    return (truth * jnp.log(_EPSILON + truth / (_EPSILON + pred))).sum()


def sim(pred_map: jax.Array, gt_map: jax.Array, weight: jax.Array) -> jax.Array:
    """Histogram intersection of the two maps as distributions, in [0, 1], `f32[]`."""
    pred = _as_distribution(pred_map, weight)
    truth = _as_distribution(gt_map, weight)
    return jnp.minimum(pred, truth).sum()


def cc(pred_map: jax.Array, gt_map: jax.Array, weight: jax.Array) -> jax.Array:
    """Correlation of the two maps over the pixels that count, `f32[]`.

    0 if a map is constant.
    """
    count = jnp.maximum(weight.sum(), 1)
    pred = (pred_map - (pred_map * weight).sum() / count) * weight
    truth = (gt_map - (gt_map * weight).sum() / count) * weight
    norm = jnp.sqrt((pred**2).sum() * (truth**2).sum())
    return (pred * truth).sum() / jnp.maximum(norm, 1e-20)
