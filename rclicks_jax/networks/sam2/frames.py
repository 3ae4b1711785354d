"""Photographs in the square that SAM 2 sees, and its logits back on the photograph.

A photograph is stretched to the square. Its logits are resized from low resolution
directly to its own size. Resizing is PyTorch's, as in the original.

Source: facebookresearch/sam2, sam2/utils/transforms.py.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.networks.prompted import prompts
from rclicks_jax.networks.prompted.resizing import Matrices
from rclicks_jax.networks.sam2.sizes import EMBEDDING_STRIDE
from rclicks_jax.ops import buckets, torch_resize


class Frame(NamedTuple):
    """A photograph and the square.

    Attributes:
        size: Height and width of the photograph.
        side: Side of the square, pixels.
    """

    size: tuple[int, int]
    side: int

    def to_square(self, yx: np.ndarray) -> np.ndarray:
        """Converts pixels of the photograph to pixels of the square, `f32[... 2]`."""
        shares = yx.astype(np.float32) / np.array(self.size, np.float32)
        return shares * np.float32(self.side)


def frame_of(shape: Sequence[int], side: int) -> Frame:
    """Returns the frame of a photograph, whose height and width come first."""
    height, width = shape[:2]
    return Frame((height, width), side)


@functools.lru_cache(maxsize=8)
def into_square(frame: Frame) -> Matrices:
    """Returns what brings a photograph, filled up to its bucket, into the square."""
    matrices: list[np.ndarray] = []
    for size, bucket in zip(frame.size, buckets.static_shape(frame.size), strict=True):
        matrix = np.zeros((frame.side, bucket), np.float32)
        matrix[:, :size] = torch_resize.antialiased(size, frame.side)
        matrices.append(matrix)
    return Matrices(*matrices)


@functools.lru_cache(maxsize=8)
def onto_photograph(frame: Frame) -> Matrices:
    """Returns what brings logits of low resolution onto a photograph's bucket."""
    low = frame.side // EMBEDDING_STRIDE * prompts.FINER
    matrices: list[np.ndarray] = []
    for size, bucket in zip(frame.size, buckets.static_shape(frame.size), strict=True):
        matrix = np.zeros((bucket, low), np.float32)
        matrix[:size] = torch_resize.bilinear(low, size)
        matrices.append(matrix)
    return Matrices(*matrices)
