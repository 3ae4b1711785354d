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


@pytest.mark.parametrize(
    ("shape", "radius"), [((9, 400), 3), ((150, 170), 4), ((5, 1), 2), ((40, 30), 0)]
)
def test_a_part_is_softened_as_in_the_whole_mirrored_mask(shape, radius):
    random = np.random.default_rng(0)
    mask = random.random(shape, dtype=np.float32) * (random.random(shape) < 0.5)
    expected = ndimage.gaussian_filter(mask, radius) if radius else mask
    for y0, x0 in ((0, 0), (shape[0] // 2, shape[1] // 3)):
        part = targets.soften(mask, radius, (y0, shape[0], x0, shape[1]))
        np.testing.assert_allclose(part, expected[y0:, x0:], atol=1e-6)


def test_click_maps_equal_those_of_whole_blurs():
    random = np.random.default_rng(3)
    shape, sigma = (333, 401), 20.0
    mask = disk(shape, (150, 210), 120).astype(np.float32)
    clicks = np.stack([random.integers(0, length, 30) for length in shape], axis=1)
    density = np.zeros(shape)
    np.add.at(density, tuple(clicks.T), 1)
    deviation = targets.sigma_pixels(sigma, shape)
    gaze = ndimage.gaussian_filter(
        density, deviation, mode="constant", radius=int(np.ceil(7 * deviation) // 2)
    )
    softened = ndimage.gaussian_filter(mask, targets.click_radius(shape))
    expected = softened * gaze / gaze.max()
    click_map = targets.click_map(clicks, mask, sigma)
    np.testing.assert_allclose(click_map, expected, atol=2e-6)
    assert click_map.dtype == np.float32


def test_repeated_clicks_add_up():
    clicks = np.array([[5, 5], [5, 5], [5, 15]])
    gaze = targets.gaze_map(clicks, (20, 20), 5.0)
    assert gaze[5, 5] == 1
    assert gaze[5, 15] == pytest.approx(0.5, rel=1e-5)


def test_distances_to_a_region_are_zero_inside():
    region = disk((30, 30), (15, 15), 6)
    clicks = np.array([[15, 15], [15, 21], [15, 24], [0, 15]])
    np.testing.assert_allclose(targets.distance_to_region(clicks, region), [0, 0, 3, 9])
    inside = targets.distance_to_region(clicks[:2], region)
    np.testing.assert_array_equal(inside, np.zeros(2, np.float32))
