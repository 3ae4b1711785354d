"""Boxes that FocalClick refines.

A box is `(top, bottom, left, right)` in pixels, bottom and right not included.

Source: XavierCHEN34/ClickSEG, isegm/utils/crop_local.py, `get_focus_cropv1`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rclicks_jax.bridge.adapters import checkouts

Box = tuple[int, int, int, int]
# Factor by which the height and width of a box grow.
_EXPANSION = 1.4
# A mask with fewer pixels counts as empty; its box is the whole map.
_FEWEST = 10
# If the changed part is this many times smaller than the object, the box is a square
# around the click instead. Half of its side is this share of the object's longer side.
_SMALL = 3
_SHARE = 0.2


def focus_of(new: np.ndarray, old: np.ndarray, yx: np.ndarray, frame: Box) -> Box:
    """Returns the box around the pixels that a click has changed; it can be empty.

    Args:
        new: The coarse answer, `bool[h w]`.
        old: The answer to the click before, `bool[h w]`.
        yx: The newest click, `[2]`.
        frame: The box that the coarse pass saw.
    """
    box: tuple[float, ...] = _around(new)
    if old.any():
        changed = _around(_changed_at(new != old, yx))
        height, width = box[1] - box[0], box[3] - box[2]
        small_height = changed[1] - changed[0] < height / _SMALL
        if small_height or changed[3] - changed[2] < width / _SMALL:
            y, x = yx
            reach = _SHARE * max(height, width)
            box = (y - reach, y + reach, x - reach, x + reach)
        else:
            box = changed
    ends = []
    for axis in (0, 1):
        first, last = box[2 * axis : 2 * axis + 2]
        centre, length = 0.5 * (first + last), _EXPANSION * (last - first + 1)
        low = max(0, int(centre - 0.5 * length))
        high = min(new.shape[axis], int(centre + 0.5 * length))
        ends += [max(low, frame[2 * axis]), min(high, frame[2 * axis + 1])]
    return (ends[0], ends[1], ends[2], ends[3])


def within(box: Box, frame: Box, size: tuple[int, int]) -> tuple[float, ...]:
    """Returns a box in pixels of a frame that was resized to `size`."""
    ends: list[float] = []
    for axis in (0, 1):
        first, last = frame[2 * axis : 2 * axis + 2]
        scale = size[axis] / (last - first)
        low, high = ((end - first) * scale for end in box[2 * axis : 2 * axis + 2])
        ends += [max(low, 0), min(high, size[axis])]
    return tuple(ends)


def _changed_at(changed: np.ndarray, yx: Any) -> np.ndarray:
    """Returns the changed region at a click; all unchanged pixels if it has none."""
    label = checkouts.find("cv2:connectedComponents")
    labels = label(changed.astype(np.uint8))[1]
    return labels == labels[int(yx[0]), int(yx[1])]


def _around(mask: np.ndarray) -> Box:
    """Returns the box of a mask, all sides included; the whole map for a tiny mask."""
    if mask.sum() < _FEWEST:
        return (0, mask.shape[0], 0, mask.shape[1])
    y, x = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (int(y[0]), int(y[-1]), int(x[0]), int(x[-1]))
