"""Letterboxes: an image of any shape in the middle of a square, and back.

Source: emb-ai/rclicks, rclicks/rclicks/utils.py, `padding` and `unpadding`.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True)
class Letterbox:
    """Where an image lies in the square.

    Attributes:
        size: Side of the square.
        height: Native height.
        width: Native width.
        box: Half-open `(y0, y1, x0, x1)` of the image in the square.
    """

    size: int
    height: int
    width: int
    box: tuple[int, int, int, int]


def fit(shape: Sequence[int], size: int) -> Letterbox:
    """Returns the letterbox of an image: longest side to `size`, the other rounded.

    The shorter side is rounded down and is at least one pixel (the original fails
    beyond `size`:1).

    Args:
        shape: Height and width come first.
        size: Side of the square.
    """
    height, width = shape[:2]
    if height > width:
        inner_height, inner_width = size, max(1, width * size // height)
    else:
        inner_height, inner_width = max(1, height * size // width), size
    y0, x0 = (size - inner_height) // 2, (size - inner_width) // 2
    return Letterbox(size, height, width, (y0, y0 + inner_height, x0, x0 + inner_width))


def place(array: np.ndarray, letterbox: Letterbox) -> np.ndarray:
    """Resizes `array` bilinearly into the square and fills the rest with zeros.

    Args:
        array: `f32[h w]` or `f32[h w c]`, c <= 4.
        letterbox: The letterbox of the shape `(h, w)`.

    Returns:
        `f32[size size]` or `f32[size size c]`.
    """
    y0, y1, x0, x1 = letterbox.box
    square = np.zeros((letterbox.size, letterbox.size, *array.shape[2:]), np.float32)
    inner = cv2.resize(array, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    square[y0:y1, x0:x1] = inner.reshape(y1 - y0, x1 - x0, *array.shape[2:])
    return square


def restore(square: np.ndarray, letterbox: Letterbox) -> np.ndarray:
    """Cuts the image out of the square and resizes it bilinearly to its native size.

    Pixel centres are at half, and nothing is smoothed when shrinking, as in
    torchvision 0.16.

    Args:
        square: `f32[size size]`.
        letterbox: The letterbox of the native shape `(h, w)`.

    Returns:
        `f32[h w]`.
    """
    y0, y1, x0, x1 = letterbox.box
    shape = (letterbox.width, letterbox.height)
    return cv2.resize(square[y0:y1, x0:x1], shape, interpolation=cv2.INTER_LINEAR)
