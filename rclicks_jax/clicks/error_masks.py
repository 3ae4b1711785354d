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
    (errors,) = find_all(gt_mask, pred_mask.bits[None], counted_mask)
    return of_bits(errors, gt_mask.shape)


def find_all(
    gt_mask: BitMask, pred_bits: np.ndarray, counted_mask: BitMask | None
) -> np.ndarray:
    """Returns the wrong pixels of several predictions.

    Args:
        gt_mask: The target.
        pred_bits: Bits of the predictions, `u64[t H W/64]`.
        counted_mask: Pixels that count; None for all.

    Returns:
        Bits of missed target, then of wrong foreground, `u64[t 2 H W/64]`.
    """
    count, *sides = pred_bits.shape
    errors = np.empty((count, 2, *sides), pred_bits.dtype)
    missed, false = errors[:, 0], errors[:, 1]
    np.bitwise_xor(gt_mask.bits, pred_bits, out=false)
    if counted_mask is not None:
        false &= counted_mask.bits
    np.bitwise_and(gt_mask.bits, false, out=missed)
    false ^= missed
    return errors


def of_bits(errors: np.ndarray, shape: tuple[int, int]) -> Errors:
    """Returns the errors of one prediction, of what `find_all` returns."""
    return Errors(BitMask(errors[0], shape), BitMask(errors[1], shape))


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
