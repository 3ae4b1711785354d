"""Random changes of training examples: mirrored, recoloured, zoomed."""

import cv2
import numpy as np

from rclicks_jax.types import PackedBatch

# Zooming must leave at least this share of the clicks in the square.
_LEAST_MASS = 0.7


def mirror(example: PackedBatch) -> PackedBatch:
    """Mirrors an example left to right."""
    size = example.image.shape[1]
    y0, y1, x0, x1 = example.box
    return example._replace(
        image=np.ascontiguousarray(example.image[:, ::-1]),
        masks=np.ascontiguousarray(example.masks[:, ::-1]),
        click_map=np.ascontiguousarray(example.click_map[:, ::-1]),
        box=np.array([y0, y1, size - x1, size - x0], np.int32),
    )


def recolour(
    example: PackedBatch, strength: float, generator: np.random.Generator
) -> PackedBatch:
    """Changes contrast, brightness and tint.

    Args:
        example: The example, without a batch axis.
        strength: Contrast changes by up to this share, each colour by half of it, and
            brightness by up to this share of 64 levels.
        generator: Generator of the random amounts.
    """
    contrast, *tint = 1 + strength * generator.uniform(-1, 1, 4) * [1, 0.5, 0.5, 0.5]
    brightness = 64 * strength * generator.uniform(-1, 1)
    levels = (np.arange(256) - 128) * contrast + 128 + brightness
    table = np.clip(np.rint(np.outer(levels, tint)), 0, 255).astype(np.uint8)
    return example._replace(image=cv2.LUT(example.image, table[:, None, :]))


def zoom(
    example: PackedBatch, strength: float, generator: np.random.Generator
) -> PackedBatch:
    """Scales and shifts an example within its square.

    Args:
        example: The example, without a batch axis.
        strength: The scale is drawn between `exp(-strength)` and `exp(strength)`, the
            shift up to half of this share of the side.
        generator: Generator of the random amounts.

    Returns:
        The changed example, or the same if too many clicks would leave the square.
    """
    size = example.image.shape[0]
    scale = np.exp(strength * generator.uniform(-1, 1))
    shift = 0.5 * strength * size * generator.uniform(-1, 1, 2)
    offset = (1 - scale) * (size - 1) / 2 + shift
    matrix = np.array([[scale, 0, offset[1]], [0, scale, offset[0]]])

    def warp(array: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(array, matrix, (size, size), flags=cv2.INTER_LINEAR)

    before = example.click_map.astype(np.float32)
    click_map = warp(before)
    if click_map.sum() < _LEAST_MASS * scale**2 * before.sum():
        return example
    # Pixels are squares: their outer sides are half a pixel beyond their centres.
    sides = (example.box - 0.5) * scale + np.repeat(offset, 2) + 0.5
    return example._replace(
        image=warp(example.image),
        masks=warp(example.masks),
        click_map=click_map.astype(np.float16),
        box=np.clip(np.rint(sides), 0, size).astype(np.int32),
    )
