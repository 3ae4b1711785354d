"""The clickability network: where would people click, as a map in [0, 1].

Source: emb-ai/rclicks, rclicks/rclicks/nets.py, `SegNeXtSaliency`.
"""

import re
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax import hashing
from rclicks_jax.networks import (
    architectures,
    checkpoint_sizes,
    convert,
    hamburger,
    layers,
    mscan,
)
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.ops import resize
from rclicks_jax.settings import networks
from rclicks_jax.settings.networks import NetworkConfig
from rclicks_jax.weights import state_dicts
from rclicks_jax.weights.key_maps import LeafPath

_CANCELLED = re.compile(r"(patch_embed1/proj_[03]|patch_embed\d_proj)/bias$")


class PromptEncoder(nn.Module):
    """Turns the target mask and the error mask into features of the stem's shape."""

    channels: int
    mode: layers.Mode

    @nn.compact
    def __call__(self, masks: jax.Array) -> jax.Array:
        """Encodes `f32[b h w 2]` as `f32[b h/4 w/4 c]`."""
        mode = self.mode
        conv_0 = layers.PointwiseConv(16, mode, name="conv_0")
        conv_2 = layers.StridedConv(16, mode, name="conv_2")
        conv_4 = layers.StridedConv(self.channels, mode, name="conv_4")
        scale = self.param("scale", nn.initializers.constant(0.05), (1,))

        def encode(masks: jax.Array, sides: tuple[int, int] = (1, 1)) -> jax.Array:
            hidden = nn.relu(conv_0(masks, sides[0] ** 2))
            hidden = nn.relu(conv_2(hidden, sides[0]))
            # Of the kernel a factor costs less than of what it makes.
            return conv_4(hidden, sides[1], jnp.abs(scale[0]))

        # The first layer casts as well, but after masks are folded.
        return layers.of_folded(self, encode, masks.astype(mode.dtype))


class ClickabilityNet(nn.Module):
    """SegNeXt with a mask prompt.

    Attributes:
        config: Widths and depths.
        train: Whether to use batch statistics, dropout and stochastic depth.
        axis_name: Axis over which batch statistics are shared.
        dtype: Type of features and products; parameters and results stay float32.
        remat: Whether the backward pass computes the features in the encoder's blocks
            again, and on TPUs those of the decoder, to save memory.
    """

    config: NetworkConfig
    train: bool = False
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(self, image: jax.Array, masks: jax.Array) -> jax.Array:
        """Predicts click maps.

        Args:
            image: Normalised RGB, `f32[b h w 3]`.
            masks: Target mask and error mask, in this order, `f32[b h w 2]`.

        Returns:
            Click maps before scaling, `f32[b h w]`: any real numbers.
        """
        config = self.config
        mode = layers.Mode(self.train, self.axis_name, self.dtype)
        prompt = PromptEncoder(config.embed_dims[0], mode, name="maps_transform")(masks)
        stages = mscan.Encoder(
            config.embed_dims,
            config.depths,
            config.mlp_ratios,
            config.drop_path,
            mode,
            self.remat,
            name="backbone",
        )(image, prompt)
        steps = config.ham_train_steps if self.train else config.ham_eval_steps
        logits = hamburger.LightHamHead(
            config.ham_channels,
            config.ham_bases,
            steps,
            config.norm_groups,
            config.dropout,
            mode,
            self.remat,
            name="decode_head",
        )(stages)
        shape = image.shape[1:3]
        return resize.resize_bilinear(logits, shape, align_corners=True)[..., 0]


def without_cancelled(gradients: Variables) -> Variables:
    """Sets the gradients of biases that a batch normalisation subtracts again to 0.

    There they are rounding alone, of which Adam would make steps as long as any.

    Args:
        gradients: A tree like `params`.
    """

    def keep(path: tuple[Any, ...], gradient: jax.Array) -> jax.Array:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return jnp.zeros_like(gradient) if _CANCELLED.search(name) else gradient

    return jax.tree_util.tree_map_with_path(keep, gradients)


def variable_shapes(config: NetworkConfig) -> Variables:
    """Returns the shapes of `params`, `batch_stats` and `constants`."""
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    masks = jax.ShapeDtypeStruct((1, 64, 64, 2), jnp.float32)
    shapes = architectures.shapes(ClickabilityNet(config), image, masks)
    return {name: shapes[name] for name in ("params", "batch_stats", "constants")}


def init_variables(config: NetworkConfig, seed: int) -> Variables:
    """Returns fresh variables, drawn as PyTorch draws them by default.

    The original trains from PyTorch's default initialisation: what its configuration
    asks for is never applied. Each leaf is a function of the seed and its own name;
    nothing is compiled.

    Args:
        config: Widths and depths.
        seed: Seed of the training.

    Returns:
        `params`, `batch_stats` and `constants`, as NumPy arrays.
    """
    flat = architectures.flatten(variable_shapes(config))
    shapes: dict[LeafPath, tuple[int, ...]]
    shapes = {path: leaf.shape for path, leaf in flat.items()}
    leaves = {path: _initial_leaf(path, shapes, seed) for path in shapes}
    return architectures.unflatten(leaves)


def _initial_leaf(
    path: LeafPath, shapes: Mapping[LeafPath, tuple[int, ...]], seed: int
) -> np.ndarray:
    shape, name = shapes[path], path[-1]
    generator = np.random.Generator(
        np.random.Philox([seed, hashing.stable_hash("/".join(path))])
    )
    kernel = shapes.get((*path[:-1], "kernel"))
    if kernel is not None:
        reach = 1 / np.sqrt(np.prod(kernel[:-1]))
        return generator.uniform(-reach, reach, shape).astype(np.float32)
    if name == "bases":
        bases = generator.uniform(size=shape)
        return (bases / np.linalg.norm(bases, axis=0)).astype(np.float32)
    if name.startswith("layer_scale"):
        return np.full(shape, 0.01, np.float32)
    if path[1:] == ("maps_transform", "scale"):
        return np.full(shape, 0.05, np.float32)
    return np.full(shape, float(name in ("scale", "var")), np.float32)


def from_torch(state: state_dicts.State) -> tuple[NetworkConfig, Variables]:
    """Returns the network that a state dict of the original is of, and its variables.

    Raises:
        DataError: It is of no such network; names what is missing, left over or wrong.
    """
    config = checkpoint_sizes.network_of(state)
    variables = convert.from_torch(state, variable_shapes(config))
    return config, {**variables, convert.COUNTERS: convert.counters_of(state)}


ARCHITECTURE = architectures.Architecture(
    config=NetworkConfig,
    variant=networks.network,
    network=ClickabilityNet,
    init=init_variables,
    without_cancelled=without_cancelled,
    encoder="backbone",
    encoder_from_torch=convert.encoder_from_torch,
    from_torch=from_torch,
    to_torch=convert.to_torch,
    with_remat=lambda net: net.clone(remat=True),
)
