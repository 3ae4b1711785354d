"""Clicks in a fixed number of slots, so that few shapes are compiled."""

import numpy as np

from rclicks_jax.types import Clicks

# Clicks of a pass: those of the protocol, and what makes a multiple of eight of them
# and of the decoder's own tokens in SAM.
_FEWEST, _STEP = 26, 8


def slots(most: int) -> int:
    """Returns how many slots there are for so many clicks: 26, 34, 42, ..."""
    return max(_FEWEST, -(-(most - 2) // _STEP) * _STEP + 2)


def filled_up(clicks: Clicks) -> Clicks:
    """Returns clicks with more slots, or with fewer that are not used.

    Args:
        clicks: All clicks so far of some trajectories.
    """
    count = len(clicks.count)
    wide = slots(int(clicks.count.max(initial=1)))
    given = min(wide, clicks.yx.shape[1])
    yx = np.zeros((count, wide, 2), np.int32)
    positive = np.ones((count, wide), bool)
    yx[:, :given] = clicks.yx[:, :given]
    positive[:, :given] = clicks.positive[:, :given]
    return Clicks(yx, positive, clicks.count.astype(np.int32))
