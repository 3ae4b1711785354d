"""Architectures: kinds of networks that make click maps, each known by a name.

A model's card and `--config.architecture` of a training name one, and
`registry.ARCHITECTURES` says where it is. A further one is a module with an
`Architecture` in it, and an entry there.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar, cast

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax import registry
from rclicks_jax.settings import checks
from rclicks_jax.weights import state_dicts
from rclicks_jax.weights.key_maps import LeafPath

# Nested dictionaries of arrays: collections, modules, leaves.
Variables = dict[str, Any]


class Config(Protocol):
    """Widths and depths of a network: a frozen dataclass that a card keeps as JSON."""

    @property
    def variant(self) -> str:
        """Name of the size."""
        ...


C = TypeVar("C", bound=Config)
C_contra = TypeVar("C_contra", bound=Config, contravariant=True)


class MakeNetwork(Protocol[C_contra]):
    """Makes the Flax module of a network."""

    def __call__(
        self,
        config: C_contra,
        *,
        train: bool = False,
        axis_name: str | None = None,
        dtype: DTypeLike = jnp.float32,
    ) -> nn.Module:
        """Returns a module that maps `(image, masks)` to click maps before scaling.

        `image` is RGB, normalised with ImageNet's mean and deviation and 0 in the
        padding, `f32[b s s 3]`; `masks` are the target mask and the error mask, in this
        order, `f32[b s s 2]`. The result is `f32[b s s]`, any real numbers; the caller
        scales each map to [0, 1]. Without `train` no row depends on another. Equal
        settings give equal modules with equal hashes, as Flax modules have them.

        Variables are `params`, which are trained, and where the network has them
        `batch_stats`, which it changes itself in training, and `constants`. Random keys
        are called `dropout`.

        Args:
            config: Widths and depths.
            train: Whether to use statistics of the batch, and to drop at random.
            axis_name: Axis of the devices over which the batch is spread.
            dtype: Type of features and products; parameters and results are float32.
        """
        ...


def flatten(variables: Variables) -> dict[LeafPath, Any]:
    """Returns the leaves of variables by their paths."""
    # Flax does not say of which type keys are.
    return cast("dict[LeafPath, Any]", flax.traverse_util.flatten_dict(variables))


def unflatten(leaves: Mapping[LeafPath, Any]) -> Variables:
    """Returns the variables that have these leaves: the inverse of `flatten`."""
    return cast("Variables", flax.traverse_util.unflatten_dict(leaves))


class Module(Protocol):
    """What makes its own variables, as Flax modules do."""

    @property
    def init(self) -> Callable[..., Any]:
        """Makes variables, of a key and of what the module is called with."""
        ...


def shapes(net: Module, *inputs: jax.ShapeDtypeStruct) -> Variables:
    """Returns the shapes of the variables of a module; nothing is computed.

    Args:
        net: The module.
        *inputs: Shapes and types of what it is called with.
    """
    # A copy, since the tree is kept.
    return unflatten(flatten(_shapes(net, *inputs)))


@functools.lru_cache(maxsize=8)
def _shapes(net: Module, *inputs: jax.ShapeDtypeStruct) -> Variables:
    # To trace a network takes a second.
    return cast("Variables", jax.eval_shape(net.init, jax.random.key(0), *inputs))


_ANY_SIDE = checks.at_least(1)


def _unchanged(gradients: Variables) -> Variables:
    return gradients


@dataclasses.dataclass(frozen=True)
class Architecture(Generic[C]):
    """All that the project needs to know of a kind of network.

    Attributes:
        config: Type of its widths and depths.
        variant: Returns those of a named size; raises `UnknownNameError`.
        network: Makes the module.
        init: Returns fresh variables for a config and a seed, as NumPy arrays.
        sides: Sides of the squares that it takes, pixels.
        without_cancelled: Returns gradients of `params` in which those that are nothing
            but rounding are 0.
        encoder: Name of the encoder among `params`; empty if there is none.
        encoder_from_torch: Returns variables whose encoder is that of a state dict;
            None if no such checkpoints are known.
        from_torch: Returns config and variables of a state dict of PyTorch; None if
            there are none. Raises `DataError` for what is no such state dict.
        to_torch: The inverse; None if there is none.
        with_remat: Returns the network with the same results and gradients, whose
            backward pass computes features again instead of keeping them; None if
            there is none.
    """

    config: type[C]
    variant: Callable[[str], C]
    network: MakeNetwork[C]
    init: Callable[[C, int], Variables]
    sides: checks.Check = _ANY_SIDE
    without_cancelled: Callable[[Variables], Variables] = _unchanged
    encoder: str = ""
    encoder_from_torch: Callable[[state_dicts.State, Variables], Variables] | None = (
        None
    )
    from_torch: Callable[[state_dicts.State], tuple[C, Variables]] | None = None
    to_torch: Callable[[Variables], state_dicts.State] | None = None
    with_remat: Callable[[nn.Module], nn.Module] | None = None


def find(name: str) -> Architecture[Any]:
    """Returns the architecture of a name; raises `UnknownNameError`."""
    return registry.find("architecture", registry.ARCHITECTURES, name)
