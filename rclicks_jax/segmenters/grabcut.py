"""OpenCV's GrabCut from clicks, on a photograph shrunk to a few hundred pixels.

Clicks become disks of sure foreground and background. GrabCut decides all other pixels
by their colours. Before the first negative click, the border of the photograph counts
as background.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rclicks_jax.settings import dicts
from rclicks_jax.types import Clicks


@dataclasses.dataclass(frozen=True)
class GrabCut:
    """Settings of GrabCut.

    Attributes:
        longest_side: Longest side of the shrunken photograph, pixels.
        iterations: Number of iterations at each click: model the colours, then cut.
        radius: Radius of a click's disk, as a share of the longest side.
    """

    longest_side: int = 256
    iterations: int = 2
    radius: float = 0.02


class Features(NamedTuple):
    """The shrunken photograph, `u8[h w 3]`, and its original height and width."""

    small: np.ndarray
    shape: tuple[int, int]


def load(options: Mapping[str, str]) -> GrabCut:
    """Reads the settings from `grabcut:key=value:...`."""
    return dicts.from_config_dict(GrabCut, options)


def encode(model: GrabCut, image: np.ndarray) -> Features:
    """Shrinks a photograph, `u8[h w 3]`."""
    # Imported here because lists of segmenters do not need OpenCV.
    import cv2

    scale = min(1.0, model.longest_side / max(image.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return Features(small, image.shape[:2])


def predict(
    model: GrabCut, features: Features, clicks: Clicks, state: None
) -> tuple[np.ndarray, None]:
    """Runs GrabCut for each trajectory on its own; returns masks, `bool[t h w]`."""
    del state
    rows = zip(clicks.yx, clicks.positive, clicks.count, strict=True)
    masks = [_cut(model, features, yx[:n], positive[:n]) for yx, positive, n in rows]
    return np.stack(masks), None


def _cut(
    model: GrabCut, features: Features, yx: np.ndarray, positive: np.ndarray
) -> np.ndarray:
    import cv2

    height, width = features.small.shape[:2]
    labels = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    if positive.all():
        labels[[0, -1]], labels[:, [0, -1]] = cv2.GC_BGD, cv2.GC_BGD
    scale = np.array([height, width]) / np.array(features.shape)
    small_yx = np.floor((yx + 0.5) * scale).astype(int)
    radius = max(1, round(model.radius * max(height, width)))
    for (y, x), is_object in zip(small_yx.tolist(), positive, strict=True):
        if is_object:
            probable = labels == cv2.GC_PR_BGD
            around = np.zeros_like(labels)
            cv2.circle(around, (x, y), 5 * radius, 1, -1)
            labels[probable & (around > 0)] = cv2.GC_PR_FGD
    for (y, x), is_object in zip(small_yx.tolist(), positive, strict=True):
        label = cv2.GC_FGD if is_object else cv2.GC_BGD
        cv2.circle(labels, (x, y), radius, int(label), -1)
    if positive.any():
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        bgr = features.small[..., ::-1].copy()
        mode = cv2.GC_INIT_WITH_MASK
        # The rectangle is not used in this mode.
        cv2.grabCut(bgr, labels, (0, 0, 1, 1), *models, model.iterations, mode)
    inside = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    shape = features.shape[::-1]
    return cv2.resize(inside, shape, interpolation=cv2.INTER_NEAREST) > 0
