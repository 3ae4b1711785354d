import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import columns, depthwise

SIZES = [(5, 5), (1, 7), (7, 1), (1, 11), (1, 21), (21, 1), (3, 3), (1, 1)]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("size", SIZES)
def test_joined_columns_are_convolved_as_single_ones(size, count):
    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (2, 9, 12, 3))
    kernel = jax.random.normal(keys[1], (*size, 1, 3))
    weight = jax.random.normal(keys[2], images.shape)

    def single(images, kernel):
        return depthwise.depthwise_conv(images, kernel, "lax")

    def joined(images, kernel):
        convolved = columns.depthwise_conv(columns.join(images, count), kernel)
        return columns.part(convolved, count)

    def results(function):
        def loss(images, kernel):
            return (function(images, kernel) * weight).sum()

        gradients = jax.grad(loss, argnums=(0, 1))(images, kernel)
        return function(images, kernel), *gradients

    for ours, theirs in zip(results(joined), results(single), strict=True):
        scale = float(jnp.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_kernels_may_be_larger_than_the_image(count):
    images = columns.join(jnp.ones((1, 2, 4, 1)), count)
    convolved = columns.depthwise_conv(images, jnp.ones((1, 21, 1, 1)))
    ours = columns.part(convolved, count)
    np.testing.assert_array_equal(ours, np.full((1, 2, 4, 1), 4.0))


@pytest.mark.parametrize(
    ("width", "channels", "count"),
    [(104, 64, 2), (104, 32, 4), (52, 128, 1), (26, 320, 1), (13, 64, 1), (52, 96, 1)],
)
def test_columns_are_joined_until_lanes_are_full(width, channels, count):
    assert columns.fitting(width, channels) == count
