"""How the next click is chosen: by the robot, or by a member of a clicking group.

Source: emb-ai/rclicks, isegm/isegm/inference/clicker.py, `Clicker`.
"""

from typing import NamedTuple

import numpy as np

from rclicks_jax.clicks import error_masks
from rclicks_jax.ops import distance

BASELINE, GROUP, USER = "baseline", "group", "user"


class NextClick(NamedTuple):
    """A click, and the region it is meant to mend.

    Attributes:
        y: Row.
        x: Column.
        positive: Whether it says "object here".
        error_mask: The region, `bool[h w]`; empty if nothing is wrong.
        depth: Squared distance of the pixel to what is outside the region.
    """

    y: int
    x: int
    positive: bool
    error_mask: np.ndarray
    depth: int


def baseline_click(errors: error_masks.Errors, not_clicked: np.ndarray) -> NextClick:
    """Clicks the pixel deepest inside the wrong region, missed or falsely taken.

    A tie between the kinds goes to the false foreground; among pixels the first in
    row-major order wins. If nothing is wrong, or every wrong pixel was clicked, the
    click is negative at (0, 0), as in the original.

    Args:
        errors: The wrong pixels.
        not_clicked: Pixels without a click so far, `bool[h w]`.
    """
    missed, missed_yx = distance.deepest_pixel(errors.fn_mask, not_clicked)
    false, false_yx = distance.deepest_pixel(errors.fp_mask, not_clicked)
    if missed > false:
        return NextClick(*missed_yx, True, errors.fn_mask, missed)
    return NextClick(*false_yx, False, errors.fp_mask, false)
