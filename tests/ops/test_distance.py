import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import ndimage

from rclicks_jax.ops import distance

masks = hnp.arrays(bool, st.tuples(st.integers(1, 17), st.integers(1, 17)))


def slow_deepest(mask, allowed):
    """Squares of distances to every outside pixel, one by one."""
    padded = np.pad(mask, 1)
    outside = np.argwhere(~padded)
    best, where = 0, (0, 0)
    for y, x in np.argwhere(mask & allowed):
        squared = int(((outside - (y + 1, x + 1)) ** 2).sum(axis=1).min())
        if squared > best:
            best, where = squared, (int(y), int(x))
    return best, where


@hypothesis.given(masks, st.data())
@hypothesis.settings(deadline=None, max_examples=150)
def test_the_deepest_pixel_is_the_first_of_the_farthest(mask, data):
    allowed = data.draw(hnp.arrays(bool, mask.shape))
    assert distance.deepest_pixel(mask, allowed) == slow_deepest(mask, allowed)


def test_masks_too_large_for_roots_are_compared_as_integers(monkeypatch):
    mask = np.random.default_rng(0).random((40, 60)) < 0.9
    allowed = np.ones_like(mask)
    expected = distance.deepest_pixel(mask, allowed)
    monkeypatch.setattr(distance, "_EXACT_BELOW", 1)
    assert distance.deepest_pixel(mask, allowed) == expected


@pytest.mark.parametrize("shape", [(300, 1200), (900, 900), (2040, 2100)])
def test_of_many_equally_deep_pixels_the_first_is_found(shape):
    # OpenCV's roots of equal integers can differ in their last bit.
    mask = np.ones(shape, bool)
    mask[shape[0] // 2, :: shape[0] // 2] = False
    squares = distance._squared(mask)
    expected = int(squares.max()), divmod(int(np.argmax(squares)), shape[1])
    assert distance.deepest_pixel(mask, np.ones_like(mask)) == expected


def test_an_empty_image_has_no_deepest_pixel():
    nothing = np.zeros((0, 5), bool)
    assert distance.deepest_pixel(nothing, nothing) == (0, (0, 0))


def test_a_full_image_is_deepest_in_its_middle():
    mask = np.ones((5, 9), bool)
    assert distance.deepest_pixel(mask, mask) == (9, (2, 2))


@hypothesis.given(masks)
@hypothesis.settings(deadline=None)
def test_distances_agree_with_scipy(mask):
    ours = distance.distance_inside(mask, pad_border=True)
    scipys = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    np.testing.assert_allclose(ours, scipys, rtol=1e-6)


def test_without_padding_the_border_is_no_outside():
    mask = np.ones((3, 6), bool)
    mask[:, 0] = False
    depth = distance.distance_inside(mask, pad_border=False)
    np.testing.assert_array_equal(depth, np.tile(np.arange(6), (3, 1)))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3])
@pytest.mark.parametrize("shape", [(1, 7), (40, 3), (90, 130), (400, 300)])
def test_bounds_are_about_the_distance(shape, share):
    drawn = np.random.default_rng(shape[0]).random(shape) > share
    # Even a mask with one false pixel, which is far from most, has them.
    drawn[-1, 0] = False
    exact = distance.distance_inside(drawn, pad_border=False)
    least, most = distance.bounds_inside(drawn)
    assert (least <= exact + 1e-4).all()
    assert (most >= exact - 1e-4).all()
    assert (most <= 1.04 * least).all()
