"""Sizes of the clickability network."""

import dataclasses

from rclicks_jax import errors

# The architecture whose sizes are here, and that of cards which name none.
CLICKABILITY = "clickability"


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Widths and depths of the clickability network.

    Attributes:
        variant: Name of the size.
        embed_dims: Channels of the four stages.
        depths: Blocks of the four stages.
        mlp_ratios: Widening of the feed-forward part, by stage.
        ham_channels: Channels of the decoder; a multiple of `norm_groups`.
        ham_bases: Rank of the matrix decomposition.
        ham_train_steps: Multiplicative updates in training.
        ham_eval_steps: Multiplicative updates otherwise.
        norm_groups: Groups of the decoder's group normalisation.
        drop_path: Rate of stochastic depth in the last block; it grows linearly from 0.
        dropout: Rate before the last layer.
    """

    variant: str
    embed_dims: tuple[int, ...]
    depths: tuple[int, ...]
    ham_channels: int
    mlp_ratios: tuple[int, ...] = (8, 8, 4, 4)
    ham_bases: int = 16
    ham_train_steps: int = 6
    ham_eval_steps: int = 7
    norm_groups: int = 32
    drop_path: float = 0.1
    dropout: float = 0.1


NETWORKS = {
    "b": NetworkConfig("b", (64, 128, 320, 512), (3, 3, 12, 3), 512),
    "s": NetworkConfig("s", (64, 128, 320, 512), (2, 2, 4, 2), 256),
    "t": NetworkConfig("t", (32, 64, 160, 256), (3, 3, 5, 2), 256),
    "tiny": NetworkConfig(
        "tiny", (16, 32, 48, 64), (1, 1, 2, 1), 64, mlp_ratios=(4, 4, 4, 4)
    ),
    "nano": NetworkConfig(
        "nano", (4, 8, 8, 16), (1, 1, 1, 1), 32, mlp_ratios=(2, 2, 2, 2), ham_bases=4
    ),
}


def network(variant: str) -> NetworkConfig:
    """Returns the network called `variant`; raises `UnknownNameError`."""
    if variant not in NETWORKS:
        raise errors.UnknownNameError("network variant", variant, NETWORKS)
    return NETWORKS[variant]
