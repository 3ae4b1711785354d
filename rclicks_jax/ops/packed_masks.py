"""Masks for the way to a device, and what a device counts of them.

A mask travels as one bit a pixel, or as float32 if it is soft, padded to a static
shape; what is appended is 0.
"""

from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.ops import bit_masks, buckets
from rclicks_jax.ops.bit_masks import BitMask

# Pixels of a word.
_WORD = 32


def pack(mask: BitMask | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Packs a mask into a static shape.

    Args:
        mask: The mask; an array is `bool[h w]`, or soft, `f32[h w]`.
        shape: Height, and width, a multiple of 8; not less than those of the mask.

    Returns:
        Bits, `u8[height width/8]`, the first pixel in the lowest bit; of a soft mask
        its values, `f32[height width]`.
    """
    if isinstance(mask, BitMask):
        return place(mask, shape)
    if mask.dtype != bool:
        height, width = mask.shape
        values = np.zeros(shape, np.float32)
        values[:height, :width] = mask
        return values
    return place(bit_masks.pack(mask), shape)


def place(mask: BitMask, shape: tuple[int, int]) -> np.ndarray:
    """Copies a mask into the bits of a static shape, as `pack` does."""
    height, width = mask.shape[0], -(-mask.shape[1] // 8)
    bits = np.zeros(_bits(shape), np.uint8)
    bits[:height, :width] = mask.bits.view(np.uint8)[:height, :width]
    return bits


def unpack(bits: jax.Array) -> jax.Array:
    """Returns `bool[... h w]` of bits, `u8[... h w/8]`; a soft mask is as it was."""
    if bits.dtype != jnp.uint8:
        return bits
    return cast(
        jax.Array,
        jax.lax.platform_dependent(
            bits, tpu=unpack_by_products, default=unpack_by_shifts
        ),
    )


def unpack_by_shifts(bits: jax.Array) -> jax.Array:
    """Unpacks as `unpack`: the bits of each byte stand beside each other."""
    shifts = jnp.arange(8, dtype=jnp.uint8)
    pixels = (bits[..., None] >> shifts.reshape((1,) * bits.ndim + (8,))) & 1
    return pixels.reshape(*bits.shape[:-1], bits.shape[-1] * 8).astype(bool)


def unpack_by_products(bits: jax.Array) -> jax.Array:
    """Unpacks as `unpack`: a product copies bytes to their pixels.

    TPUs would move every byte to eight lanes, again and again. Bytes are exact in
    bfloat16, and each pixel has one of them.
    """
    count = bits.shape[-1]
    pixels = jnp.arange(8 * count)
    is_of_byte = jnp.arange(count)[:, None] == (pixels >> 3)[None]
    copied = jnp.matmul(
        bits.astype(jnp.bfloat16),
        is_of_byte.astype(jnp.bfloat16),
        preferred_element_type=jnp.float32,
    )
    shifts = (pixels & 7).reshape((1,) * (bits.ndim - 1) + (-1,))
    return (copied.astype(jnp.int32) >> shifts) & 1 > 0


def areas(
    predictions: jax.Array, target: jax.Array, counted: jax.Array, width: jax.Array
) -> jax.Array:
    """Counts pixels of masks and of their boundary bands, all as bits.

    Bits are counted, and bands are made, 32 pixels at a time.

    Args:
        predictions: Bits of the masks to score, `u8[t h w/8]`.
        target: Bits of the target, `u8[h w/8]`; false where the image ends before the
            static shape does.
        counted: Bits of the pixels that count, `u8[h w/8]`.
        width: Width of boundary bands, `i32[]`.

    Returns:
        Intersection and union of masks, then of boundary bands, `i32[t 4]`.
    """
    counts, truth = _words(counted), _words(target)
    truth_band = boundary_band(truth, width)

    def of_one(mask: jax.Array) -> jax.Array:
        pairs = (mask, truth), (boundary_band(mask, width), truth_band)
        sums = [
            jax.lax.population_count(pixels & counts).sum(dtype=jnp.int32)
            for ours, theirs in pairs
            for pixels in (ours & theirs, ours | theirs)
        ]
        return jnp.stack(sums)

    return jax.vmap(of_one)(_words(predictions))


def _words(bits: jax.Array) -> jax.Array:
    """Returns bits, `u8[... h w/8]`, as `u32[... h w/32]`; w is a multiple of 32."""
    grouped = bits.reshape(*bits.shape[:-1], bits.shape[-1] // 4, 4)
    return jax.lax.bitcast_convert_type(grouped, jnp.uint32)


def boundary_band(mask: jax.Array, width: jax.Array) -> jax.Array:
    """Returns the boundary band of a mask, as `morphology.boundary_bands` does.

    Args:
        mask: Bits, `u32[h w/32]`, the first pixel in the lowest bit.
        width: Width of the band, `i32[]`.

    Returns:
        The bits of the band.
    """
    core = _eroded(mask, width, _rows_moved)
    core = _eroded(core, width, _columns_moved)
    return mask & ~core


def _eroded(
    mask: jax.Array, width: jax.Array, moved: Callable[..., jax.Array]
) -> jax.Array:
    """Keeps pixels that are further than `width` from false ones along an axis.

    Beyond its ends all are false. Runs of true pixels are found by doubling: a run of
    twice the length is two runs of it, one after the other.

    Args:
        mask: Bits, `u32[h w/32]`.
        width: The distance, `i32[]`.
        moved: Moves bits along the axis.
    """
    needed = 2 * width + 1

    def doubled(runs: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        starts, length = runs
        return starts & moved(starts, -length), 2 * length

    starts, length = jax.lax.while_loop(
        lambda runs: 2 * runs[1] <= needed, doubled, (mask, jnp.int32(1))
    )
    # Two that overlap reach from `width` before a pixel to as far after it.
    return moved(starts, width) & moved(starts, length - 1 - width)


def _rows_moved(words: jax.Array, by: jax.Array) -> jax.Array:
    """Moves rows to larger numbers, `i32[]`, or to smaller ones; zeros come in."""
    height = words.shape[0]
    padded = jnp.pad(words, ((height, height), (0, 0)))
    first = height - jnp.clip(by, -height, height)
    return jax.lax.dynamic_slice_in_dim(padded, first, height, 0)


def _columns_moved(words: jax.Array, by: jax.Array) -> jax.Array:
    """Moves columns as `_rows_moved` moves rows."""
    count = words.shape[1]
    by = jnp.clip(by, -_WORD * count, _WORD * count)
    whole, bits = by // _WORD, (by % _WORD).astype(jnp.uint32)
    padded = jnp.pad(words, ((0, 0), (count + 1, count)))
    here = jax.lax.dynamic_slice_in_dim(padded, count + 1 - whole, count, 1)
    before = jax.lax.dynamic_slice_in_dim(padded, count - whole, count, 1)
    carried = jnp.where(bits > 0, before >> (_WORD - bits), np.uint32(0))
    return here << bits | carried


_areas: Callable[..., jax.Array] = jax.jit(areas)


def count(
    predictions: Sequence[BitMask],
    target: BitMask,
    counted: BitMask | None,
    width: int,
) -> np.ndarray:
    """Counts as `areas` on an accelerator, of masks in host memory.

    Args:
        predictions: The masks to score, one or more.
        target: The target.
        counted: Pixels that count; None for all.
        width: Width of boundary bands, pixels.

    Returns:
        `i64[t 4]`.
    """
    shape = buckets.static_shape(target.shape)
    # Programs are compiled for a few numbers of predictions.
    length = buckets.bucket_length(max(len(predictions), 4))
    rows = np.zeros((length, *_bits(shape)), np.uint8)
    for row, mask in zip(rows, predictions, strict=False):
        row[:] = place(mask, shape)
    counted_bits = np.full(_bits(shape), 255, np.uint8)
    if counted is not None:
        counted_bits = place(counted, shape)
    sums = _areas(rows, place(target, shape), counted_bits, np.int32(width))
    return np.asarray(sums)[: len(predictions)].astype(np.int64)


def _bits(shape: tuple[int, int]) -> tuple[int, int]:
    return shape[0], shape[1] // 8
