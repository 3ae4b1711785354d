import numpy as np
import pytest
from helpers import disk, numbered
from scipy import ndimage

from rclicks_jax.data import targets


@pytest.mark.parity
def test_click_maps_equal_the_original(parity):
    saved = parity("clickmaps.npz")
    for case in range(numbered(saved, "error")):
        error_mask = saved[f"error{case}"]
        clicks = np.stack([saved[f"ys{case}"], saved[f"xs{case}"]], axis=1)
        assert targets.click_radius(error_mask.shape) == saved[f"radius{case}"]
        names = [key for key in saved.files if key.startswith(f"gauss{case}_s")]
        assert names
        for name in names:
            sigma = float(name.rsplit("_s", 1)[1])
            in_pixels = targets.sigma_pixels(sigma, error_mask.shape)
            effective = float(saved[name.replace("gauss", "sigma_eff")])
            assert in_pixels == pytest.approx(effective, rel=1e-12)
            gaze = targets.gaze_map(clicks, error_mask.shape, sigma)
            np.testing.assert_allclose(gaze, saved[name], atol=1e-6)
            click_map = targets.click_map(clicks, error_mask, sigma)
            np.testing.assert_allclose(
                click_map, saved[name.replace("gauss", "click")], atol=1e-6
            )


def test_images_smaller_than_the_blur_are_softened_all_the_same():
    mask = (np.random.default_rng(0).random((9, 400)) < 0.5).astype(np.float32)
    expected = ndimage.gaussian_filter(mask, 3)
    np.testing.assert_allclose(targets.soften(mask, 3), expected, atol=1e-6)


def test_repeated_clicks_add_up():
    clicks = np.array([[5, 5], [5, 5], [5, 15]])
    gaze = targets.gaze_map(clicks, (20, 20), 5.0)
    assert gaze[5, 5] == 1
    assert gaze[5, 15] == pytest.approx(0.5, rel=1e-5)


def test_distances_to_a_region_are_zero_inside():
    region = disk((30, 30), (15, 15), 6)
    clicks = np.array([[15, 15], [15, 21], [15, 24], [0, 15]])
    np.testing.assert_allclose(targets.distance_to_region(clicks, region), [0, 0, 3, 9])
