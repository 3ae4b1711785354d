"""Low-rank factorisation of non-negative features, and its gradient.

Source: Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021.
"""

import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import ad_checkpoint

# Multiplies a matrix.
Product = Callable[[jax.Array], jax.Array]
# Name of the products with features, for `jax.checkpoint` of what factorises them.
PRODUCTS = "products with features"
# JAX does not type it.
_named = cast("Callable[[jax.Array, str], jax.Array]", ad_checkpoint.checkpoint_name)
_EPSILON = 1e-6


def factorise(
    features: jax.Array, bases: jax.Array, steps: int
) -> tuple[jax.Array, jax.Array]:
    """Factorises non-negative features by multiplicative updates.

    The softmax that starts the coefficients has temperature 1: the original's
    configuration says 100 and its constructor overwrites it.

    Args:
        features: Pixels by channels of one example, non-negative, `f32[n d]`.
        bases: Start of the bases, non-negative, `f32[d r]`.
        steps: Updates of the coefficients and then the bases.

    Returns:
        The bases, `f32[d r]`, and the coefficients, `f32[n r]`, updated once more.
    """

    def project(matrix: jax.Array) -> jax.Array:
        return features @ matrix

    def collect(matrix: jax.Array) -> jax.Array:
        return features.T @ matrix

    return _updated(project, collect, bases, steps)


def _updated(
    project: Product, collect: Product, bases: jax.Array, steps: int
) -> tuple[jax.Array, jax.Array]:
    """Updates as `factorise`; products with features and their transposition given."""

    def update_coefficients(bases: jax.Array, coefficients: jax.Array) -> jax.Array:
        numerator = project(bases)
        denominator = coefficients @ (bases.T @ bases)
        return coefficients * numerator / (denominator + _EPSILON)

    coefficients = jax.nn.softmax(project(bases), axis=-1)
    for _ in range(steps):
        coefficients = update_coefficients(bases, coefficients)
        numerator = collect(coefficients)
        denominator = bases @ (coefficients.T @ coefficients)
        bases = bases * numerator / (denominator + _EPSILON)
    return bases, update_coefficients(bases, coefficients)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def factorise_image(
    features: jax.Array, bases: jax.Array, steps: int
) -> tuple[jax.Array, jax.Array]:
    """Factorises as `factorise` does, for TPUs.

    The gradient of the features is a sum of as many products as the features are in,
    each as large as the features and of the rank of the bases. It is calculated as one
    product.

    Args:
        features: `f32[n d]`.
        bases: `f32[d r]`.
        steps: Updates.

    Returns:
        The bases, `f32[d r]`, and the coefficients, `f32[n r]`.
    """
    return factorise(features, bases, steps)


def _factorise_forward(
    features: jax.Array, bases: jax.Array, steps: int
) -> tuple[tuple[jax.Array, jax.Array], Any]:
    (pixels, channels), rank = features.shape, bases.shape[1]
    of_pixels = [jnp.zeros((pixels, rank))] * (steps + 2)
    of_channels = [jnp.zeros((channels, rank))] * steps

    # What is added to a product has the gradient of the product.
    def run(
        bases: jax.Array, of_pixels: list[jax.Array], of_channels: list[jax.Array]
    ) -> Any:
        projected: list[jax.Array] = []
        collected: list[jax.Array] = []

        def project(matrix: jax.Array) -> jax.Array:
            projected.append(matrix)
            product = features @ matrix + of_pixels[len(projected) - 1]
            return _named(product, PRODUCTS)

        def collect(matrix: jax.Array) -> jax.Array:
            collected.append(matrix)
            product = features.T @ matrix + of_channels[len(collected) - 1]
            return _named(product, PRODUCTS)

        found = _updated(project, collect, bases, steps)
        return found, (projected, collected)

    # JAX does not type what it returns.
    made = cast(
        "tuple[tuple[jax.Array, jax.Array], Any, Any]",
        jax.vjp(run, bases, of_pixels, of_channels, has_aux=True),
    )
    found, backward, factors = made
    return found, (backward, factors)


def _factorise_backward(
    steps: int, saved: Any, gradient: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    del steps
    backward, (projected, collected) = saved
    of_bases, of_pixels, of_channels = backward(gradient)
    rows = jnp.concatenate([*of_pixels, *collected], axis=1)
    columns = jnp.concatenate([*projected, *of_channels], axis=1)
    return rows @ columns.T, of_bases


factorise_image.defvjp(_factorise_forward, _factorise_backward)
