"""Photographs in the square that SAM sees, and its logits back on the photograph.

The longer side is resized to the square's side, the photograph is normalised, and the
rest of the square is 0. Resizing is PyTorch's, as in the original, and is done by
products with matrices, so that photographs of about the same size share a program.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam_model.py.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks.prompted import prompts, resizing
from rclicks_jax.networks.prompted.resizing import Matrices
from rclicks_jax.ops import buckets, torch_resize


class Frame(NamedTuple):
    """Where a photograph lies in the square.

    Attributes:
        size: Height and width of the photograph.
        fitted: Height and width of the photograph in the square, from the top left.
        side: Side of the square, pixels.
    """

    size: tuple[int, int]
    fitted: tuple[int, int]
    side: int

    def to_square(self, yx: np.ndarray) -> np.ndarray:
        """Converts pixels of the photograph to pixels of the square, `f32[... 2]`."""
        scale = np.array(self.fitted) / np.array(self.size)
        return (yx.astype(np.float64) * scale).astype(np.float32)


def frame_of(shape: Sequence[int], side: int) -> Frame:
    """Returns where a photograph, whose height and width come first, lies."""
    height, width = shape[:2]
    scale = side * 1.0 / max(height, width)
    # A photograph that is very long keeps a pixel of its other side.
    fitted = (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5)))
    return Frame((height, width), fitted, side)


@functools.lru_cache(maxsize=8)
def into_square(frame: Frame) -> Matrices:
    """Returns what brings a photograph, filled up to its bucket, into the square."""
    matrices: list[np.ndarray] = []
    filled = buckets.static_shape(frame.size)
    for size, fitted, bucket in zip(frame.size, frame.fitted, filled, strict=True):
        matrix = np.zeros((frame.side, bucket), np.float32)
        matrix[:fitted, :size] = torch_resize.antialiased(size, fitted)
        matrices.append(matrix)
    return Matrices(*matrices)


@functools.lru_cache(maxsize=8)
def onto_photograph(frame: Frame) -> Matrices:
    """Returns what brings logits of low resolution onto a photograph's bucket.

    The original resizes them to the square, cuts off the padding, and resizes the rest.
    """
    # 1024 pixels of the square are 256 logits of low resolution.
    low = frame.side // prompts.FINER
    whole = torch_resize.bilinear(low, frame.side)
    matrices: list[np.ndarray] = []
    filled = buckets.static_shape(frame.size)
    for size, fitted, bucket in zip(frame.size, frame.fitted, filled, strict=True):
        lower, upper, share = torch_resize.bilinear_taps(fitted, size)
        matrix = np.zeros((bucket, low), np.float32)
        matrix[:size] = (1 - share)[:, None] * whole[lower]
        matrix[:size] += share[:, None] * whole[upper]
        matrices.append(matrix)
    return Matrices(*matrices)


def to_square(image: jax.Array, matrices: Matrices) -> jax.Array:
    """Returns what the encoder sees, `f32[s s 3]`.

    Args:
        image: A photograph that was filled up, `u8[h w 3]`.
        matrices: Of `into_square`.
    """
    rows, columns = (jnp.asarray(each) for each in matrices)
    within = (rows.sum(1) > 0)[:, None] & (columns.sum(1) > 0)[None, :]
    return jnp.where(within[..., None], resizing.normalised(image, matrices), 0)
