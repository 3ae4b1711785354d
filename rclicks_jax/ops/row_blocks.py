"""Rows of images in blocks, one after the other, as TPUs want what is large.

A TPU has some 100 MB of memory beside its units. What does not fit there is written to
the memory of the chip and read again by each operation.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

# Bytes of a block.
_BLOCK = 48 << 20


def rows_of_block(height: int, row: int, halo: int) -> int:
    """Returns how many rows of images to take at a time.

    Args:
        height: Rows of the images; what is returned divides it.
        row: Bytes of the largest array of one row of all images.
        halo: Further rows that a block needs above and below.
    """
    divisors = [rows for rows in range(1, height + 1) if height % rows == 0]
    return max(r for r in divisors if r == 1 or (r + 2 * halo) * row <= _BLOCK)


def map_rows(
    function: Callable[[jax.Array, jax.Array], jax.Array],
    images: jax.Array,
    rows: int,
    halo: int,
) -> jax.Array:
    """Applies a function to blocks of rows, one after the other.

    Args:
        function: Takes a block with its halo, `f32[b rows+2*halo w c]`, and which of
            its rows are in the images, `bool[1 rows+2*halo 1 1]`; others are 0. Returns
            `f32[b rows w d]`.
        images: `f32[b h w c]`.
        rows: Rows of a block; divides h.
        halo: Rows that a block needs above and below.

    Returns:
        `f32[b h w d]`.
    """
    height = images.shape[1]
    # The batch lies beside the channels, where TPUs shift images along both sides
    # without a copy.
    lines = images.transpose(1, 2, 0, 3)
    padded = jnp.pad(lines, ((halo, halo), (0, 0), (0, 0), (0, 0)))

    def block(first: jax.Array) -> jax.Array:
        place = first - halo + jnp.arange(rows + 2 * halo)
        inside = (place >= 0) & (place < height)
        part = lax.dynamic_slice_in_dim(padded, first, rows + 2 * halo)
        result = function(part.transpose(2, 0, 1, 3), inside[None, :, None, None])
        return result.transpose(1, 2, 0, 3)

    blocks = lax.map(block, jnp.arange(0, height, rows))
    return blocks.reshape(height, *blocks.shape[2:]).transpose(2, 0, 1, 3)
