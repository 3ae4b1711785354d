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


def depth_of(mask, except_yx):
    allowed = np.ones_like(mask)
    allowed[tuple(except_yx.T)] = False
    return distance.deepest_pixel(mask, allowed)[0]


@hypothesis.given(masks, st.data())
@hypothesis.settings(deadline=None, max_examples=150)
def test_of_two_masks_the_deeper_is_told(first, data):
    second = data.draw(hnp.arrays(bool, first.shape))
    rows = st.integers(0, first.shape[0] - 1)
    columns = st.integers(0, first.shape[1] - 1)
    pairs = data.draw(st.lists(st.tuples(rows, columns), max_size=4))
    except_yx = np.array(pairs, np.int32).reshape(-1, 2)
    expected = depth_of(first, except_yx) > depth_of(second, except_yx)
    assert distance.is_deeper(first, second, except_yx) == expected


@pytest.mark.parametrize("seed", range(12))
def test_bounds_hold_the_depth_of_large_masks(seed):
    drawn = np.random.default_rng(seed)
    noise = drawn.standard_normal((drawn.integers(40, 260), drawn.integers(40, 300)))
    mask = ndimage.gaussian_filter(noise, drawn.uniform(1, 12)) > 0
    except_yx = np.argwhere(mask)[:: max(1, int(mask.sum()) // 9)].astype(np.int32)
    depth = np.sqrt(depth_of(mask, except_yx))
    cut = distance._Cut.of(mask, except_yx)
    for bounds in (
        distance._bounds_by_size,
        distance._bounds_by_blocks,
        distance._bounds_by_chamfer,
    ):
        low, high = bounds(cut)
        assert low <= depth <= high
    other = np.roll(mask, 3, axis=0) & (drawn.random(mask.shape) < 0.9999)
    expected = depth_of(mask, except_yx) > depth_of(other, except_yx)
    assert distance.is_deeper(mask, other, except_yx) == expected


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
