"""State dicts of PyTorch: where a checkpoint has one, and of which network it is."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from rclicks_jax import config, errors

State = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]
# Channels, blocks and widening of an encoder's stages.
EncoderSizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

ENCODER = "encoder_decoder.backbone."
HEAD = "encoder_decoder.decode_head.0."
_MOST_SHOWN = 5


def state_dict(saved: Any) -> dict[str, np.ndarray]:
    """Finds the state dict in what a checkpoint holds.

    It may lie under `state_dict` or `model`, and all its keys may start with `module.`,
    as `DataParallel` leaves them.

    Args:
        saved: What `torch_files.read` returned.

    Raises:
        DataError: There is something else than tensors; names it.
    """
    for wrapper in ("state_dict", "model"):
        if isinstance(saved, dict) and isinstance(saved.get(wrapper), dict):
            saved = saved[wrapper]
    if not isinstance(saved, dict) or not saved:
        raise errors.DataError(
            f"The checkpoint holds a {type(saved).__name__} of no tensors instead of a "
            "state dict."
        )
    others = [
        str(name)
        for name, value in saved.items()
        if not isinstance(name, str) or not isinstance(value, np.ndarray)
    ]
    if others:
        raise errors.DataError(
            f"The checkpoint is no state dict, nor has one under `state_dict` or "
            f"`model`: no tensors are {listed(others)}."
        )
    wrapped = all(name.startswith("module.") for name in saved)
    return without_prefix(saved, "module.") if wrapped else dict(saved)


def network_of(state: State) -> config.NetworkConfig:
    """Returns the network that a state dict of the original belongs to.

    What no shape shows (dropout, updates of the decomposition) is as published.

    Raises:
        DataError: The keys that tell the sizes are missing or tell nonsense.
    """
    shapes = {key: array.shape for key, array in state.items()}
    dims, depths, ratios = encoder_sizes(without_prefix(shapes, ENCODER))
    channels = _length(shapes, f"{HEAD}squeeze.gn.weight")
    bases = _length(shapes, f"{HEAD}hamburger.ham.bases")
    network = config.NetworkConfig(
        "custom", dims, depths, channels, mlp_ratios=ratios, ham_bases=bases
    )
    if channels % network.norm_groups or not channels or not bases:
        raise errors.DataError(
            f"The checkpoint's decoder has {channels} channels and {bases} bases; "
            f"allowed: multiples of {network.norm_groups}, and at least one."
        )
    for known in config.NETWORKS.values():
        if dataclasses.replace(network, variant=known.variant) == known:
            return known
    return network


def encoder_sizes(shapes: Shapes) -> EncoderSizes:
    """Returns the sizes of an encoder, from the shapes of its state dict.

    Raises:
        DataError: The keys that tell them are missing or tell nonsense.
    """
    stages = []
    for stage in range(1, 5):
        channels = _length(shapes, f"norm{stage}.weight")
        hidden = _length(shapes, f"block{stage}.0.mlp.fc1.bias")
        if channels < 2 or hidden < channels:
            raise errors.DataError(
                f"The checkpoint's stage {stage} has {channels} channels and {hidden} "
                "in its feed-forward part: no encoder has."
            )
        blocks = {
            key.split(".")[1] for key in shapes if key.startswith(f"block{stage}.")
        }
        stages.append((channels, len(blocks), hidden // channels))
    dims, depths, ratios = zip(*stages, strict=True)
    return dims, depths, ratios


def described(sizes: EncoderSizes) -> str:
    """Returns the variant that has these sizes, or the sizes, in words."""
    dims, depths, ratios = sizes
    named = [
        name
        for name, network in config.NETWORKS.items()
        if (network.embed_dims, network.depths, network.mlp_ratios) == sizes
    ]
    if named:
        return f"variant {named[0]}"
    return f"channels {dims}, blocks {depths} and widening {ratios}"


def _length(shapes: Shapes, key: str) -> int:
    """Returns the last side of an array that tells a size of the network."""
    if not shapes.get(key):
        raise errors.DataError(
            f"The checkpoint lacks {key}, so it is none of this network."
        )
    return shapes[key][-1]


def without_prefix(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Returns the same values; keys that start with `prefix` lose it."""
    return {key.removeprefix(prefix): value for key, value in values.items()}


def listed(keys: Iterable[str]) -> str:
    """Returns how many keys there are, and the first of them."""
    names = sorted(keys)
    more = ", ..." if len(names) > _MOST_SHOWN else ""
    return f"{len(names)}: {', '.join(names[:_MOST_SHOWN])}{more}"
