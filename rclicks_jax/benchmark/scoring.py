"""Areas of masks and of their boundary bands, for IoU with one target."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.ops import morphology, packed_masks
from rclicks_jax.types import InstanceExample


@dataclasses.dataclass(frozen=True)
class Target:
    """An object to segment, with what is the same for every mask that is scored.

    Attributes:
        gt_mask: The object, `bool[h w]`.
        band: Its boundary band, `bool[h w]`.
        band_width: Width of boundary bands, pixels.
        counted_mask: Pixels that count, `bool[h w]`; None for all.
    """

    gt_mask: np.ndarray
    band: np.ndarray
    band_width: int
    counted_mask: np.ndarray | None


def target_of(instance: InstanceExample) -> Target:
    """Prepares the boundary band of an object."""
    width = morphology.band_width(instance.gt_mask.shape)
    return Target(
        gt_mask=instance.gt_mask,
        band=morphology.boundary_band(instance.gt_mask, width),
        band_width=width,
        counted_mask=None if instance.ignore_mask is None else ~instance.ignore_mask,
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
    bands = [morphology.boundary_band(mask, target.band_width) for mask in pred_masks]
    return np.concatenate(
        [
            interaction.areas_on_host(predictions, truth, target.counted_mask)
            for predictions, truth in (
                (pred_masks, target.gt_mask),
                (bands, target.band),
            )
        ],
        axis=1,
    )
