import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import depthwise

SIZES = [(5, 5), (1, 7), (7, 1), (1, 11), (21, 1), (3, 3), (1, 1)]


def inputs(size):
    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (2, 9, 12, 3))
    kernel = jax.random.normal(keys[1], (*size, 1, 3))
    return images, kernel, jax.random.normal(keys[2], images.shape)


@pytest.mark.parametrize("size", SIZES)
def test_ways_agree_forward(size):
    images, kernel, _ = inputs(size)
    ours = depthwise.depthwise_conv(images, kernel, "shift")
    theirs = depthwise.depthwise_conv(images, kernel, "lax")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_ways_agree_in_their_gradients(size):
    images, kernel, weight = inputs(size)

    def loss(images, kernel, way):
        return (depthwise.depthwise_conv(images, kernel, way) * weight).sum()

    gradient = jax.grad(loss, argnums=(0, 1))
    for ours, theirs in zip(
        gradient(images, kernel, "shift"), gradient(images, kernel, "lax"), strict=True
    ):
        scale = float(jnp.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)


def test_it_runs_in_every_way(variant):
    images, kernel, _ = inputs((1, 7))
    expected = depthwise.depthwise_conv(images, kernel, "lax")
    ours = variant(depthwise.depthwise_conv)(images, kernel)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_kernels_may_be_larger_than_the_image():
    images = jnp.ones((1, 2, 3, 1))
    kernel = jnp.ones((1, 21, 1, 1))
    ours = depthwise.depthwise_conv(images, kernel, "shift")
    np.testing.assert_array_equal(ours, np.full((1, 2, 3, 1), 3.0))
