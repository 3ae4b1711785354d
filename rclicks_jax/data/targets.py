"""Ground-truth click maps, from which a click model learns.

Source: emb-ai/rclicks, rclicks/rclicks/utils.py, `render_gaze_map`, and
rclicks/rclicks/clickmap.py, `ClickMaps`.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from rclicks_jax.ops import distance, masks

_REFERENCE_DIAGONAL = math.hypot(1920, 1080)
_RADIUS_DIAGONAL = 500 * math.sqrt(2)
# Side in pixels of the tiles in which a mask is softened.
_TILE = 64
# OpenBLAS uses several threads for matrix products with more multiplications.
_ON_ONE_CORE = 1 << 18


def click_radius(shape: Sequence[int]) -> int:
    """Returns the radius of a click in whole pixels: 5 in a 500x500 image.

    Args:
        shape: Height and width of the image.
    """
    return int(5 * math.hypot(shape[0], shape[1]) / _RADIUS_DIAGONAL)


def sigma_pixels(sigma: float, shape: Sequence[int]) -> float:
    """Converts a deviation from pixels of a 1920x1080 image to pixels of an image.

    Args:
        sigma: The deviation in pixels of a 1920x1080 image.
        shape: Height and width of the image.
    """
    return sigma * math.hypot(shape[0], shape[1]) / _REFERENCE_DIAGONAL


def gaze_map(clicks_yx: np.ndarray, shape: Sequence[int], sigma: float) -> np.ndarray:
    """Blurs clicks into a density whose peak is 1.

    Each click adds a Gaussian that is cut at three and a half deviations.

    Args:
        clicks_yx: Clicks inside the image, `i32[n 2]`, n >= 1; repeated clicks add up.
        shape: Height and width of the image.
        sigma: Deviation of the blur, in pixels of a 1920x1080 image.

    Returns:
        The density, `f32[h w]`.
    """
    height, width = shape
    deviation = sigma_pixels(sigma, shape)
    kernel = _kernel(math.ceil(7 * deviation) // 2, deviation)
    reach = len(kernel) // 2
    bump = np.outer(kernel, kernel)
    density = np.zeros((height, width), np.float32)
    for y, x in np.asarray(clicks_yx):
        top, left = max(0, reach - y), max(0, reach - x)
        there = density[max(0, y - reach) : y + reach + 1]
        there = there[:, max(0, x - reach) : x + reach + 1]
        there += bump[top:, left:][: there.shape[0], : there.shape[1]]
    density /= density.max()
    return density


def click_map(
    clicks_yx: np.ndarray, error_mask: np.ndarray, sigma: float
) -> np.ndarray:
    """Makes the ground-truth map: blurred clicks times the softened error mask.

    Args:
        clicks_yx: Clicks inside the image, `i32[n 2]`, n >= 1.
        error_mask: The error mask, soft in [0, 1], `f32[h w]`.
        sigma: Deviation of the blur of clicks, in pixels of a 1920x1080 image.

    Returns:
        The map, `f32[h w]`, not normalised.
    """
    gaze = gaze_map(clicks_yx, error_mask.shape, sigma)
    radius = click_radius(error_mask.shape)
    height, width = error_mask.shape
    # The mask is softened only in tiles with clicks.
    for y in range(0, height, _TILE):
        for x in range(0, width, _TILE):
            tile = gaze[y : y + _TILE, x : x + _TILE]
            if tile.any():
                end_y, end_x = y + tile.shape[0], x + tile.shape[1]
                tile *= soften(error_mask, radius, (y, end_y, x, end_x))
    return gaze


def soften(error_mask: np.ndarray, radius: int, box: masks.Box) -> np.ndarray:
    """Blurs a part of a mask with a Gaussian of a click's radius.

    The Gaussian is cut at four deviations, and the mask is mirrored at its border.

    Args:
        error_mask: The mask, `f32[h w]`.
        radius: Deviation of the blur, pixels; 0 for none.
        box: The part, half-open `(y0, y1, x0, x1)`.

    Returns:
        The blurred part, `f32[y1-y0 x1-x0]`.
    """
    y0, y1, x0, x1 = box
    from_rows, rows = _blur_matrix(y0, y1, error_mask.shape[0], radius)
    from_columns, columns = _blur_matrix(x0, x1, error_mask.shape[1], radius)
    around = error_mask[from_rows, from_columns].astype(np.float32)
    if (around == around[0, 0]).all():
        return np.full((y1 - y0, x1 - x0), around[0, 0])
    return _product(_product(rows, around), columns.T)


def _kernel(reach: int, deviation: float) -> np.ndarray:
    """Returns the weights of a Gaussian blur, `f32[2 * reach + 1]`."""
    places = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (places / deviation) ** 2)
    return (weights / weights.sum()).astype(np.float32)


# Neighbouring tiles share these matrices, and so do images of the same size.
@functools.lru_cache(maxsize=256)
def _blur_matrix(
    start: int, stop: int, length: int, radius: int
) -> tuple[slice, np.ndarray]:
    """Returns the source pixels and the weights of a blur along one axis.

    Args:
        start: First pixel to blur.
        stop: Pixel behind the last one to blur.
        length: Length of the axis; it is mirrored beyond its ends, as often as needed.
        radius: Deviation of the blur, which is cut at four deviations.

    Returns:
        The source pixels, and their weights, `f32[stop-start pixels]`.
    """
    reach = 4 * radius
    rows = np.arange(stop - start)[:, None]
    places = (start + rows + np.arange(-reach, reach + 1)) % (2 * length)
    places = np.minimum(places, 2 * length - 1 - places)
    first, last = int(places.min()), int(places.max())
    matrix = np.zeros((stop - start, last + 1 - first), np.float32)
    np.add.at(matrix, (rows, places - first), _kernel(reach, radius or 1))
    return slice(first, last + 1), matrix


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Multiplies matrices in pieces so small that BLAS uses one core.

    Threads of BLAS wait for each other, for long if other processes use the cores.
    """
    width = max(1, _ON_ONE_CORE // first.size)
    pieces = range(0, second.shape[1], width)
    return np.concatenate([first @ second[:, x : x + width] for x in pieces], axis=1)


def distance_to_region(clicks_yx: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Returns the distance of clicks from a region, in pixels, `f32[n]`; 0 inside.

    Args:
        clicks_yx: The clicks, `i32[n 2]`.
        region: The region, `bool[h w]`, not empty.
    """
    places = tuple(np.asarray(clicks_yx).T)
    if region[places].all():
        # The transform of a large photograph takes longer than all else here.
        return np.zeros(len(clicks_yx), np.float32)
    outside = distance.distance_inside(~region, pad_border=False)
    return outside[places]
