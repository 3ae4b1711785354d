"""Boxes that become squares, and squares that become boxes again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import box_resize, torch_resize

BOXES = [(0, 11, 0, 8), (3, 3, 2, 8), (2, 9, 5, 5), (10, 11, 0, 1)]


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("side", [1, 7, 20])
def test_a_box_is_resized_like_an_array_of_its_own(box, side):
    maps = np.random.default_rng(0).integers(0, 256, (12, 9, 2), np.uint8)
    top, bottom, left, right = box
    inside = maps[top : bottom + 1, left : right + 1].astype(np.float32)
    rows, columns = (torch_resize.aligned(n, side) for n in inside.shape[:2])
    expected = np.einsum("yv,xu,vuc->yxc", rows, columns, inside)
    cut = jax.jit(box_resize.into_square, static_argnums=2)
    found = cut(maps, jnp.array(box), side)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("box", BOXES)
def test_a_square_is_put_into_a_box_and_nowhere_else(box):
    square = np.random.default_rng(0).uniform(1, 2, (7, 7)).astype(np.float32)
    top, bottom, left, right = box
    expected = np.zeros((12, 9), np.float32)
    rows = torch_resize.aligned(7, bottom - top + 1)
    columns = torch_resize.aligned(7, right - left + 1)
    expected[top : bottom + 1, left : right + 1] = rows @ square @ columns.T
    put = jax.jit(box_resize.onto_map, static_argnums=2)
    found = put(square, jnp.array(box), (12, 9))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_box_around_true_pixels_has_them_all():
    inside = np.zeros((6, 8), bool)
    np.testing.assert_array_equal(box_resize.box_of(inside), [-1, -1, -1, -1])
    inside[2, 5] = inside[4, 1] = True
    np.testing.assert_array_equal(box_resize.box_of(inside), [2, 4, 1, 5])
    np.testing.assert_array_equal(box_resize.box_of(inside | True), [0, 5, 0, 7])
