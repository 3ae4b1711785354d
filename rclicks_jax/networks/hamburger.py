"""The decoder of SegNeXt: a low-rank model of the features ("Hamburger").

Source: Geng et al., "Is Attention Better Than Matrix Decomposition?", ICLR 2021;
open-mmlab/mmsegmentation, mmseg/models/decode_heads/ham_head.py, as used by
emb-ai/rclicks.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import layout
from jax.typing import DTypeLike

from rclicks_jax.networks import factorisation, layers
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import activations, registers, resize

_NORM_EPSILON = 1e-5
# Layouts of the images of a batch, `f32[b h w c]`.
_SIDE_BY_SIDE = layout.Layout(major_to_minor=(1, 2, 0, 3))
_ONE_AFTER_THE_OTHER = layout.Layout(major_to_minor=(0, 1, 2, 3))


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
        norm = nn.GroupNorm(
            self.groups, epsilon=_NORM_EPSILON, dtype=self.mode.dtype, name="gn"
        )
        return norm(hidden)


def decode_image(
    variables: Variables,
    stages: Sequence[jax.Array],
    *,
    steps: int,
    groups: int,
    dtype: DTypeLike,
    update_dtype: DTypeLike,
    kept: jax.Array | None = None,
) -> jax.Array:
    """Decodes the stages of one image as `LightHamHead` does those of a batch.

    All arrays of one image fit into the memory beside a TPU's units, where the updates
    of the approximation read them at no cost. Three things are in another order: the
    stages are resized along columns as one product, columns come before rows until the
    end, and what follows the approximation is applied to its bases, so that it is never
    as large as the features.

    Args:
        variables: `params` and `constants` of the head.
        stages: `f32[h/s w/s c]` for s = 4, 8, 16, 32.
        steps: Multiplicative updates.
        groups: Groups of the normalisations.
        dtype: Type of features and products.
        update_dtype: Type of what the approximation adds to features.
        kept: Factors of the channels before the last layer, `f32[c]`: 0 where one is
            dropped. None keeps all.

    Returns:
        `f32[h/4 w/4]`.
    """
    params, constants = variables["params"], variables["constants"]

    def rectified(features: jax.Array, terms: tuple[jax.Array, jax.Array]) -> jax.Array:
        factor, offset = terms
        return nn.relu(features * factor[None, None] + offset[None, None]).astype(dtype)

    def moments(features: jax.Array) -> tuple[jax.Array, jax.Array]:
        exact = features.astype(jnp.float32)
        return exact.mean((0, 1)), (exact * exact).mean((0, 1))

    def matrix(part: Any) -> jax.Array:
        return part["kernel"][0, 0].astype(dtype)

    squeezed = _join_image(stages, matrix(params["squeeze"]["conv"]))
    norm = params["squeeze"]["gn"]
    hidden = rectified(squeezed, _norm_terms(norm, groups, *moments(squeezed)))

    ham = params["hamburger"]
    bias = ham["ham_in"]["bias"].astype(dtype)
    product = hidden @ matrix(ham["ham_in"])
    # JAX does not type what has a gradient of its own.
    positive = cast("jax.Array", activations.biased_relu(product, bias[None, None]))
    flat = positive.reshape(-1, positive.shape[-1]).astype(jnp.float32)
    bases, coefficients = cast(
        "tuple[jax.Array, jax.Array]",
        factorisation.factorise_image(flat, constants["hamburger"]["bases"], steps),
    )
    exact = functools.partial(jnp.matmul, precision="highest")
    outputs = exact(bases.T, ham["ham_out"]["conv"]["kernel"][0, 0])
    gram = exact(coefficients.T, coefficients) / len(coefficients)
    mean = exact(coefficients.mean(0), outputs)
    square = (exact(gram, outputs) * outputs).sum(0)
    factor, offset = _norm_terms(ham["ham_out"]["gn"], groups, mean, square)
    scaled = (outputs * factor[None]).astype(update_dtype)
    update = (coefficients.astype(update_dtype) @ scaled).reshape(hidden.shape)
    hidden = nn.relu(hidden + update + offset[None, None]).astype(dtype)

    aligned = hidden @ matrix(params["align"]["conv"])
    norm = params["align"]["gn"]
    hidden = rectified(aligned, _norm_terms(norm, groups, *moments(aligned)))
    last = params["conv_seg"]
    column = last["kernel"][0, 0]
    if kept is not None:
        column = column * kept[:, None]
    # A product with one column would be taken as a sum along lanes.
    columns = jnp.pad(column, ((0, 0), (0, registers.LANES - 1)))
    return (hidden.astype(jnp.float32) @ columns)[..., 0].T + last["bias"][0]


def _join_image(parts: Sequence[jax.Array], kernel: jax.Array) -> jax.Array:
    """Multiplies joined parts, `f32[h w c]`, as `JoinedConv`; returns `f32[w h d]`."""
    widths = [part.shape[-1] for part in parts]
    rows = jnp.split(kernel, np.cumsum(widths)[:-1])
    height, width = parts[0].shape[:2]
    # Joined as they are, which the product does as it reads; what they are resized to
    # would be moved.
    widest = max(part.shape[1] for part in parts[1:])
    lines: list[jax.Array] = []
    across: list[np.ndarray] = []
    down: list[np.ndarray] = []
    for part, row in zip(parts[1:], rows[1:], strict=True):
        rest = widest - part.shape[1]
        lines.append(jnp.pad(part @ row, ((0, 0), (0, rest), (0, 0))))
        weights = resize.bilinear_weights(part.shape[1], width, align_corners=False)
        weights = np.pad(weights, ((0, 0), (0, rest)))
        across.append(np.repeat(weights[None], part.shape[0], axis=0))
        down.append(resize.bilinear_weights(part.shape[0], height, align_corners=False))
    wide = jnp.einsum(
        "hxw,hwc->hxc",
        jnp.asarray(np.concatenate(across), kernel.dtype),
        jnp.concatenate(lines),
    )
    resized = jnp.einsum(
        "yh,hxc->xyc", jnp.asarray(np.concatenate(down, axis=1), kernel.dtype), wide
    )
    return parts[0].transpose(1, 0, 2) @ rows[0] + resized


def _norm_terms(
    norm: Any, groups: int, mean: jax.Array, square: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Returns a group normalisation as a factor and an offset of each channel.

    Args:
        norm: Its scale and bias, `f32[c]`.
        groups: Groups of channels.
        mean: Means of the channels, `f32[c]`.
        square: Means of their squares, `f32[c]`.
    """
    means, squares = (x.reshape(groups, -1).mean(1) for x in (mean, square))
    variances = jnp.maximum(squares - means**2, 0)
    factors = jax.lax.rsqrt(variances + _NORM_EPSILON)
    means, factors = (jnp.repeat(x, mean.size // groups) for x in (means, factors))
    factor = factors * norm["scale"]
    return factor, norm["bias"] - means * factor


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
            return factorisation.factorise(pixels, start.value, self.steps)

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
        remat: Whether the backward pass computes what is between stages and maps again.
    """

    channels: int
    bases: int
    steps: int
    groups: int
    dropout: float = 0.0
    mode: layers.Mode = layers.Mode()
    remat: bool = False

    @nn.compact
    def __call__(self, stages: Sequence[jax.Array]) -> jax.Array:
        """Decodes `f32[b h/s w/s c]` for s = 4, 8, 16, 32 into `f32[b h/4 w/4 1]`."""
        groups, mode = self.groups, self.mode
        squeeze = ConvNorm(self.channels, groups, mode, name="squeeze")
        hamburger = Hamburger(self.bases, self.steps, groups, mode, name="hamburger")
        align = ConvNorm(self.channels, groups, mode, name="align")
        conv_seg = nn.Conv(1, (1, 1), name="conv_seg")
        drop = nn.Dropout(self.dropout, broadcast_dims=(1, 2), parent=None)
        # What draws in a branch for one platform cannot count its draws.
        key = layers.DropKey(name="Dropout_0")() if self._drops else None

        def dropped(features: jax.Array) -> jax.Array:
            if key is None:
                return features
            # Flax types what a layer returns in part.
            return cast(
                "jax.Array", drop.apply({}, features, deterministic=False, rng=key)
            )

        def decode(stages: Sequence[jax.Array]) -> jax.Array:
            hidden = hamburger(nn.relu(squeeze(stages)))
            hidden = dropped(nn.relu(align([hidden])))
            return cast("jax.Array", conv_seg(hidden.astype(jnp.float32)))

        if layers.is_watched(self):
            return decode(stages)
        one: Callable[..., jax.Array] = functools.partial(
            decode_image,
            steps=self.steps,
            groups=groups,
            dtype=mode.dtype,
            # Backward it is read often. Forward, rounding takes longer than it saves.
            update_dtype=mode.dtype if mode.train else jnp.float32,
        )
        if mode.train and self.remat:
            # Products of the approximation are small, and cost less to keep.
            policy = jax.checkpoint_policies.save_only_these_names(
                factorisation.PRODUCTS
            )
            one = cast("Callable[..., jax.Array]", jax.checkpoint(one, policy=policy))

        def decode_each(stages: Sequence[jax.Array]) -> jax.Array:
            variables = cast("Variables", self.variables)
            batch = len(stages[0])
            kept = dropped(jnp.ones((batch, 1, 1, self.channels)))[:, 0, 0]

            def of_image(image: tuple[Sequence[jax.Array], jax.Array]) -> jax.Array:
                return one(variables, image[0], kept=image[1])

            if mode.train and not self.remat:
                # A loop would copy what it keeps of each image. To take one of images
                # that lie side by side, as convolutions want many, would be slow.
                if batch >= registers.ROWS:
                    for each in (_SIDE_BY_SIDE, _ONE_AFTER_THE_OTHER):
                        stages = layout.with_layout_constraint(stages, each)
                images = [[stage[i] for stage in stages] for i in range(batch)]
                maps = jnp.stack(
                    [of_image(image) for image in zip(images, kept, strict=True)]
                )
            else:
                maps = cast("jax.Array", jax.lax.map(of_image, (stages, kept)))
            return maps[..., None]

        # JAX does not type what a branch returns.
        return cast(
            "jax.Array",
            jax.lax.platform_dependent(stages, tpu=decode_each, default=decode),
        )

    @property
    def _drops(self) -> bool:
        return self.mode.train and self.dropout > 0
