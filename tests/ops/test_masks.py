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
