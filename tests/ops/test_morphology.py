import cv2
import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.ops import bit_masks, morphology


def slow_band(mask, width):
    """Looks at the square of every pixel."""
    padded = np.pad(mask, width)
    band = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        band[y, x] = not padded[y : y + 2 * width + 1, x : x + 2 * width + 1].all()
    return band


def boundary_band(mask, width):
    """The band of `bool[h w]`."""
    packed = bit_masks.pack(mask)
    (bits,) = morphology.boundary_bands(packed.bits[None], width)
    return packed._replace(bits=np.ascontiguousarray(bits)).unpack()


@hypothesis.given(
    hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.integers(1, 4),
)
@hypothesis.settings(deadline=None)
def test_the_band_is_what_erosion_takes(mask, width):
    np.testing.assert_array_equal(boundary_band(mask, width), slow_band(mask, width))


@pytest.mark.parametrize("width", [1, 31, 32, 33, 63, 64, 70, 200])
@pytest.mark.parametrize("shape", [(1, 1), (9, 300), (300, 9), (150, 257), (160, 320)])
def test_bands_of_many_masks_are_those_of_each(shape, width):
    drawn = np.random.default_rng(width)
    masks = np.ones((4, *shape), bool)
    masks[1] = drawn.random(shape) < 0.999
    masks[2, shape[0] // 3 :, : shape[1] // 2] = False
    masks[3] = False
    bits = np.stack([bit_masks.pack(mask).bits for mask in masks])
    bands = morphology.boundary_bands(bits, width)
    square = np.ones((3, 3), np.uint8)
    for mask, band in zip(masks, bands, strict=True):
        padded = np.pad(mask, 1).astype(np.uint8)
        core = cv2.erode(padded, square, iterations=width)[1:-1, 1:-1]
        found = bit_masks.BitMask(np.ascontiguousarray(band), shape).unpack()
        np.testing.assert_array_equal(found, mask & (core == 0))


@pytest.mark.parity
def test_boundary_iou_equals_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["iou_count"])):
        labels, pred_mask = saved[f"iou{case}_gt"], saved[f"iou{case}_pred"]
        width = morphology.band_width(labels.shape)
        assert width == saved[f"iou{case}_dilation"]
        target = boundary_band(labels == 1, width)
        band = boundary_band(pred_mask, width)
        counted = labels != -1
        union = int(((target | band) & counted).sum())
        expected = saved[f"biou{case}"]
        if not union:
            assert np.isnan(expected)
        else:
            assert int((target & band & counted).sum()) / union == expected
