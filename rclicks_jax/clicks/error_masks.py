"""Error regions of a prediction: missed target, and wrong foreground."""

from typing import NamedTuple

import numpy as np

from rclicks_jax.ops import bit_masks
from rclicks_jax.ops.bit_masks import BitMask


class Errors(NamedTuple):
    """The two kinds of wrong pixels, none of them ignored.

    Attributes:
        fn_mask: Target that is missed.
        fp_mask: Foreground that is not target.
    """

    fn_mask: BitMask
    fp_mask: BitMask


class NextClick(NamedTuple):
    """A click, and the region it is meant to mend.

    Attributes:
        y: Row.
        x: Column.
        positive: Whether it is a foreground click.
        error_mask: The region; empty if nothing is wrong.
    """

    y: int
    x: int
    positive: bool
    error_mask: BitMask


def find(gt_mask: BitMask, pred_mask: BitMask, counted_mask: BitMask | None) -> Errors:
    """Returns the wrong pixels of a prediction.

    Args:
        gt_mask: The target.
        pred_mask: The prediction.
        counted_mask: Pixels that count; None for all.
    """
    wrong = gt_mask.bits ^ pred_mask.bits
    if counted_mask is not None:
        wrong &= counted_mask.bits
    missed = gt_mask.bits & wrong
    return Errors(
        BitMask(missed, gt_mask.shape), BitMask(missed ^ wrong, gt_mask.shape)
    )


def of_arrays(
    gt_mask: np.ndarray, pred_mask: np.ndarray, ignore_mask: np.ndarray | None
) -> Errors:
    """Returns what `find` does, of masks that are not packed.

    Args:
        gt_mask: The target, `bool[h w]`.
        pred_mask: The prediction, `bool[h w]`.
        ignore_mask: Pixels that do not count, `bool[h w]`; None if all count.
    """
    counted = None if ignore_mask is None else bit_masks.pack(~ignore_mask)
    return find(bit_masks.pack(gt_mask), bit_masks.pack(pred_mask), counted)
