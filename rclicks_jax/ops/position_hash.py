"""Random words of pixels: a hash of a key and of a position, in 32-bit integers.

A word depends on its key and its position alone, not on the size of the array or on
what else is hashed. All functions take NumPy or JAX arrays and give the same words for
both, without 64-bit integers.

Source: the mixing function is `lowbias32` of Chris Wellons, "Prospecting for hash
functions", 2018, nullprogram.com/blog/2018/07/31; it is in the public domain. It is a
bijection, and a flipped input bit flips each output bit with a probability within 0.2 %
of one half.
"""

from types import ModuleType
from typing import TypeVar

import jax
import numpy as np

_FIRST, _SECOND = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_SCALE = np.float32(2.0**-32)
# The largest float32 below 1, so that no exponential is infinite.
_BELOW_1 = np.float32(1 - 2.0**-24)
# Arrays of the host or of a device.
Words = TypeVar("Words", np.ndarray, jax.Array)


def mix(words: Words) -> Words:
    """Mixes the bits of each word, `u32[...]`, by a bijection."""
    words = words ^ (words >> np.uint32(16))
    words = words * _FIRST
    words = words ^ (words >> np.uint32(15))
    words = words * _SECOND
    return words ^ (words >> np.uint32(16))


def line_words(key: Words, places: Words) -> Words:
    """Returns the word of each row or column.

    Args:
        key: The half of the key for rows or for columns, `u32`.
        places: Numbers of rows or of columns, `u32[...]`.
    """
    return mix(places ^ key)


def pixel_words(rows: Words, columns: Words) -> Words:
    """Returns the first word of pixels, `u32`.

    Args:
        rows: Words of their rows, from `line_words`.
        columns: Words of their columns, of a shape that broadcasts.
    """
    return mix(rows + columns)


def exponentials(words: Words, rows: Words, xp: ModuleType) -> Words:
    """Returns an exponential random number, of mean 1, for each pixel.

    A second word is appended to the first one: the least of millions of numbers would
    otherwise be a small integer over 2^32. Pixels of the same first word lie in
    different rows, so their second words differ.

    Args:
        words: First words of the pixels, `u32[...]`.
        rows: Words of their rows, `u32[...]`.
        xp: `numpy` or `jax.numpy`.

    Returns:
        `f32[...]`, ascending with the first word. The logarithm may differ in its last
        bits between platforms.
    """
    second = mix(words + rows).astype(xp.float32) * _SCALE
    uniform = (words.astype(xp.float32) + second) * _SCALE
    return -xp.log1p(-xp.minimum(uniform, _BELOW_1))
