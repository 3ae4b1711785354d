"""Areas that an accelerator counts; the integers are those of `scoring.areas`."""

import numpy as np

from rclicks_jax.benchmark import scoring
from rclicks_jax.ops import packed_masks
from rclicks_jax.ops.bit_masks import BitMask


def counter(*, on_device: bool) -> scoring.Counter:
    """Returns what counts areas: an accelerator, or the host."""
    return _areas if on_device else scoring.areas


def _areas(
    target: scoring.Target, pred_bits: np.ndarray, error_areas: np.ndarray
) -> np.ndarray:
    del error_areas
    gt_mask = target.gt_mask
    pred_masks = [BitMask(bits, gt_mask.shape) for bits in pred_bits]
    return packed_masks.count(
        pred_masks, gt_mask, target.counted_mask, target.band_width
    )
