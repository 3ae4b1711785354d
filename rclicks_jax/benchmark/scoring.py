"""Areas of masks and of their boundary bands, for IoU with one target."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.ops import masks, morphology, packed_masks
from rclicks_jax.types import InstanceExample


class _Counted(NamedTuple):
    """A mask of which the pixels that count are kept, and their number.

    Attributes:
        mask: `bool[h w]`.
        area: Number of its pixels.
    """

    mask: np.ndarray
    area: int


@dataclasses.dataclass(frozen=True)
class Target:
    """An object to segment, with what is the same for every mask that is scored.

    Attributes:
        gt_mask: The object, `bool[h w]`.
        counted: Pixels of it that count.
        counted_band: Pixels of its boundary band that count.
        band_width: Width of boundary bands, pixels.
        counted_mask: Pixels that count, `bool[h w]`; None for all.
    """

    gt_mask: np.ndarray
    counted: _Counted
    counted_band: _Counted
    band_width: int
    counted_mask: np.ndarray | None


def target_of(instance: InstanceExample) -> Target:
    """Prepares an object and its boundary band."""
    width = morphology.band_width(instance.gt_mask.shape)
    counted = None if instance.ignore_mask is None else ~instance.ignore_mask

    def of(mask: np.ndarray) -> _Counted:
        kept = mask if counted is None else mask & counted
        return _Counted(kept, int(np.count_nonzero(kept)))

    return Target(
        gt_mask=instance.gt_mask,
        counted=of(instance.gt_mask),
        counted_band=of(morphology.boundary_band(instance.gt_mask, width)),
        band_width=width,
        counted_mask=counted,
    )


def areas(
    target: Target, pred_masks: Sequence[np.ndarray], *, on_device: bool
) -> np.ndarray:
    """Counts pixels in both the target and each mask, and in either.

    Args:
        target: The object.
        pred_masks: `bool[h w]` each.
        on_device: Whether an accelerator counts; the integers are the same.

    Returns:
        Intersection and union of masks, then of boundary bands, `i64[t 4]`.
    """
    if on_device:
        return packed_masks.count(
            pred_masks, target.gt_mask, target.counted_mask, target.band_width
        )
    rows = [_areas_on_host(target, mask) for mask in pred_masks]
    return np.array(rows, np.int64).reshape(-1, 4)


def _areas_on_host(target: Target, mask: np.ndarray) -> tuple[int, int, int, int]:
    """Counts in the box of a mask, as nothing of it is outside."""
    y0, y1, x0, x1 = masks.bounding_box(mask) or (0, 0, 0, 0)
    box = np.s_[y0:y1, x0:x1]

    def of(prediction: np.ndarray, truth: _Counted) -> tuple[int, int]:
        both = int(np.count_nonzero(prediction & truth.mask[box]))
        if target.counted_mask is not None:
            prediction = prediction & target.counted_mask[box]
        return both, truth.area + int(np.count_nonzero(prediction)) - both

    inside = mask[box]
    band = morphology.boundary_band(inside, target.band_width)
    return *of(inside, target.counted), *of(band, target.counted_band)
