"""Sizes of a clickability network, read from the shapes of the original's weights."""

import dataclasses

from rclicks_jax import errors
from rclicks_jax.settings import networks
from rclicks_jax.weights import key_maps, state_dicts

# Channels, blocks and widening of an encoder's stages.
EncoderSizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

NETWORK = "the clickability network"
ENCODER = "encoder_decoder.backbone."
HEAD = "encoder_decoder.decode_head.0."


def network_of(state: state_dicts.State) -> networks.NetworkConfig:
    """Returns the network that a state dict of the original belongs to.

    Settings that no shape shows (dropout, updates of the decomposition) are those of
    the published network.

    Raises:
        DataError: Keys that show the sizes are missing, or no network has such sizes.
    """
    shapes = state_dicts.shapes_of(state)
    dims, depths, ratios = encoder_sizes(state_dicts.without_prefix(shapes, ENCODER))
    channels = key_maps.side(shapes, f"{HEAD}squeeze.gn.weight", -1, NETWORK)
    bases = key_maps.side(shapes, f"{HEAD}hamburger.ham.bases", -1, NETWORK)
    network = networks.NetworkConfig(
        "custom", dims, depths, channels, mlp_ratios=ratios, ham_bases=bases
    )
    if channels % network.norm_groups or not channels or not bases:
        raise errors.DataError(
            f"The checkpoint's decoder has {channels} channels and {bases} bases; "
            f"allowed: multiples of {network.norm_groups}, and at least one."
        )
    for known in networks.NETWORKS.values():
        if dataclasses.replace(network, variant=known.variant) == known:
            return known
    return network


def encoder_sizes(shapes: state_dicts.Shapes) -> EncoderSizes:
    """Returns the sizes of an encoder, from the shapes of its state dict.

    Raises:
        DataError: Keys that show them are missing, or no encoder has such sizes.
    """
    stages: list[tuple[int, int, int]] = []
    for stage in range(1, 5):
        channels = key_maps.side(shapes, f"norm{stage}.weight", -1, NETWORK)
        hidden = key_maps.side(shapes, f"block{stage}.0.mlp.fc1.bias", -1, NETWORK)
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


def in_words(sizes: EncoderSizes) -> str:
    """Returns the variant that has these sizes, or the sizes, in words."""
    dims, depths, ratios = sizes
    names = [
        name
        for name, network in networks.NETWORKS.items()
        if (network.embed_dims, network.depths, network.mlp_ratios) == sizes
    ]
    if names:
        return f"variant {names[0]}"
    return f"channels {dims}, blocks {depths} and widening {ratios}"
