import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.ops import masks


@hypothesis.given(hnp.arrays(bool, st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_the_box_is_the_smallest_that_holds_the_mask(mask):
    box = masks.bounding_box(mask)
    where = np.argwhere(mask)
    if box is None:
        assert not len(where)
        return
    y0, y1, x0, x1 = box
    assert (y0, x0) == tuple(where.min(axis=0))
    assert (y1 - 1, x1 - 1) == tuple(where.max(axis=0))


def test_colours_become_ids_in_opencvs_order():
    blue_green_red = np.array([[[1, 2, 3], [0, 0, 0]]], np.uint8)
    assert masks.colour_ids(blue_green_red).tolist() == [[65536 + 512 + 3, 0]]


def test_labels_are_resized_one_by_one():
    labels = np.zeros((8, 8), np.int32)
    labels[:4], labels[4:] = 70000, 5
    resized = masks.resize_labels(labels, (4, 6))
    assert resized.shape == (4, 6)
    assert set(np.unique(resized)) == {70000, 5}
    assert (resized[:2] == 70000).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 3)])
def test_an_empty_label_image_stays_empty(shape):
    assert not masks.resize_labels(np.zeros((4, 4), np.int32), shape).any()


@hypothesis.given(
    hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 3)),
)
@hypothesis.settings(deadline=None)
def test_pixels_between_labels_are_those_of_the_definition(labels):
    expected = np.zeros(labels.shape, bool)
    for y, x in np.ndindex(*labels.shape):
        squares = [
            labels[top : top + 2, left : left + 2]
            for top in (y - 1, y)
            for left in (x - 1, x)
            if top >= 0 and left >= 0
        ]
        whole = any(s.shape == (2, 2) and (s == labels[y, x]).all() for s in squares)
        beside = [
            labels[v, u]
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
            if 0 <= v < 5 and 0 <= u < 6
        ]
        other = any(value not in (0, labels[y, x]) for value in beside)
        expected[y, x] = labels[y, x] and other and not whole
    np.testing.assert_array_equal(masks.between_labels(labels), expected)


def test_the_local_range_is_that_of_nine_pixels():
    values = np.random.default_rng(0).random((6, 7)).astype(np.float32)
    found = masks.local_range(values)
    assert found[2, 3] == np.ptp(values[1:4, 2:5])
    assert found[0, 0] == np.ptp(values[:2, :2])


def test_all_sides_are_touched_only_by_what_touches_all_four():
    mask = np.zeros((4, 5), bool)
    mask[0, 0] = mask[3, 4] = True
    assert masks.touches_all_sides(mask)
    mask[3, 4] = False
    assert not masks.touches_all_sides(mask)
