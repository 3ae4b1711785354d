"""Areas of masks and of their boundary bands, for IoU with one target."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.ops import bit_masks, morphology, packed_masks
from rclicks_jax.ops.bit_masks import BitMask
from rclicks_jax.types import InstanceExample

# Bytes of masks that are counted together: they stay in the cache of a core.
_TOGETHER = 1 << 19


class _Truth(NamedTuple):
    """Pixels of a target, or of its boundary band, that count, and their number.

    Attributes:
        bits: The pixels, `u64[h w/64]`.
        area: Their number.
    """

    bits: np.ndarray
    area: int


@dataclasses.dataclass(frozen=True)
class Target:
    """An object to segment, with what is the same for every mask that is scored.

    Attributes:
        gt_mask: The object.
        counted_mask: Pixels that count; None for all.
        band_width: Width of boundary bands, pixels.
        counted: Pixels of the object that count.
        counted_band: Pixels of its boundary band that count.
    """

    gt_mask: BitMask
    counted_mask: BitMask | None
    band_width: int
    counted: _Truth
    counted_band: _Truth


def target_of(instance: InstanceExample) -> Target:
    """Packs an object, and finds its boundary band."""
    ignored = instance.ignore_mask
    gt_mask = bit_masks.pack(instance.gt_mask)
    counted = None if ignored is None else bit_masks.pack(~ignored)

    def of(bits: np.ndarray) -> _Truth:
        kept = bits if counted is None else bits & counted.bits
        return _Truth(kept, int(bit_masks.count(kept)))

    width = morphology.band_width(gt_mask.shape)
    (band,) = morphology.boundary_bands(gt_mask.bits[None], width)
    return Target(gt_mask, counted, width, of(gt_mask.bits), of(band))


def areas(
    target: Target, pred_masks: Sequence[BitMask], *, on_device: bool
) -> np.ndarray:
    """Counts pixels in both the target and each mask, and in either.

    Args:
        target: The object.
        pred_masks: The masks.
        on_device: Whether an accelerator counts; the integers are the same.

    Returns:
        Intersection and union of masks, then of boundary bands, `i64[t 4]`.
    """
    if on_device:
        return packed_masks.count(
            pred_masks, target.gt_mask, target.counted_mask, target.band_width
        )
    step = max(1, _TOGETHER // target.gt_mask.bits.nbytes)
    parts = [
        _areas_on_host(target, [mask.bits for mask in pred_masks[first : first + step]])
        for first in range(0, len(pred_masks), step)
    ]
    return np.concatenate([np.zeros((0, 4), np.int64), *parts])


def _areas_on_host(target: Target, pred_bits: Sequence[np.ndarray]) -> np.ndarray:
    """Counts in the box of some masks, as nothing of them is outside."""
    whole = np.stack(pred_bits)
    box = bit_masks.box(whole)
    masks = whole[:, *box]
    bands = morphology.boundary_bands(masks, target.band_width)
    counted = None if target.counted_mask is None else target.counted_mask.bits[box]
    return np.concatenate(
        [
            interaction.areas_on_host(bits, truth.bits[box], truth.area, counted)
            for bits, truth in ((masks, target.counted), (bands, target.counted_band))
        ],
        axis=1,
    )
