import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rclicks_jax.data import augment
from rclicks_jax.types import PackedBatch

SIZE = 40


@pytest.fixture(scope="module")
def example():
    random = np.random.default_rng(0)
    click_map = np.zeros((SIZE, SIZE), np.float16)
    click_map[15:25, 18:30] = 1
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    image[10:30] = random.integers(0, 256, (20, SIZE, 3))
    masks = np.repeat((click_map > 0)[..., None], 2, axis=2).astype(np.uint8) * 255
    box = np.array([10, 30, 0, SIZE], np.int32)
    return PackedBatch(image, masks, click_map, box, np.float32(1))


def test_mirroring_twice_changes_nothing(example):
    once = augment.mirror(example._replace(box=np.array([10, 30, 3, SIZE])))
    np.testing.assert_array_equal(once.click_map, example.click_map[:, ::-1])
    assert once.box.tolist() == [10, 30, 0, SIZE - 3]
    again = augment.mirror(once)
    for ours, expected in zip(again[:3], example[:3], strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_recolouring_changes_colours_alone(example):
    changed = augment.recolour(example, 0.3, np.random.default_rng(1))
    assert not np.array_equal(changed.image, example.image)
    for ours, expected in zip(changed[1:], example[1:], strict=True):
        np.testing.assert_array_equal(ours, expected)
    same = augment.recolour(example, 0.0, np.random.default_rng(1))
    np.testing.assert_array_equal(same.image, example.image)


@hypothesis.given(seed=st.integers(0, 1000))
@hypothesis.settings(deadline=None, max_examples=30)
def test_zooming_moves_everything_together(example, seed):
    changed = augment.zoom(example, 0.4, np.random.default_rng(seed))
    inside = changed.masks[..., 0] / 255
    # OpenCV warps bytes in steps of 1/32 pixel along each side, floats more finely.
    np.testing.assert_allclose(inside, changed.click_map.astype(float), atol=2 / 32)
    y0, y1, x0, x1 = changed.box
    outside = np.ones((SIZE, SIZE), bool)
    outside[max(0, y0 - 1) : y1 + 1, max(0, x0 - 1) : x1 + 1] = False
    assert not changed.image[outside].any()
    assert 0 <= y0 < y1 <= SIZE
    assert 0 <= x0 < x1 <= SIZE


def test_clicks_are_not_zoomed_out_of_the_square(example):
    edge = np.zeros_like(example.click_map)
    edge[:, -2:] = 1
    at_edge = example._replace(click_map=edge)
    for seed in range(20):
        changed = augment.zoom(at_edge, 0.5, np.random.default_rng(seed))
        assert changed.click_map.sum() > 0


def test_no_strength_changes_nothing(example):
    same = augment.zoom(example, 0.0, np.random.default_rng(0))
    for ours, expected in zip(same, example, strict=True):
        np.testing.assert_array_equal(ours, expected)
