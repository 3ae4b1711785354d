import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from rclicks_jax.ops import bit_masks, buckets, morphology, packed_masks

SHAPE = (48, 64)
shapes = st.tuples(st.integers(1, SHAPE[0]), st.integers(1, SHAPE[1]))
band = jax.jit(packed_masks.boundary_band)


@st.composite
def blobs(draw, count=1):
    """Masks of one shape: rectangles, with holes."""
    shape = draw(shapes)
    made = []
    for _ in range(count):
        mask = np.zeros(shape, bool)
        for value in (True, True, False):
            ends = (sorted(draw(st.tuples(*[st.integers(0, n)] * 2))) for n in shape)
            rows, columns = (slice(*pair) for pair in ends)
            mask[rows, columns] = value
        made.append(mask)
    return made


def host_bands(masks, width):
    """Boundary bands on the host, `bool[h w]` each."""
    packed = [bit_masks.pack(mask) for mask in masks]
    bands = morphology.boundary_bands(np.stack([each.bits for each in packed]), width)
    return [
        bit_masks.BitMask(np.ascontiguousarray(band), masks[0].shape).unpack()
        for band in bands
    ]


@hypothesis.given(shapes.flatmap(lambda shape: hnp.arrays(bool, shape)))
@hypothesis.settings(deadline=None)
def test_bits_become_the_mask_again_and_nothing_beyond(mask):
    bits = packed_masks.pack(mask, SHAPE)
    assert bits.shape == (48, 8)
    assert bits.dtype == np.uint8
    unpacked = np.asarray(packed_masks.unpack(bits))
    height, width = mask.shape
    np.testing.assert_array_equal(unpacked[:height, :width], mask)
    assert unpacked.sum() == mask.sum()


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (7, 32)])
def test_a_product_copies_bytes_to_the_same_pixels(shape):
    bits = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    ours = jax.jit(packed_masks.unpack_by_products)(bits)
    np.testing.assert_array_equal(ours, packed_masks.unpack_by_shifts(bits))


@hypothesis.given(blobs(), st.integers(0, 70))
@hypothesis.settings(deadline=None)
def test_the_band_is_that_of_the_host(masks, width):
    (mask,) = masks
    words = packed_masks.pack(mask, SHAPE).view(np.uint32)
    found = np.asarray(band(words, np.int32(width)))
    ours = np.asarray(packed_masks.unpack(found.view(np.uint8)))
    expected = host_bands([mask], width)[0]
    np.testing.assert_array_equal(ours[: mask.shape[0], : mask.shape[1]], expected)
    assert ours.sum() == expected.sum()


@hypothesis.given(blobs(5), st.booleans(), st.integers(1, 9))
@hypothesis.settings(deadline=None, max_examples=40)
def test_a_device_counts_what_the_host_counts(masks, with_ignored, width):
    target, ignored, *predictions = masks
    counted = ~ignored if with_ignored else None
    packed = [bit_masks.pack(mask) for mask in predictions]
    counted_mask = None if counted is None else bit_masks.pack(counted)
    ours = packed_masks.count(packed, bit_masks.pack(target), counted_mask, width)
    everything = np.ones_like(target) if counted is None else counted
    *bands, target_band = host_bands([*predictions, target], width)
    expected = [
        [
            (mask & target & everything).sum(),
            ((mask | target) & everything).sum(),
            (band & target_band & everything).sum(),
            ((band | target_band) & everything).sum(),
        ]
        for mask, band in zip(predictions, bands, strict=True)
    ]
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    ("shape", "static"),
    [
        ((1, 1), (128, 128)),
        ((480, 640), (512, 768)),
        ((1500, 2000, 3), (1536, 2048)),
        ((128, 129), (128, 192)),
        ((2049, 3000), (3072, 3072)),
    ],
)
def test_static_shapes_are_few_and_a_little_larger(shape, static):
    assert buckets.static_shape(shape) == static
    assert static[1] % 32 == 0
