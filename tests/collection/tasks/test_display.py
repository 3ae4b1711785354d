import dataclasses
import math

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import disk

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.collection.tasks import display
from rclicks_jax.settings.collection import CORNERS, DisplaySettings

SETTINGS = DisplaySettings()
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
regions = hnp.arrays(bool, shapes).filter(lambda region: region.any())


def photograph(shape):
    return np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)


def pixels(shape):
    return [(y, x) for y in range(shape[0]) for x in range(shape[1])]


@hypothesis.given(regions)
@hypothesis.settings(deadline=None)
def test_a_cut_out_is_the_photograph_in_the_region_and_grey_elsewhere(region):
    image = photograph(region.shape)
    shown = display.cut_out(image, region, 99)
    for place in pixels(region.shape):
        expected = image[place] if region[place] else [99] * 3
        assert shown[place].tolist() == list(expected)


@pytest.mark.parametrize("corner", CORNERS)
@hypothesis.given(region=regions)
@hypothesis.settings(deadline=None)
def test_a_shifted_cut_out_is_the_cut_out_moved_to_its_corner(corner, region):
    image = photograph(region.shape)
    height, width = region.shape
    inside = [place for place in pixels(region.shape) if region[place]]
    ys, xs = [y for y, _ in inside], [x for _, x in inside]
    down = -min(ys) if corner.startswith("top") else height - 1 - max(ys)
    right = -min(xs) if corner.endswith("left") else width - 1 - max(xs)
    expected = np.full_like(image, 127)
    for y, x in inside:
        expected[y + down, x + right] = image[y, x]
    shown = display.shifted_cut_out(image, region, 127, corner)
    np.testing.assert_array_equal(shown, expected)


@hypothesis.given(regions)
@hypothesis.settings(deadline=None)
def test_a_silhouette_is_white_on_black(region):
    shown = display.silhouette(region)
    assert shown.shape == (*region.shape, 3)
    for place in pixels(region.shape):
        assert set(shown[place].tolist()) == {255 if region[place] else 0}


@hypothesis.given(regions, st.integers(1, 3))
@hypothesis.settings(deadline=None)
def test_a_contour_is_all_that_is_near_the_region_and_not_in_it(region, width):
    hypothesis.assume(not region.all())
    line = display.contour(region, width)
    inside = [place for place in pixels(region.shape) if region[place]]
    for place in pixels(region.shape):
        nearest = min(math.dist(place, other) for other in inside)
        assert line[place] == (0 < nearest <= width)


def test_a_region_of_the_whole_frame_still_has_a_line():
    line = display.contour(np.ones((7, 9), bool), 1)
    assert line.sum() == 2 * 9 + 2 * 5


@hypothesis.given(regions, st.integers(1, 2))
@hypothesis.settings(deadline=None)
def test_a_box_lies_around_the_region_or_at_the_border(region, width):
    line = display.frame(region, width)
    rows, columns = np.nonzero(region)
    top, left = max(0, rows.min() - width), max(0, columns.min() - width)
    bottom = min(region.shape[0], rows.max() + 1 + width)
    right = min(region.shape[1], columns.max() + 1 + width)
    for y, x in pixels(region.shape):
        within = top <= y < bottom and left <= x < right
        depth = min(y - top, bottom - 1 - y, x - left, right - 1 - x)
        assert line[y, x] == (within and depth < width)


@pytest.mark.parametrize("mode", words.MODES[1:])
def test_every_mode_keeps_the_frame(mode):
    region = disk((31, 40), (12, 9), 6)
    shown = display.picture(mode, photograph(region.shape), region, SETTINGS)
    assert shown.shape == (31, 40, 3)
    assert shown.dtype == np.uint8


@pytest.mark.parametrize("mode", words.MODES[1:])
def test_every_mode_shows_something_else(mode):
    region = disk((31, 40), (12, 9), 6)
    image = photograph(region.shape)
    shown = [display.picture(m, image, region, SETTINGS) for m in words.MODES[1:]]
    own = display.picture(mode, image, region, SETTINGS)
    assert sum(np.array_equal(own, other) for other in shown) == 1


def test_settings_choose_box_or_contour():
    region = disk((31, 40), (12, 9), 6)
    image = photograph(region.shape)
    boxed = dataclasses.replace(SETTINGS, highlight="box")
    one, other = (
        display.picture("Highlighted_Instance", image, region, settings)
        for settings in (SETTINGS, boxed)
    )
    assert (one != other).any()
    np.testing.assert_array_equal(other[region], image[region])


def test_a_text_has_no_picture():
    with pytest.raises(errors.BadValueError, match="Text_Description"):
        display.picture(
            "Text_Description", photograph((2, 2)), np.ones((2, 2), bool), SETTINGS
        )
