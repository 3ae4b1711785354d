import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from rclicks_jax.metrics import interaction
from rclicks_jax.ops import buckets, morphology, packed_masks

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


@hypothesis.given(blobs(), st.integers(1, 60))
@hypothesis.settings(deadline=None)
def test_the_band_is_that_of_the_host(masks, width):
    (mask,) = masks
    padded = np.zeros(SHAPE, bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    ours = np.asarray(band(padded, np.int32(width)))
    expected = morphology.boundary_band(mask, width)
    np.testing.assert_array_equal(ours[: mask.shape[0], : mask.shape[1]], expected)
    assert ours.sum() == expected.sum()


@hypothesis.given(blobs(5), st.booleans(), st.integers(1, 9))
@hypothesis.settings(deadline=None, max_examples=40)
def test_a_device_counts_what_the_host_counts(masks, with_ignored, width):
    target, ignored, *predictions = masks
    counted = ~ignored if with_ignored else None
    ours = packed_masks.count(predictions, target, counted, width)
    bands = [morphology.boundary_band(mask, width) for mask in predictions]
    target_band = morphology.boundary_band(target, width)
    expected = np.concatenate(
        [
            interaction.areas_on_host(predictions, target, counted),
            interaction.areas_on_host(bands, target_band, counted),
        ],
        axis=1,
    )
    assert ours.dtype == expected.dtype
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
    assert static[1] % 8 == 0
