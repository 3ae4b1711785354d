import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rclicks_jax.ops import after_pointwise, columns, depthwise


def arguments_of(shape, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(1), 5)
    shapes = (shape, (3, 8), (8,), (3, 3, 1, 8), (8,))
    drawn = [jax.random.normal(*each) for each in zip(keys, shapes, strict=True)]
    return [drawn[0].astype(dtype), *drawn[1:]]


def one_after_the_other(images, matrix, bias, kernel, offset):
    hidden = images @ matrix + bias[None, None, None]
    return depthwise.depthwise_conv(hidden, kernel, "lax") + offset[None, None, None]


def joined_by(count):
    def function(images, *others):
        images = columns.join(images, count)
        return columns.part(after_pointwise.convolve(images, *others, count), count)

    return function


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("shape", [(2, 5, 8, 3), (1, 1, 4, 3), (2, 2, 12, 3)])
def test_two_convolutions_are_one(shape, count):
    arguments = arguments_of(shape)
    weight = jax.random.normal(jax.random.key(2), (*shape[:3], 8))

    def results(function):
        def loss(*arguments):
            return (function(*arguments) * weight).sum()

        gradients = jax.grad(loss, argnums=(0, 1, 2, 3, 4))(*arguments)
        return function(*arguments), *gradients

    ours, theirs = results(joined_by(count)), results(one_after_the_other)
    for found, expected in zip(ours, theirs, strict=True):
        scale = float(jnp.abs(expected).max())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("count", [1, 2])
def test_results_are_of_the_type_of_the_images(count):
    images, *others = arguments_of((2, 5, 8, 3), jnp.bfloat16)
    ours = joined_by(count)(images, *others)
    assert ours.dtype == jnp.bfloat16
    exact = one_after_the_other(images.astype(jnp.float32), *others)
    scale = float(jnp.abs(exact).max())
    error = jnp.abs(ours.astype(jnp.float32) - exact).max()
    # Kernels, sums and what is added at borders are rounded to 8 bits each.
    assert float(error) < 4 * 2**-8 * scale


def test_images_of_one_pixel_see_the_middle_alone():
    images, matrix, bias, kernel, offset = arguments_of((1, 1, 1, 3))
    ours = after_pointwise.convolve(images, matrix, bias, kernel, offset)
    pixel = (images[0, 0, 0] @ matrix + bias) * kernel[1, 1, 0] + offset
    np.testing.assert_allclose(ours[0, 0, 0], pixel, atol=1e-6)
