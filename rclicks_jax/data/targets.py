"""Ground-truth click maps: what a click model learns from clicks.

Source: emb-ai/rclicks, rclicks/rclicks/utils.py, `render_gaze_map`, and
rclicks/rclicks/clickmap.py, `ClickMaps`.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from rclicks_jax.ops import distance

_REFERENCE_DIAGONAL = math.hypot(1920, 1080)
_RADIUS_DIAGONAL = 500 * math.sqrt(2)


def click_radius(shape: Sequence[int]) -> int:
    """Returns the radius of a click in whole pixels: 5 in a 500x500 image.

    Args:
        shape: Height and width of the image.
    """
    return int(5 * math.hypot(shape[0], shape[1]) / _RADIUS_DIAGONAL)


def sigma_pixels(sigma: float, shape: Sequence[int]) -> float:
    """Returns in pixels a deviation given in units of a 1920x1080 image.

    Args:
        sigma: The deviation.
        shape: Height and width of the image.
    """
    return sigma * math.hypot(shape[0], shape[1]) / _REFERENCE_DIAGONAL


def gaze_map(clicks_yx: np.ndarray, shape: Sequence[int], sigma: float) -> np.ndarray:
    """Blurs clicks into a density whose peak is 1.

    Args:
        clicks_yx: Inside the image, `i32[n 2]`, n >= 1; repeated clicks add up.
        shape: Height and width.
        sigma: Deviation of the blur, in units of a 1920x1080 image.

    Returns:
        `f32[h w]`.
    """
    density = np.zeros(tuple(shape), np.float32)
    np.add.at(density, tuple(np.asarray(clicks_yx).T), 1)
    deviation = sigma_pixels(sigma, shape)
    size = math.ceil(7 * deviation) | 1
    blurred = cv2.GaussianBlur(
        density, (size, size), deviation, borderType=cv2.BORDER_CONSTANT
    )
    return blurred / blurred.max()


def click_map(
    clicks_yx: np.ndarray, error_mask: np.ndarray, sigma: float
) -> np.ndarray:
    """Makes the map a click model shall predict: blurred clicks on the softened error.

    Args:
        clicks_yx: `i32[n 2]`, n >= 1.
        error_mask: Soft in [0, 1], `f32[h w]`.
        sigma: In units of a 1920x1080 image.

    Returns:
        `f32[h w]`, not normalised.
    """
    gaze = gaze_map(clicks_yx, error_mask.shape, sigma)
    return soften(error_mask, click_radius(error_mask.shape)) * gaze


def soften(error_mask: np.ndarray, radius: int) -> np.ndarray:
    """Blurs a mask by a click's radius, cut at four deviations, mirrored outside."""
    error_mask = error_mask.astype(np.float32)
    if radius == 0:
        return error_mask
    size = 8 * radius + 1
    # OpenCV cannot mirror an image that is smaller than the kernel.
    if min(error_mask.shape) <= 4 * radius:
        from scipy import ndimage

        return ndimage.gaussian_filter(error_mask, radius)
    return cv2.GaussianBlur(
        error_mask, (size, size), radius, borderType=cv2.BORDER_REFLECT
    )


def distance_to_region(clicks_yx: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Returns how far clicks fall outside a region, in pixels, `f32[n]`; 0 inside.

    Args:
        clicks_yx: `i32[n 2]`.
        region: `bool[h w]`, not empty.
    """
    outside = distance.distance_inside(~region, pad_border=False)
    return outside[tuple(np.asarray(clicks_yx).T)]
