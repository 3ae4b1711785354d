import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import resize


@pytest.mark.parametrize("shape", [(7, 5), (14, 10), (3, 9), (1, 1), (20, 1)])
def test_half_pixel_centres_equal_opencv(shape):
    image = np.random.default_rng(0).random((7, 5), dtype=np.float32)
    expected = cv2.resize(image, shape[::-1], interpolation=cv2.INTER_LINEAR)
    ours = resize.resize_bilinear(
        jnp.asarray(image)[None, ..., None], shape, align_corners=False
    )
    np.testing.assert_allclose(ours[0, ..., 0], expected, atol=1e-6)


def test_aligned_corners_keep_corners_and_straight_lines():
    ramp = np.arange(4, dtype=np.float32)[:, None] + 10 * np.arange(3, dtype=np.float32)
    ours = resize.resize_bilinear(
        jnp.asarray(ramp)[None, ..., None], (7, 9), align_corners=True
    )
    expected = np.linspace(0, 3, 7)[:, None] + 10 * np.linspace(0, 2, 9)
    np.testing.assert_allclose(ours[0, ..., 0], expected, atol=1e-5)


def test_one_pixel_fills_everything(variant):
    pixel = jnp.full((1, 1, 1, 2), 3.0)

    def grow(images):
        return resize.resize_bilinear(images, (4, 5), align_corners=True)

    np.testing.assert_array_equal(variant(grow)(pixel), np.full((1, 4, 5, 2), 3.0))


def test_the_same_shape_is_left_alone():
    images = jax.random.normal(jax.random.key(0), (1, 4, 5, 2))
    assert resize.resize_bilinear(images, (4, 5), align_corners=False) is images
