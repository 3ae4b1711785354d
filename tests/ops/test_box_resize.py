"""Boxes that become frames, and frames that become boxes again."""

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


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("size", [(1, 7), (7, 1), (6, 5), (8, 9)])
def test_a_box_fills_the_part_of_a_frame_that_is_asked_for(box, size):
    maps = np.random.default_rng(0).integers(0, 256, (12, 9, 2), np.uint8)
    top, bottom, left, right = box
    inside = maps[top : bottom + 1, left : right + 1].astype(np.float32)
    rows, columns = map(torch_resize.aligned, inside.shape, size)
    expected = np.zeros((8, 9, 2))
    expected[: size[0], : size[1]] = np.einsum("yv,xu,vuc->yxc", rows, columns, inside)
    cut = jax.jit(box_resize.into_part, static_argnums=2)
    found = cut(maps, jnp.array(box), (8, 9), jnp.array(size))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("box", BOXES)
def test_only_a_part_of_a_frame_is_put_into_a_box(box):
    frame = np.random.default_rng(0).uniform(1, 2, (7, 8)).astype(np.float32)
    frame[5:] = frame[:, 4:] = np.nan
    top, bottom, left, right = box
    rows = torch_resize.aligned(5, bottom - top + 1)
    columns = torch_resize.aligned(4, right - left + 1)
    expected = np.zeros((12, 9), np.float32)
    part = rows @ frame[:5, :4] @ columns.T
    expected[top : bottom + 1, left : right + 1] = part
    put = jax.jit(box_resize.onto_map, static_argnums=2)
    frame = np.nan_to_num(frame, nan=1e6)
    found = put(frame, jnp.array(box), (12, 9), jnp.array([5, 4]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("source", "target"), [(1, 1), (1, 6), (6, 1), (3, 8), (8, 5)])
def test_a_traced_axis_is_resized_as_one_of_its_own(source, target):
    matrix = jax.jit(box_resize.aligned, static_argnums=2)(source, target, (9, 8))
    expected = torch_resize.aligned(source, target)
    np.testing.assert_allclose(matrix[:target, :source], expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(matrix[:, source:], 0)


def test_the_box_around_true_pixels_has_them_all():
    inside = np.zeros((6, 8), bool)
    np.testing.assert_array_equal(box_resize.box_of(inside), [-1, -1, -1, -1])
    inside[2, 5] = inside[4, 1] = True
    np.testing.assert_array_equal(box_resize.box_of(inside), [2, 4, 1, 5])
    np.testing.assert_array_equal(box_resize.box_of(inside | True), [0, 5, 0, 7])
