"""Metrics of an interaction: IoU, NoC, NoF, IoU-AuC.

Areas are integers, and thresholds are compared in integers: 10 * intersection >= 9 *
union has no rounding. `ops.packed_masks` counts the same integers on accelerators.

Source: emb-ai/rclicks, isegm/isegm/inference/utils.py and
compute_benchmark_metrics.ipynb.
"""

import numpy as np

from rclicks_jax.ops import bit_masks

THRESHOLDS = (80, 85, 90, 95)


def areas_on_host(
    pred_bits: np.ndarray,
    truth_bits: np.ndarray,
    truth_area: int,
    counted_bits: np.ndarray | None,
) -> np.ndarray:
    """Counts the pixels of intersection and union of a target and each prediction.

    All masks are bits (`ops.bit_masks`), whole or cut to a box that has all pixels of
    the predictions.

    Args:
        pred_bits: The predictions, `u64[t h w/64]`.
        truth_bits: Pixels of the target that count, `u64[h w/64]`.
        truth_area: Their number, in the box and outside.
        counted_bits: Pixels that count, `u64[h w/64]`; None for all.

    Returns:
        Intersection and union for each prediction, `i64[t 2]`.
    """
    intersection = bit_masks.count(pred_bits & truth_bits)
    counted = pred_bits if counted_bits is None else pred_bits & counted_bits
    union = truth_area + bit_masks.count(counted) - intersection
    return np.stack([intersection, union], axis=-1)


def iou(intersection: np.ndarray, union: np.ndarray) -> np.ndarray:
    """Returns intersection over union as `f64`; NaN where both masks are empty."""
    intersection, union = np.asarray(intersection), np.asarray(union)
    return np.divide(
        intersection, union, out=np.full(union.shape, np.nan), where=union > 0
    )


def reached(intersection: np.ndarray, union: np.ndarray, percent: int) -> np.ndarray:
    """Tells, without rounding, whether each IoU is at least `percent` / 100."""
    return 100 * np.asarray(intersection) >= percent * np.asarray(union)


def noc(reached_at: np.ndarray, max_clicks: int) -> np.ndarray:
    """Returns NoC: the number of the first click that reaches the threshold.

    Args:
        reached_at: Whether the threshold is reached after each click, `bool[... k]`.
        max_clicks: NoC where no click reaches it.

    Returns:
        The number of clicks, `i64[...]`, in 1..max_clicks.
    """
    first = reached_at.argmax(axis=-1) + 1
    return np.where(reached_at.any(axis=-1), first, max_clicks)


def failed(reached_at: np.ndarray, max_clicks: int, *, last_counts: bool) -> np.ndarray:
    """Tells which objects count as failures; NoF is their number.

    Args:
        reached_at: Whether the threshold is reached after each click, `bool[... k]`.
        max_clicks: Largest number of clicks.
        last_counts: Whether reaching the threshold exactly at the last click is a
            failure, as in the original.

    Returns:
        Whether each object failed, `bool[...]`.
    """
    if last_counts:
        return noc(reached_at, max_clicks) == max_clicks
    return np.asarray(~reached_at.any(axis=-1))


def iou_auc(ious: np.ndarray) -> np.ndarray:
    """Returns the mean height of the curve of IoU over clicks, by trapezoids.

    Args:
        ious: IoU after each click, `f64[... k]`, k >= 2.
    """
    return np.trapezoid(ious, axis=-1) / (ious.shape[-1] - 1)
