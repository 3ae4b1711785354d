"""Masks as bits in host memory: 64 pixels of a row in a word.

A mask takes an eighth of its memory, and sets of pixels take an operation for 64 of
them. The order of bits is that of `packed_masks`, the form for devices.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# Pixels of a word, and the side of a block, which is a byte wide: sides are padded.
WORD, BLOCK = 64, 8
# Bits of the words of a row begin with the lowest, on processors of either byte order.
_WORDS = np.dtype("<u8")


class BitMask(NamedTuple):
    """A mask of bits; none changes once it is made.

    Attributes:
        bits: Pixel `x` is bit `x % 64` of word `x // 64`; `u64[H W/64]`, where `H` and
            `W` are the sides, rounded up to multiples of 8 and 64 from there on. What
            is added is 0.
        shape: Height and width.
    """

    bits: np.ndarray
    shape: tuple[int, int]

    def any(self) -> bool:
        """Tells whether any pixel is true."""
        return bool(self.bits.any())

    def unpack(self) -> np.ndarray:
        """Returns the pixels, `bool[h w]`."""
        height, width = self.shape
        return _pixels(self.bits[:height], width)

    def cropped(self) -> tuple[np.ndarray, tuple[int, int]]:
        """Returns the box of the true pixels, `bool[y x]`, and where it begins."""
        rows, words = box(self.bits[None])
        pixels = _pixels(self.bits[rows, words])
        columns = np.flatnonzero(pixels.any(axis=0))
        if not columns.size:
            return pixels, (0, 0)
        used = pixels[:, columns[0] : columns[-1] + 1]
        return used, (int(rows.start), int(WORD * words.start + columns[0]))


def _pixels(bits: np.ndarray, width: int | None = None) -> np.ndarray:
    """Returns pixels of bits, `bool[h w]`; of each row the first, or all."""
    rows = bits.view(np.uint8)
    return np.unpackbits(rows, axis=1, count=width, bitorder="little").view(bool)


def pack(mask: np.ndarray) -> BitMask:
    """Returns the bits of `bool[h w]`."""
    return BitMask(pack_all([mask])[0], (mask.shape[0], mask.shape[1]))


def pack_all(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the bits of masks, one or more, `bool[h w]` each, as `u64[t H W/64]`."""
    height, width = masks[0].shape
    rows, columns = _sides(height, width)
    used = -(-width // 8)
    is_whole = (height, used) == (rows, columns)
    bits = (np.empty if is_whole else np.zeros)((len(masks), rows, columns), np.uint8)
    for of_one, mask in zip(bits, masks, strict=True):
        packed = np.packbits(mask, axis=1, bitorder="little")
        of_one[:height, :used] = packed
    return bits.view(_WORDS)


def _sides(height: int, width: int) -> tuple[int, int]:
    """Returns rows, and bytes of a row, of a mask of bits."""
    words = max(1, -(-width // WORD))
    return max(1, -(-height // BLOCK)) * BLOCK, words * (WORD // 8)


def empty(shape: tuple[int, int]) -> BitMask:
    """Returns a mask without a true pixel."""
    return BitMask(np.zeros(_sides(*shape), np.uint8).view(_WORDS), shape)


def count(bits: np.ndarray) -> np.ndarray:
    """Returns the number of true pixels of each mask, `i64[...]`, of `u64[... h w]`."""
    *masks, height, words = bits.shape
    of_words = np.bitwise_count(bits).reshape(*masks, height * words)
    # No mask has as many pixels as this type has numbers, and it is added up sooner.
    return of_words.sum(axis=-1, dtype=np.uint32).astype(np.int64)


def box(bits: np.ndarray) -> tuple[slice, slice]:
    """Returns the rows and the words in which some of the masks have a pixel.

    Args:
        bits: `u64[t h w]`.
    """
    words = np.flatnonzero(np.bitwise_or.reduce(bits, axis=(0, 1)))
    if not words.size:
        return slice(0), slice(0)
    used = slice(words[0], words[-1] + 1)
    rows = np.flatnonzero(np.bitwise_or.reduce(bits[:, :, used], axis=(0, 2)))
    return slice(rows[0], rows[-1] + 1), used


def blocks(
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray], bits: np.ndarray
) -> np.ndarray:
    """Combines the rows of each block of 8x8 pixels, `u8[... h/8 w/8]`.

    Args:
        combine: `np.bitwise_and` or `np.bitwise_or`: the result has the columns of a
            block that are true everywhere, or anywhere.
        bits: Masks, `u64[... h w/64]`.
    """
    *masks, height, words = bits.shape
    # The eight rows of a block one after the other: halves of them are long runs.
    rows = bits.reshape(*masks, height // BLOCK, BLOCK * words)
    for half in (4 * words, 2 * words, words):
        rows = combine(rows[..., :half], rows[..., half:])
    return rows.view(np.uint8)
