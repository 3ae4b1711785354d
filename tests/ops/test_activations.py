import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats

from rclicks_jax.ops import activations


def test_the_polynomial_is_exact_to_the_rounding_of_bfloat16():
    numbers = np.arange(1 << 16, dtype=np.uint16).view(jnp.bfloat16)
    numbers = numbers[np.isfinite(numbers.astype(np.float32))]
    exact = numbers.astype(np.float64)
    exact = exact * scipy.special.ndtr(exact)
    ours = np.asarray(activations.gelu_by_logit(jnp.asarray(numbers)))
    assert np.isfinite(ours.astype(np.float32)).all()
    # Where it is small, what tanh rounds is more than a step.
    near = np.abs(ours.astype(np.float64) - exact) < 1e-6
    # Neighbours of one sign are neighbours as integers.
    rounded = exact.astype(np.float32).astype(jnp.bfloat16)
    steps = ours.view(np.int16).astype(int) - rounded.view(np.int16)
    assert np.abs(steps[~near]).max() <= 1


def test_the_gradient_is_near_that_of_the_exact_one():
    numbers = np.append(np.linspace(-9, 9, 4001), [-1e30, 1e30]).astype(jnp.bfloat16)
    ours = jax.grad(lambda x: activations.gelu_by_logit(x).astype(jnp.float32).sum())
    exact = numbers.astype(np.float64)
    density = scipy.stats.norm.pdf(exact)
    expected = scipy.special.ndtr(exact) + exact * density
    found = np.asarray(ours(jnp.asarray(numbers))).astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=2**-8, atol=5e-4)


def test_a_biased_one_is_that_of_the_sum():
    random = np.random.default_rng(0)
    features = jnp.asarray(random.normal(size=(2, 3, 4, 5)), jnp.bfloat16)
    bias = jnp.asarray(random.normal(size=(1, 1, 1, 5)), jnp.bfloat16)

    def of_sum(features, bias):
        return activations.gelu_by_logit(features + bias)

    def gradients(function):
        def loss(features, bias):
            return function(features, bias).astype(jnp.float32).sum()

        return jax.grad(loss, argnums=(0, 1))(features, bias)

    ours = activations.biased_gelu_by_logit(features, bias)
    np.testing.assert_array_equal(ours, of_sum(features, bias))
    found, expected = gradients(activations.biased_gelu_by_logit), gradients(of_sum)
    np.testing.assert_array_equal(found[0], expected[0])
    # Their own sum is rounded to bfloat16 at the end alone, or more often.
    np.testing.assert_allclose(
        found[1].astype(np.float32), expected[1].astype(np.float32), rtol=2**-6
    )


def test_a_biased_rectifier_is_that_of_the_sum():
    random = np.random.default_rng(1)
    features = jnp.asarray(random.normal(size=(3, 4, 5)), jnp.float32)
    bias = jnp.asarray(random.normal(size=(1, 1, 5)), jnp.float32)
    weight = random.normal(size=features.shape).astype(np.float32)

    def of_sum(features, bias):
        return jax.nn.relu(features + bias)

    def gradients(function):
        def loss(features, bias):
            return (function(features, bias) * weight).sum()

        return jax.grad(loss, argnums=(0, 1))(features, bias)

    ours = activations.biased_relu(features, bias)
    np.testing.assert_array_equal(ours, of_sum(features, bias))
    found, expected = gradients(activations.biased_relu), gradients(of_sum)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6, atol=1e-6)


def test_in_float32_a_biased_one_is_exact():
    features = jnp.linspace(-3, 3, 24).reshape(1, 2, 3, 4)
    bias = jnp.full((1, 1, 1, 4), 0.5)
    expected = jax.nn.gelu(features + 0.5, approximate=False)
    np.testing.assert_array_equal(activations.biased_gelu(features, bias), expected)
