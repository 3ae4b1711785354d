"""Error regions of a prediction: missed target, and wrong foreground."""

from typing import NamedTuple

import numpy as np


class Errors(NamedTuple):
    """The two kinds of wrong pixels, none of them ignored.

    Attributes:
        fn_mask: Target that is missed, `bool[h w]`.
        fp_mask: Foreground that is not target, `bool[h w]`.
    """

    fn_mask: np.ndarray
    fp_mask: np.ndarray


def find(
    gt_mask: np.ndarray, pred_mask: np.ndarray, ignore_mask: np.ndarray | None
) -> Errors:
    """Returns the wrong pixels of a prediction.

    Args:
        gt_mask: The target, `bool[h w]`.
        pred_mask: The prediction, `bool[h w]`.
        ignore_mask: Pixels that do not count, `bool[h w]`; None if all count.
    """
    # Of truth values, more is one and not the other.
    missed, false = np.greater(gt_mask, pred_mask), np.greater(pred_mask, gt_mask)
    if ignore_mask is not None:
        missed, false = (np.greater(each, ignore_mask) for each in (missed, false))
    return Errors(missed, false)
