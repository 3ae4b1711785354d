"""A synthetic clicker: stands in for people where no real clicks may be shipped.

It is no model of people and no result about people may rest on it. Clicks are drawn
with a density that is high deep inside the region, higher still where the photograph
changes, and blurred so that a few fall just outside; whatever is made of them says
`input_device: synthetic`.
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
        contrast: Of the photograph, `f32[h w]`.
        region: Where a person would be asked to click, `bool[h w]`, not empty.
        count: Number of clicks.
        generator: Of the draws.

    Returns:
        `i32[count 2]`, inside the image.
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

    Depth below the border of the region to the power 1.5, times the local contrast of
    the photograph; a tenth of the mass is uniform.

    Args:
        contrast: Of the photograph, `f32[h w]`.
        region: `bool[h w]`, not empty.

    Returns:
        `f64[h w]`, summing to one.
    """
    depth = distance.distance_inside(region, pad_border=True).astype(np.float64)
    weight = depth**_DEPTH_POWER * (0.3 + contrast)
    inside = region / region.sum()
    return (1 - _UNIFORM_SHARE) * weight / weight.sum() + _UNIFORM_SHARE * inside


def contrast_of(image: np.ndarray) -> np.ndarray:
    """Returns how much `u8[h w 3]` changes around each pixel: `f32[h w]` in [0, 1]."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = 0.02 * float(np.hypot(*grey.shape))
    mean = cv2.GaussianBlur(grey, (0, 0), scale)
    spread = cv2.GaussianBlur((grey - mean) ** 2, (0, 0), scale) ** 0.5
    return spread / max(float(spread.max()), 1e-6)
