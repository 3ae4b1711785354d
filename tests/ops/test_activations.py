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
