import jax
import numpy as np
import pytest

from rclicks_jax.ops import strided

SHAPES = [(8, 12), (7, 9)]


def inputs(shape):
    keys = jax.random.split(jax.random.key(0), 3)
    images = jax.random.normal(keys[0], (2, *shape, 3))
    kernel = jax.random.normal(keys[1], (3, 3, 3, 4))
    rows, columns = ((side + 1) // 2 for side in shape)
    return images, kernel, jax.random.normal(keys[2], (2, rows, columns, 4))


@pytest.mark.parametrize("way", ["product", "squares"])
@pytest.mark.parametrize("shape", SHAPES)
def test_all_ways_agree_forward_and_in_their_gradients(shape, way):
    images, kernel, weight = inputs(shape)

    def loss(images, kernel, way):
        features = strided.strided_conv(images, kernel, way)
        return (features * weight).sum(), features

    gradient = jax.jit(
        jax.grad(loss, argnums=(0, 1), has_aux=True), static_argnames="way"
    )
    found, features = gradient(images, kernel, way=way)
    of_lax, expected = gradient(images, kernel, way="lax")
    np.testing.assert_allclose(features, expected, atol=1e-5)
    for ours, theirs in zip(found, of_lax, strict=True):
        scale = float(np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)


def test_it_runs_in_every_way(variant):
    images, kernel, _ = inputs((7, 9))
    expected = strided.strided_conv(images, kernel, "lax")
    ours = variant(strided.strided_conv)(images, kernel)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_folded_images_have_the_same_sums():
    images, first, _ = inputs((8, 12))
    second = jax.random.normal(jax.random.key(1), (3, 3, 4, 5))
    folded = strided.strided_conv_folded(strided.fold(images, 4), first, 4)
    once = strided.strided_conv(images, first, "lax")
    np.testing.assert_allclose(folded, strided.fold(once, 2), atol=1e-5)
    twice = strided.strided_conv(once, second, "lax")
    ours = strided.strided_conv_folded(folded, second, 2)
    np.testing.assert_allclose(ours, twice, atol=1e-4)


def test_folding_keeps_each_pixel():
    images = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    folded = np.asarray(strided.fold(images, 2))
    assert folded.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(
        folded[1, 1, 2].reshape(2, 2, 3), np.asarray(images)[1, 2:4, 4:6]
    )
