"""Regions in which a click belongs: objects, and errors of masks of later rounds."""

import math
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.ops import images, masks

# A soft mask of 8 bits covers pixels from this value on.
_COVERED = 128


def of_task(
    gt_mask: np.ndarray, prev_mask: np.ndarray | None, click_type: str
) -> np.ndarray:
    """Returns the region in which the clicks of a task belong, `bool[h w]`.

    Args:
        gt_mask: The target, `u8[h w]`, of `raw.OBJECT`, `raw.IGNORE`, `raw.BACKGROUND`.
        prev_mask: The mask before, `u8[h w]`, soft; None for first clicks.
        click_type: `first`, `fn` (missed target) or `fp` (wrong foreground). What is
            ignored is no error.
    """
    target = gt_mask == raw.OBJECT
    if click_type == "first":
        return target
    assert prev_mask is not None
    taken = prev_mask >= _COVERED
    return target & ~taken if click_type == "fn" else (gt_mask == 0) & taken


class Region(NamedTuple):
    """A region in a form in which distances to it are found fast.

    Attributes:
        inside: The region, one bit a pixel, `u8[h ceil(w/8)]`.
        edge_yx: Its pixels with a neighbour outside or at the border, `i32[n 2]`.
        shape: Height and width.
    """

    inside: np.ndarray
    edge_yx: np.ndarray
    shape: tuple[int, int]

    @property
    def bytes(self) -> int:
        """Memory that it needs."""
        return self.inside.nbytes + self.edge_yx.nbytes

    def distance(self, y: int, x: int) -> float:
        """Returns the distance of a pixel from the region, pixels; 0 inside."""
        if self.inside[y, x >> 3] >> (7 - (x & 7)) & 1:
            return 0.0
        offsets = self.edge_yx.astype(np.int64) - (y, x)
        return math.sqrt((offsets**2).sum(axis=1).min())


def prepare(region: np.ndarray) -> Region:
    """Prepares a region `bool[h w]`, not empty."""
    padded = masks.padded(region) > 0
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge = np.argwhere(region & ~inner).astype(np.int32)
    height, width = region.shape
    return Region(np.packbits(region, axis=1), edge, (height, width))


def encode(region: np.ndarray) -> bytes:
    """Encodes a region `bool[h w]` as a PNG."""
    return images.encode_png(region.astype(np.uint8) * 255)


def decode(encoded: bytes, name: str) -> np.ndarray:
    """Decodes a region, `bool[h w]`.

    Args:
        encoded: Content of the file.
        name: Name of the file in errors.

    Raises:
        DataError: It is no region.
    """
    stored = images.decode_mask(encoded, name)
    if stored.ndim != 2 or not stored.any():
        raise errors.DataError(f"{name} is not a region: it was changed.")
    return stored > 0
