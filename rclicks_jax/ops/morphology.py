"""Boundary bands of masks.

Source: bowenc0221/boundary-iou-api, as used by emb-ai/rclicks,
isegm/isegm/inference/utils.py, `get_boundary_iou`.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from rclicks_jax.ops import masks


def band_width(shape: Sequence[int], ratio: float = 0.02) -> int:
    """Returns the width of the boundary band: a share of the diagonal, at least 1.

    Args:
        shape: Height and width come first.
        ratio: The share.
    """
    return max(1, round(ratio * math.hypot(shape[0], shape[1])))


def boundary_band(mask: np.ndarray, width: int) -> np.ndarray:
    """Returns the pixels of `mask` within `width` (chessboard) of its outside.

    What lies outside the image counts as outside the mask.

    Args:
        mask: `bool[h w]`.
        width: Width of the band, pixels.

    Returns:
        `bool[h w]`.
    """
    band = np.zeros_like(mask)
    box = masks.bounding_box(mask)
    if box is None:
        return band
    y0, y1, x0, x1 = box
    inside = masks.padded(mask[y0:y1, x0:x1])
    square = np.ones((3, 3), np.uint8)
    core = cv2.erode(inside, square, iterations=width)[1:-1, 1:-1]
    band[y0:y1, x0:x1] = mask[y0:y1, x0:x1] & (core == 0)
    return band
