"""Photographs stretched into the square that SegNext sees, and its answers put back.

Resizing is PyTorch's, without smoothing: a pixel of the square lies between four pixels
of the photograph, whatever the photograph's size. So the host takes these four of a
photograph, and encoding has one shape. The last answer is a prompt as well: of the
probabilities of a photograph only those four are made of logits again, so a state needs
no more than logits of low resolution.

Source: uncbiag/SegNext, segnext/isegm/model/is_plainvit_model.py.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks.prompted import resizing
from rclicks_jax.networks.prompted.resizing import Matrices
from rclicks_jax.ops import buckets, torch_resize


class Frame(NamedTuple):
    """How a photograph lies in the square.

    Attributes:
        size: Height and width of the photograph.
        side: Side of the square, pixels.
        low: Side of logits of low resolution.
    """

    size: tuple[int, int]
    side: int
    low: int

    def to_square(self, yx: np.ndarray) -> np.ndarray:
        """Converts pixels of the photograph to pixels of the square, `f32[... 2]`.

        They are rounded as in the original, which computes in float32.
        """
        scale = (self.side / np.array(self.size)).astype(np.float32)
        return np.floor(yx.astype(np.float32) * scale + np.float32(0.5))


class Around(NamedTuple):
    """The four pixels of a photograph around each pixel of the square.

    Attributes:
        pixels: `u8[2 s 2 s 3]`; of both axes first those before, then those after.
        shares: Shares of those after, `f32[s]`, of rows and of columns.
    """

    pixels: np.ndarray
    shares: tuple[np.ndarray, np.ndarray]


class Kept(NamedTuple):
    """What brings logits of low resolution onto a photograph, and back as a prompt.

    Attributes:
        onto: Onto the photograph's bucket, 0 beyond the photograph.
        around: Onto the pixels of the photograph around those of the square: rows and
            columns, `f32[2 s r]`, first those before, then those after.
        shares: Shares of those after, as above.
    """

    onto: Matrices
    around: Matrices
    shares: tuple[np.ndarray, np.ndarray]


def around(image: np.ndarray, frame: Frame) -> Around:
    """Returns what the square looks at of a photograph, `u8[h w 3]`."""
    rows, columns = (
        torch_resize.bilinear_taps(size, frame.side) for size in frame.size
    )
    tall = image[np.stack(rows[:2])]
    return Around(tall[:, :, np.stack(columns[:2])], (rows[2], columns[2]))


def stretched(seen: Around) -> jax.Array:
    """Returns the square, normalised, `f32[s s 3]`."""
    pixels = jnp.moveaxis(jnp.asarray(seen.pixels).astype(jnp.float32), -1, 0)
    return resizing.standardised(jnp.moveaxis(_between(pixels, seen.shares), 0, -1))


@functools.lru_cache(maxsize=8)
def onto_photograph(frame: Frame) -> Kept:
    """Returns what brings logits of low resolution onto a photograph, and back.

    The original resizes them to the square, with aligned corners, and the square to the
    photograph.
    """
    whole = torch_resize.aligned(frame.low, frame.side)
    onto: list[np.ndarray] = []
    around: list[np.ndarray] = []
    shares: list[np.ndarray] = []
    for size, bucket in zip(frame.size, buckets.static_shape(frame.size), strict=True):
        lower, upper, share = torch_resize.bilinear_taps(frame.side, size)
        native = (1 - share)[:, None] * whole[lower] + share[:, None] * whole[upper]
        filled = np.zeros((bucket, frame.low), np.float32)
        filled[:size] = native
        onto.append(filled)
        lower, upper, share = torch_resize.bilinear_taps(size, frame.side)
        around.append(native[np.stack([lower, upper])])
        shares.append(share)
    rows, columns = shares
    return Kept(Matrices(*onto), Matrices(*around), (rows, columns))


def last_answer(low_res: jax.Array, kept: Kept) -> jax.Array:
    """Returns the last probabilities in the square, `f32[n s s]`.

    Args:
        low_res: Logits of low resolution, `f32[n r r]`.
        kept: Of the photograph.
    """
    rows, columns = (jnp.asarray(each) for each in kept.around)
    wide = jnp.einsum("bxc,nrc->nrbx", columns, low_res, precision="highest")
    logits = jnp.einsum("ayr,nrbx->naybx", rows, wide, precision="highest")
    return _between(jax.nn.sigmoid(logits), kept.shares)


def _between(around: jax.Array, shares: tuple[np.ndarray, np.ndarray]) -> jax.Array:
    """Returns pixels of the square, `f32[n s s]`, of those around, `f32[n 2 s 2 s]`."""
    rows, columns = (jnp.asarray(each) for each in shares)
    down, aside = rows[None, :, None, None], columns[None, None]
    tall = around[:, 0] * (1 - down) + around[:, 1] * down
    return tall[:, :, 0] * (1 - aside) + tall[:, :, 1] * aside
