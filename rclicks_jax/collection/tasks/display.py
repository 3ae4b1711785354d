"""Pictures of a target in the five display modes, from photograph and region.

The region is the object, or in later rounds the part of it that is missing or the part
that is wrongly taken. Every picture has the photograph's frame.

Source: the article on RClicks, "Dataset"; the poster's picture of the collection.
"""

import math

import numpy as np

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.ops import distance, masks
from rclicks_jax.settings.collection import DisplaySettings

_WHITE = 255
_PICTURES = ", ".join(words.MODES[1:])


def picture(
    mode: words.Mode, image: np.ndarray, region: np.ndarray, settings: DisplaySettings
) -> np.ndarray:
    """Returns what a display mode shows as the target.

    Args:
        mode: A mode with a picture: any but `Text_Description`.
        image: The photograph, RGB, `u8[h w 3]`.
        region: What is to be clicked, `bool[h w]`, not empty.
        settings: Greys, colours and places.

    Returns:
        RGB, `u8[h w 3]`.

    Raises:
        BadValueError: The mode has no picture.
    """
    if mode == "Object_CutOut":
        return cut_out(image, region, settings.grey)
    if mode == "Shifted_CutOut":
        return shifted_cut_out(image, region, settings.grey, settings.corner)
    if mode == "Silhouette_Mask":
        return silhouette(region)
    if mode == "Highlighted_Instance":
        width = math.hypot(*region.shape) * settings.highlight_width
        drawn = frame if settings.highlight == "box" else contour
        line = drawn(region, max(1, round(width)))
        colour = np.array(settings.highlight_colour, np.uint8)
        return np.where(line[..., None], colour, image)
    raise errors.BadValueError("Display mode with a picture", mode, _PICTURES)


def cut_out(image: np.ndarray, region: np.ndarray, grey: int) -> np.ndarray:
    """Shows the region at its place on grey."""
    return np.where(region[..., None], image, np.uint8(grey))


def shifted_cut_out(
    image: np.ndarray, region: np.ndarray, grey: int, corner: str
) -> np.ndarray:
    """Shows the region on grey, its box moved to a corner of the frame.

    Args:
        image: `u8[h w 3]`.
        region: `bool[h w]`, not empty.
        grey: 0 to 255.
        corner: `top_left`, `top_right`, `bottom_left` or `bottom_right`.
    """
    box = masks.bounding_box(region)
    assert box is not None
    y0, y1, x0, x1 = box
    part = cut_out(image[y0:y1, x0:x1], region[y0:y1, x0:x1], grey)
    height, width = region.shape
    top = 0 if corner.startswith("top") else height - (y1 - y0)
    left = 0 if corner.endswith("left") else width - (x1 - x0)
    shown = np.full_like(image, grey)
    shown[top : top + y1 - y0, left : left + x1 - x0] = part
    return shown


def silhouette(region: np.ndarray) -> np.ndarray:
    """Shows the region white on black, `u8[h w 3]`."""
    return np.repeat(region[..., None], 3, axis=2) * np.uint8(_WHITE)


def contour(region: np.ndarray, width: int) -> np.ndarray:
    """Returns the line around a region, `bool[h w]`; it lies outside of the region.

    Where the region is the whole frame, the line is the frame's border.

    Args:
        region: `bool[h w]`, not empty.
        width: Width of the line, pixels.
    """
    if region.all():
        return ~_shrunk(region.shape, width)
    outside = distance.distance_inside(~region, pad_border=False)
    return (outside > 0) & (outside <= width)


def frame(region: np.ndarray, width: int) -> np.ndarray:
    """Returns the box around a region, `bool[h w]`; at the frame's border inside of it.

    Args:
        region: `bool[h w]`, not empty.
        width: Width of the line, pixels.
    """
    box = masks.bounding_box(region)
    assert box is not None
    height, full_width = region.shape
    y0, x0 = max(0, box[0] - width), max(0, box[2] - width)
    y1, x1 = min(height, box[1] + width), min(full_width, box[3] + width)
    line = np.zeros(region.shape, bool)
    line[y0:y1, x0:x1] = ~_shrunk((y1 - y0, x1 - x0), width)
    return line


def _shrunk(shape: tuple[int, ...], width: int) -> np.ndarray:
    """Returns what is farther than `width` from the border of a frame, `bool[h w]`."""
    inner = np.zeros(shape, bool)
    inner[width : shape[0] - width, width : shape[1] - width] = True
    return inner
