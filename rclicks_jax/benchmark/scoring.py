"""Areas of masks and of their boundary bands, for IoU with one target.

Imports no JAX: processes of a pool count them as well.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks, morphology
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.types import InstanceExample

# Bytes of masks whose bands are made together: they stay in the cache of a core.
_TOGETHER = 1 << 19


@dataclasses.dataclass(frozen=True)
class Target:
    """An object to segment, with what is the same for every mask that is scored.

    Attributes:
        gt_mask: The object.
        counted_mask: Pixels that count; None for all.
        band: Pixels of its boundary band that count.
        band_width: Width of boundary bands, pixels.
        area: Number of pixels of the object that count.
        band_area: Number of pixels of `band`.
    """

    gt_mask: BitMask
    counted_mask: BitMask | None
    band: BitMask
    band_width: int
    area: int
    band_area: int


# Counts, for a target and predictions, `u64[t H W/64]`, of which the number of missed
# and of false pixels is known, `i64[t 2]`: see `areas`.
Counter: TypeAlias = Callable[[Target, np.ndarray, np.ndarray], np.ndarray]


def target_of(instance: InstanceExample) -> Target:
    """Packs an object, and finds its boundary band."""
    ignored = instance.ignore_mask
    gt_mask = bit_masks.pack(instance.gt_mask)
    counted = None if ignored is None else bit_masks.pack(~ignored)

    def counting(bits: np.ndarray) -> np.ndarray:
        return bits if counted is None else bits & counted.bits

    width = morphology.band_width(gt_mask.shape)
    (band,) = morphology.boundary_bands(gt_mask.bits[None], width)
    band = counting(band)
    return Target(
        gt_mask,
        counted,
        BitMask(band, gt_mask.shape),
        width,
        area=int(bit_masks.count(counting(gt_mask.bits))),
        band_area=int(bit_masks.count(band)),
    )


def areas(target: Target, pred_bits: np.ndarray, error_areas: np.ndarray) -> np.ndarray:
    """Counts pixels in both the target and each mask, and in either.

    Args:
        target: The object.
        pred_bits: Bits of the masks, `u64[t H W/64]`.
        error_areas: Number of pixels of each that are missed, and of those that are
            wrong foreground, `i64[t 2]`.

    Returns:
        Intersection and union of masks, then of boundary bands, `i64[t 4]`.
    """
    missed, false = error_areas.T
    step = max(1, _TOGETHER // target.gt_mask.bits.nbytes)
    bands = [
        _band_areas(target, pred_bits[first : first + step])
        for first in range(0, len(pred_bits), step)
    ]
    of_masks = np.stack([target.area - missed, target.area + false], axis=-1)
    return np.concatenate([of_masks, np.concatenate(bands)], axis=1)


def _band_areas(target: Target, pred_bits: np.ndarray) -> np.ndarray:
    """Counts bands in the box of some masks, as nothing of them is outside."""
    box = bit_masks.box(pred_bits)
    bands = morphology.boundary_bands(pred_bits[:, *box], target.band_width)
    counted = None if target.counted_mask is None else target.counted_mask.bits[box]
    band = target.band.bits[box]
    return interaction.areas_on_host(bands, band, target.band_area, counted)
