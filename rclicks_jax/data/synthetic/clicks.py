"""Synthetic clicks, for data whose real clicks may not be distributed.

They are not a model of people, and no claim about people may rest on them. Their
density is high deep inside the region, and higher where the photograph changes. They
are jittered, so that some fall just outside. Everything made from them has the input
device `synthetic`.
"""

import cv2
import numpy as np

from rclicks_jax.ops import distance

INPUT_DEVICE = "synthetic"
_DEPTH_POWER = 1.5
_UNIFORM_SHARE = 0.1
_JITTER = 0.004


def draw(
    contrast: np.ndarray, region: np.ndarray, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws clicks on a region.

    Args:
        contrast: Local contrast of the photograph, `f32[h w]`.
        region: The region to click, `bool[h w]`, not empty.
        count: Number of clicks.
        generator: Generator of the random draws.

    Returns:
        The clicks `(y, x)`, `i32[count 2]`, inside the image.
    """
    cumulative = np.cumsum(density(contrast, region))
    points = generator.random(count) * cumulative[-1]
    pixels = np.searchsorted(cumulative, points, side="right")
    pixels = np.minimum(pixels, region.size - 1)
    yx = np.stack(np.unravel_index(pixels, region.shape), axis=1)
    jitter = generator.normal(0, _JITTER * np.hypot(*region.shape), yx.shape)
    limits = np.array(region.shape) - 1
    return np.clip(np.rint(yx + jitter), 0, limits).astype(np.int32)


def density(contrast: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Returns the density of clicks before they are jittered.

    It is the depth inside the region to the power 1.5, times the local contrast of the
    photograph; a tenth of the mass is uniform.

    Args:
        contrast: Local contrast of the photograph, `f32[h w]`.
        region: The region, `bool[h w]`, not empty.

    Returns:
        The density, `f64[h w]`, with a sum of one.
    """
    depth = distance.distance_inside(region, pad_border=True).astype(np.float64)
    weight = depth**_DEPTH_POWER * (0.3 + contrast)
    inside = region / region.sum()
    return (1 - _UNIFORM_SHARE) * weight / weight.sum() + _UNIFORM_SHARE * inside


def contrast_of(image: np.ndarray) -> np.ndarray:
    """Returns the local contrast of an image `u8[h w 3]`, `f32[h w]` in [0, 1]."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = 0.02 * float(np.hypot(*grey.shape))
    mean = cv2.GaussianBlur(grey, (0, 0), scale)
    spread = cv2.GaussianBlur((grey - mean) ** 2, (0, 0), scale) ** 0.5
    return spread / max(float(spread.max()), 1e-6)
