import jax.numpy as jnp
import numpy as np
import scipy.special

from rclicks_jax.ops import activations


def test_the_polynomial_is_exact_to_the_rounding_of_bfloat16():
    numbers = np.arange(1 << 16, dtype=np.uint16).view(jnp.bfloat16)
    numbers = numbers[np.isfinite(numbers.astype(np.float32))]
    exact = numbers.astype(np.float64)
    exact = exact * scipy.special.ndtr(exact)
    ours = np.asarray(activations.gelu_by_logit(jnp.asarray(numbers)))
    assert np.isfinite(ours.astype(np.float32)).all()
    large = np.abs(exact) > 1e-6
    np.testing.assert_allclose(
        ours[~large].astype(np.float64), exact[~large], rtol=0, atol=2e-6
    )
    # Neighbours of one sign are neighbours as integers.
    rounded = exact.astype(np.float32).astype(jnp.bfloat16)
    steps = ours.view(np.int16).astype(int) - rounded.view(np.int16)
    assert np.abs(steps[large]).max() <= 1
