"""Activations that are fast on every platform.

The choice is made where a program is lowered.
"""

import functools
from typing import cast

import jax
import jax.numpy as jnp
from jax import lax

# x * P(x**2), P with these coefficients, highest power first, is close to the logit of
# the normal distribution function. Fitted for |x| < 6; relative errors of x * Phi(x)
# that are larger than 1e-6 are at most 1.2e-3.
_LOGIT = (9.34549935e-06, -9.99842251e-04, 7.59828937e-02, 1.59213385)
# Where the distribution function is 0 or 1 in float32.
_FLAT = 16.0


def gelu(features: jax.Array) -> jax.Array:
    """Gaussian error linear unit: exact, or to the rounding of bfloat16 on TPUs.

    A TPU calculates erfc in float32 by some 70 instructions a number, which for
    bfloat16 takes longer than reading and writing it.

    Args:
        features: `f32[...]` or `bf16[...]`.
    """
    if features.dtype != jnp.bfloat16:
        return _exact(features)
    return lax.platform_dependent(features, tpu=gelu_by_logit, default=_exact)


def biased_gelu(features: jax.Array, bias: jax.Array) -> jax.Array:
    """Returns `gelu` of features and a bias; on TPUs with a gradient that is made once.

    Args:
        features: `f32[... c]` or `bf16[... c]`.
        bias: `f32[1 ... c]`, of the type and rank of the features.
    """

    def exact(features: jax.Array, bias: jax.Array) -> jax.Array:
        return _exact(features + bias)

    if features.dtype != jnp.bfloat16:
        return exact(features, bias)
    return lax.platform_dependent(
        features, bias, tpu=biased_gelu_by_logit, default=exact
    )


_exact = functools.partial(jax.nn.gelu, approximate=False)


def _balance_and_slope(numbers: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns twice the distribution function less 1, and the logit's derivative."""
    square, factor, slope = numbers * numbers, _LOGIT[0], 0.0
    for coefficient in _LOGIT[1:]:
        slope = slope * square + factor
        factor = factor * square + coefficient
    # A TPU has an instruction for tanh; for the logistic function it divides.
    return jnp.tanh(numbers * factor / 2), factor + 2 * square * slope


@jax.custom_vjp
def gelu_by_logit(features: jax.Array) -> jax.Array:
    """Returns `gelu` with a polynomial for the logit of the distribution function.

    Its gradient keeps the features alone, and is that of the polynomial.

    Args:
        features: `bf16[...]`; the result is within 1.2e-3 of the exact one, relatively,
            or within 1e-6.
    """
    exact = features.astype(jnp.float32)
    balance, _ = _balance_and_slope(exact)
    return (exact / 2 * (1 + balance)).astype(features.dtype)


def _forward(features: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gelu_by_logit(features), features


def _backward(features: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    # Beyond, the derivative is 0 or 1, and the polynomial would overflow.
    exact = jnp.clip(features.astype(jnp.float32), -_FLAT, _FLAT)
    balance, slope = _balance_and_slope(exact)
    derivative = (1 + balance) / 2 + (1 - balance * balance) * exact * slope / 4
    return ((gradient * derivative).astype(features.dtype),)


gelu_by_logit.defvjp(_forward, _backward)


@jax.custom_vjp
def biased_gelu_by_logit(features: jax.Array, bias: jax.Array) -> jax.Array:
    """Returns `gelu_by_logit` of features and a bias, as `biased_gelu`."""
    return gelu_by_logit(features + bias)


def _forward_biased(
    features: jax.Array, bias: jax.Array
) -> tuple[jax.Array, jax.Array]:
    total = features + bias
    return gelu_by_logit(total), total


def _backward_biased(
    total: jax.Array, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    return _with_sum(*_backward(total, gradient))


biased_gelu_by_logit.defvjp(_forward_biased, _backward_biased)


@jax.custom_vjp
def biased_relu(features: jax.Array, bias: jax.Array) -> jax.Array:
    """Returns what is positive of features and a bias; its gradient is made once.

    For TPUs.

    Args:
        features: `f32[... c]`.
        bias: `f32[1 ... c]`, of the rank of the features.
    """
    return jnp.maximum(features + bias, 0)


def _forward_rectified(
    features: jax.Array, bias: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # JAX does not type what has a gradient of its own.
    positive = cast("jax.Array", biased_relu(features, bias))
    return positive, positive


def _backward_rectified(
    positive: jax.Array, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    # As rows, so that a product that makes it, of rows as well, does this too.
    rows = gradient.reshape(-1, gradient.shape[-1])
    rows = jnp.where(positive.reshape(rows.shape) > 0, rows, 0)
    rows, of_bias = _with_sum(rows)
    shape = (1,) * (gradient.ndim - 1) + (-1,)
    return rows.reshape(gradient.shape), of_bias.reshape(shape)


biased_relu.defvjp(_forward_rectified, _backward_rectified)


def _with_sum(gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns a gradient of features and of a bias that all of them share.

    Left alone, XLA makes the gradient in all that read it, and sums it apart. Here both
    are done once, by what makes it.
    """
    of_bias = gradient.astype(jnp.float32).sum(range(gradient.ndim - 1), keepdims=True)
    return lax.optimization_barrier((gradient, of_bias.astype(gradient.dtype)))
