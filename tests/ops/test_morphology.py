import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.ops import morphology


def slow_band(mask, width):
    """Looks at the square of every pixel."""
    padded = np.pad(mask, width)
    band = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        band[y, x] = not padded[y : y + 2 * width + 1, x : x + 2 * width + 1].all()
    return band


@hypothesis.given(
    hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))),
    st.integers(1, 4),
)
@hypothesis.settings(deadline=None)
def test_the_band_is_what_erosion_takes(mask, width):
    np.testing.assert_array_equal(
        morphology.boundary_band(mask, width), slow_band(mask, width)
    )


@pytest.mark.parity
def test_boundary_iou_equals_the_original(parity):
    saved = parity("clicker.npz")
    for case in range(int(saved["iou_count"])):
        labels, pred_mask = saved[f"iou{case}_gt"], saved[f"iou{case}_pred"]
        width = morphology.band_width(labels.shape)
        assert width == saved[f"iou{case}_dilation"]
        target = morphology.boundary_band(labels == 1, width)
        band = morphology.boundary_band(pred_mask, width)
        counted = labels != -1
        union = int(((target | band) & counted).sum())
        expected = saved[f"biou{case}"]
        if not union:
            assert np.isnan(expected)
        else:
            assert int((target & band & counted).sum()) / union == expected
