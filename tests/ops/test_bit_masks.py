import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.ops import bit_masks
from rclicks_jax.ops import masks as boxes

sides = st.integers(1, 20) | st.integers(60, 70) | st.integers(125, 132)
shapes = st.tuples(sides, sides)
masks = shapes.flatmap(lambda shape: hnp.arrays(bool, shape, fill=st.booleans()))
settings = hypothesis.settings(deadline=None)


@hypothesis.given(masks)
@settings
def test_bits_become_the_mask_again(mask):
    packed = bit_masks.pack(mask)
    assert packed.shape == mask.shape
    assert packed.bits.dtype == np.uint64
    height, width = packed.bits.shape
    assert height % 8 == 0
    assert height - 8 < mask.shape[0] <= height
    assert 64 * (width - 1) < mask.shape[1] <= 64 * width
    np.testing.assert_array_equal(packed.unpack(), mask)
    assert bit_masks.count(packed.bits) == mask.sum()
    assert packed.any() == mask.any()


@hypothesis.given(masks)
@settings
def test_a_mask_is_cropped_to_its_pixels(mask):
    part, (top, left) = bit_masks.pack(mask).cropped()
    assert part.sum() == mask.sum()
    if mask.any():
        y0, y1, x0, x1 = boxes.bounding_box(mask)
        assert (top, left) == (y0, x0)
        np.testing.assert_array_equal(part, mask[y0:y1, x0:x1])


def test_pixels_are_bits_in_their_order():
    mask = np.zeros((2, 70), bool)
    mask[1, [0, 3, 65]] = True
    packed = bit_masks.pack(mask)
    assert packed.bits[:2].tolist() == [[0, 0], [9, 2]]
    assert not packed.bits[2:].any()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_a_mask_without_pixels_is_empty(shape):
    empty = bit_masks.empty(shape)
    assert not empty.any()
    assert empty.unpack().shape == shape


@hypothesis.given(masks, st.data())
@settings
def test_the_box_holds_all_pixels_and_no_line_too_many(mask, data):
    other = data.draw(hnp.arrays(bool, mask.shape, fill=st.booleans()))
    bits = np.stack([bit_masks.pack(each).bits for each in (mask, other)])
    rows, words = bit_masks.box(bits)
    both = mask | other
    used = np.flatnonzero(both.any(axis=1))
    columns = np.flatnonzero(both.any(axis=0)) // 64
    if not used.size:
        assert bits[:, rows, words].size == 0
        return
    assert (rows.start, rows.stop) == (used[0], used[-1] + 1)
    assert (words.start, words.stop) == (columns[0], columns[-1] + 1)


@hypothesis.given(masks)
@settings
def test_blocks_are_eight_pixels_high(mask):
    packed = bit_masks.pack(mask)
    height, words = packed.bits.shape
    whole = np.zeros((height, 64 * words), bool)
    whole[: mask.shape[0], : mask.shape[1]] = mask
    blocks = whole.reshape(height // 8, 8, 8 * words, 8)
    some = bit_masks.blocks(np.bitwise_or, packed.bits) != 0
    np.testing.assert_array_equal(some, blocks.any(axis=(1, 3)))
    all_of = bit_masks.blocks(np.bitwise_and, packed.bits) == 255
    np.testing.assert_array_equal(all_of, blocks.all(axis=(1, 3)))
