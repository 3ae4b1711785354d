"""Distortions that make wrong previous masks: dilated, shifted, cut, merged.

They give tasks of later rounds if there are no masks of segmenters. A click model needs
them for rounds 2 to 20, where the error mask differs from the target.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from rclicks_jax.ops import distance

# Kind of error that each distortion makes.
KINDS = {"dilated": "fp", "neighbour": "fp", "shifted": "fn", "part_lost": "fn"}
_SMALLEST_ERROR = 16


def distort(
    kind: str,
    gt_mask: np.ndarray,
    others: Sequence[np.ndarray],
    generator: np.random.Generator,
) -> np.ndarray | None:
    """Distorts a mask.

    Args:
        kind: The distortion, a key of `KINDS`.
        gt_mask: The target, `bool[h w]`, not empty.
        others: Masks of the other objects of the photograph, `bool[h w]`.
        generator: Generator of the random amounts.

    Returns:
        The distorted mask, `bool[h w]`; None if the error is too small.
    """
    reach = max(2.0, distance.deepest_pixel(gt_mask, gt_mask)[0] ** 0.5)
    if kind == "dilated":
        prev_mask = _dilated(gt_mask, reach * generator.uniform(0.4, 1.0))
    elif kind == "neighbour":
        prev_mask = _with_neighbour(gt_mask, others, generator)
    elif kind == "shifted":
        prev_mask = _shifted(gt_mask, reach * generator.uniform(0.5, 1.2), generator)
    else:
        prev_mask = _part_lost(gt_mask, generator)
    error = prev_mask & ~gt_mask if KINDS[kind] == "fp" else gt_mask & ~prev_mask
    return prev_mask if np.count_nonzero(error) >= _SMALLEST_ERROR else None


def _dilated(mask: np.ndarray, amount: float) -> np.ndarray:
    return distance.distance_inside(~mask, pad_border=False) <= amount


def _with_neighbour(
    mask: np.ndarray, others: Sequence[np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    """Adds the nearest other object; without any, a blob beside the object."""
    to_mask = distance.distance_inside(~mask, pad_border=False)
    apart = [other for other in others if (other & ~mask).sum() > other.sum() / 2]
    if apart:
        nearest = min(apart, key=lambda other: float(to_mask[other].min()))
        return mask | nearest
    edge = np.argwhere(to_mask == 1)
    if not len(edge):
        return mask
    y, x = edge[generator.integers(len(edge))]
    radius = max(3, round(0.4 * float(np.sqrt(mask.sum()))))
    blob = np.zeros(mask.shape, np.uint8)
    cv2.circle(blob, (int(x), int(y)), radius, 1, -1)
    return mask | (blob > 0)


def _shifted(
    mask: np.ndarray, amount: float, generator: np.random.Generator
) -> np.ndarray:
    angle = generator.uniform(0, 2 * np.pi)
    offset = np.array([[1, 0, amount * np.cos(angle)], [0, 1, amount * np.sin(angle)]])
    height, width = mask.shape
    moved = cv2.warpAffine(
        mask.astype(np.uint8), offset, (width, height), flags=cv2.INTER_NEAREST
    )
    return moved > 0


def _part_lost(mask: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Cuts off a quarter to a half of the object along a straight line."""
    angle = generator.uniform(0, 2 * np.pi)
    ys, xs = np.nonzero(mask)
    along = ys * np.sin(angle) + xs * np.cos(angle)
    limit = np.quantile(along, generator.uniform(0.25, 0.5))
    kept = mask.copy()
    kept[ys[along <= limit], xs[along <= limit]] = False
    return kept
