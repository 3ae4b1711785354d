import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import disk

from rclicks_jax import errors
from rclicks_jax.collection.tasks import regions
from rclicks_jax.data import targets

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))
shown = hnp.arrays(bool, shapes).filter(lambda region: region.any())


@hypothesis.given(shown)
@hypothesis.settings(deadline=None)
def test_distances_are_those_of_the_whole_transform(region):
    prepared = regions.prepare(region)
    places = np.argwhere(np.ones_like(region))
    expected = targets.distance_to_region(places, region)
    found = [prepared.distance(int(y), int(x)) for y, x in places]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_object_with_a_ring_of_ignored_pixels_is_its_own_region():
    gt_mask = np.array([[0, 128, 255]], np.uint8)
    region = regions.of_task(gt_mask, None, "first")
    assert region.tolist() == [[False, False, True]]


def test_errors_of_a_mask_are_missed_target_and_wrong_foreground():
    gt_mask = np.array([[0, 0, 128, 255, 255]], np.uint8)
    prev_mask = np.array([[0, 255, 255, 127, 128]], np.uint8)
    missed = regions.of_task(gt_mask, prev_mask, "fn")
    wrong = regions.of_task(gt_mask, prev_mask, "fp")
    assert missed.tolist() == [[False, False, False, True, False]]
    assert wrong.tolist() == [[False, True, False, False, False]]


def test_a_region_survives_its_file():
    region = disk((17, 23), (8, 9), 5)
    np.testing.assert_array_equal(
        regions.decode(regions.encode(region), "region"), region
    )


def test_a_file_that_is_no_region_is_refused():
    empty = regions.encode(np.zeros((4, 4), bool))
    with pytest.raises(errors.DataError, match="region"):
        regions.decode(empty, "region")
