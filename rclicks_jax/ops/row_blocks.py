"""Rows of images in blocks, one after the other, as TPUs want what is large.

A TPU has some 100 MB of memory beside its units. What does not fit there is written to
the memory of the chip and read again by each operation.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

# Bytes of a block.
_BLOCK = 48 << 20
# Most blocks: each is a part of the program.
_BLOCKS = 16


def rows_of_block(height: int, row: int, halo: int) -> int:
    """Returns how many rows of images to take at a time.

    Args:
        height: Rows of the images; what is returned divides it, into 16 at most.
        row: Bytes of the largest array of one row of all images.
        halo: Further rows that a block needs above and below.
    """
    least = -(-height // _BLOCKS)
    divisors = [rows for rows in range(least, height + 1) if height % rows == 0]
    fitting = [rows for rows in divisors if (rows + 2 * halo) * row <= _BLOCK]
    return max(fitting, default=divisors[0])


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
    # No loop of XLA: each part of the images that it takes or gives would be a copy.
    blocks: list[jax.Array] = []
    for first in range(0, height, rows):
        place = np.arange(first - halo, first + rows + halo)
        inside = jnp.asarray((place >= 0) & (place < height))[None, :, None, None]
        part = padded[first : first + rows + 2 * halo].transpose(2, 0, 1, 3)
        blocks.append(function(part, inside))
    return jnp.concatenate(blocks, axis=1)
