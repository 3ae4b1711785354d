"""The decoder of SegNeXt: a low-rank model of the features ("Hamburger").

Source: Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021;
open-mmlab/mmsegmentation, mmseg/models/decode_heads/ham_head.py, as used by
emb-ai/rclicks.
"""

from collections.abc import Sequence
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.networks import layers
from rclicks_jax.ops import resize

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

    def update_coefficients(bases: jax.Array, coefficients: jax.Array) -> jax.Array:
        numerator = features @ bases
        denominator = coefficients @ (bases.T @ bases)
        return coefficients * numerator / (denominator + _EPSILON)

    coefficients = jax.nn.softmax(features @ bases, axis=-1)
    for _ in range(steps):
        coefficients = update_coefficients(bases, coefficients)
        numerator = features.T @ coefficients
        denominator = bases @ (coefficients.T @ coefficients)
        bases = bases * numerator / (denominator + _EPSILON)
    return bases, update_coefficients(bases, coefficients)


class JoinedConv(nn.Module):
    """A 1x1 convolution, without bias, of features resized to the first and joined.

    Both are linear, so each part is multiplied at its own size and resized then: an
    eighth of the products of the convolution of the joined features.
    """

    channels: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, parts: Sequence[jax.Array]) -> jax.Array:
        """Maps `f32[b h w c]`, of several sizes, to `f32[b h w channels]`."""
        widths = [part.shape[-1] for part in parts]
        kernel = self.param(
            "kernel",
            nn.initializers.lecun_normal(),
            (1, 1, sum(widths), self.channels),
        )
        rows = jnp.split(kernel[0, 0].astype(self.mode.dtype), np.cumsum(widths)[:-1])
        shape = parts[0].shape[1:3]
        products = [
            resize.resize_bilinear(
                part.astype(self.mode.dtype) @ row, shape, align_corners=False
            )
            for part, row in zip(parts, rows, strict=True)
        ]
        return sum(products[1:], start=products[0])


class ConvNorm(nn.Module):
    """A 1x1 convolution of joined features and a group normalisation."""

    channels: int
    groups: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, parts: Sequence[jax.Array]) -> jax.Array:
        """Maps `f32[b h w c]`, of several sizes, to `f32[b h w channels]`."""
        hidden = JoinedConv(self.channels, self.mode, name="conv")(parts)
        norm = nn.GroupNorm(self.groups, epsilon=1e-5, dtype=self.mode.dtype, name="gn")
        return norm(hidden)


def _random_bases(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
    bases = jax.random.uniform(key, shape)
    # JAX does not type its norm.
    norms = cast("jax.Array", jnp.linalg.norm(bases, axis=0, keepdims=True))
    return bases / norms


class Hamburger(nn.Module):
    """Replaces features by their low-rank approximation, between two convolutions.

    The bases every approximation starts from are a variable of the collection
    `constants`: made once, never trained, and part of a checkpoint. The approximation
    is float32 in every mode: its updates divide by small sums.
    """

    bases: int
    steps: int
    groups: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, features: jax.Array) -> jax.Array:
        """Refines `f32[b h w c]`."""
        batch, height, width, channels = features.shape
        start = self.variable(
            "constants",
            "bases",
            lambda: _random_bases(self.make_rng("params"), (channels, self.bases)),
        )
        hidden = nn.relu(
            layers.PointwiseConv(channels, self.mode, name="ham_in")(features)
        )
        self.sow("intermediates", "nmf_in", hidden)
        flat = hidden.reshape(batch, height * width, channels).astype(jnp.float32)

        def approximate(pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
            return factorise(pixels, start.value, self.steps)

        bases, coefficients = jax.vmap(approximate)(flat)
        low_rank = coefficients @ bases.transpose(0, 2, 1)
        low_rank = low_rank.reshape(features.shape)
        self.sow("intermediates", "nmf_out", low_rank)
        update = ConvNorm(channels, self.groups, self.mode, name="ham_out")([low_rank])
        return nn.relu(features + update)


class LightHamHead(nn.Module):
    """Joins the four stages and predicts one number a pixel at a quarter of the size.

    Attributes:
        channels: Width of the head.
        bases: Rank of the approximation.
        steps: Multiplicative updates of the approximation.
        groups: Groups of the normalisations.
        dropout: Rate of dropping whole channels before the last layer.
        mode: How it computes.
    """

    channels: int
    bases: int
    steps: int
    groups: int
    dropout: float = 0.0
    mode: layers.Mode = layers.Mode()

    @nn.compact
    def __call__(self, stages: Sequence[jax.Array]) -> jax.Array:
        """Decodes `f32[b h/s w/s c]` for s = 4, 8, 16, 32 into `f32[b h/4 w/4 1]`."""
        groups, mode = self.groups, self.mode
        hidden = nn.relu(ConvNorm(self.channels, groups, mode, name="squeeze")(stages))
        hidden = Hamburger(self.bases, self.steps, groups, mode, name="hamburger")(
            hidden
        )
        hidden = nn.relu(ConvNorm(self.channels, groups, mode, name="align")([hidden]))
        drop = nn.Dropout(self.dropout, broadcast_dims=(1, 2))
        # Flax types what this layer returns in part.
        dropped = cast("jax.Array", drop(hidden, deterministic=not mode.train))
        return nn.Conv(1, (1, 1), name="conv_seg")(dropped.astype(jnp.float32))
