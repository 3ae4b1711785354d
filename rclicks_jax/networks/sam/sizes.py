"""Sizes of a SAM, read from the shapes of its published weights."""

import abc
import dataclasses

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.networks.prompted import reading
from rclicks_jax.weights import state_dicts

_BLOCK = "image_encoder.blocks."
_DECODER = "mask_decoder."


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderSizes(abc.ABC):
    """Widths and depths of prompts and decoder, whatever the image encoder.

    Attributes:
        grid: Places of the embedding along a side of the square.
        channels: Channels of the embedding and of the decoder.
        mask_channels: Channels of a mask prompt before the last convolution.
        layers: Layers of the decoder's transformer.
        decoder_hidden: Channels within the feed-forward part of such a layer.
        masks: Masks that the decoder can make; the first one is not used for clicks.
        score_hidden: Channels within the head that predicts the masks' IoU.
        score_depth: Layers of that head.
    """

    grid: int
    channels: int
    mask_channels: int
    layers: int
    decoder_hidden: int
    masks: int
    score_hidden: int
    score_depth: int

    @property
    @abc.abstractmethod
    def side(self) -> int:
        """Side of the square that the encoder sees, pixels."""

    @property
    @abc.abstractmethod
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamSizes(DecoderSizes):
    """Widths and depths of a SAM.

    Attributes:
        patch: Side of a patch, pixels; a patch is a place of the embedding.
        dim: Channels of the encoder.
        depth: Blocks of the encoder.
        head: Channels of a head of the encoder.
        hidden: Channels within the feed-forward part of a block of the encoder.
        window: Side of a window, patches.
        global_blocks: Numbers of the blocks that attend to the whole square.
    """

    patch: int
    dim: int
    depth: int
    head: int
    hidden: int
    window: int
    global_blocks: tuple[int, ...]

    @property
    def side(self) -> int:
        """Side of the square that the encoder sees, pixels."""
        return self.patch * self.grid

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"


# Of all published weights that have this decoder.
PUBLISHED_DECODER = {
    "grid": 64,
    "channels": 256,
    "mask_channels": 16,
    "layers": 2,
    "decoder_hidden": 2048,
    "masks": 4,
    "score_hidden": 256,
    "score_depth": 3,
}


def _published(
    dim: int, depth: int, head: int, global_blocks: tuple[int, ...]
) -> SamSizes:
    return SamSizes(
        patch=16,
        dim=dim,
        depth=depth,
        head=head,
        hidden=4 * dim,
        window=14,
        global_blocks=global_blocks,
        **PUBLISHED_DECODER,
    )


PUBLISHED = {
    "vit_b": _published(768, 12, 64, (2, 5, 8, 11)),
    "vit_l": _published(1024, 24, 64, (5, 11, 17, 23)),
    "vit_h": _published(1280, 32, 80, (7, 15, 23, 31)),
}


def sizes_of(state: state_dicts.State, kind: str = kinds.SAM) -> SamSizes:
    """Returns the sizes of the SAM that a state dict, by the original's names, is of.

    Args:
        state: The state dict.
        kind: Name of SAM in `kinds`, or of a method with its encoder.

    Raises:
        DataError: Keys that show the sizes are missing, or no SAM has such sizes.
    """
    shown = reading.Shown(state, kind)
    dim, _, patch, _ = shown.shape("image_encoder.patch_embed.proj.weight", 4)
    grid = shown.shape("image_encoder.pos_embed", 4)[1]
    depth = shown.count(_BLOCK)
    tables = [
        shown.shape(f"{_BLOCK}{block}.attn.rel_pos_h", 2) for block in range(depth)
    ]
    sides = [(length + 1) // 2 for length, _ in tables]
    heads = {channels for _, channels in tables}
    windows = {side for side in sides if side != grid}
    head = max(heads, default=0)
    if len(windows) > 1 or len(heads) != 1 or dim % head:
        raise errors.DataError(
            f"{shown.named} has an encoder of {depth} blocks of {dim} channels with "
            f"windows of {sorted(windows)} patches and a grid of {grid}; a SAM has one "
            "size of windows, and heads of one size that divides its channels."
        )
    return SamSizes(
        patch=patch,
        grid=grid,
        dim=dim,
        depth=depth,
        head=head,
        hidden=shown.shape(f"{_BLOCK}0.mlp.lin1.weight", 2)[0],
        window=min(sides),
        global_blocks=tuple(n for n, side in enumerate(sides) if side == grid),
        **decoder_of(shown),
    )


def decoder_of(shown: reading.Shown) -> dict[str, int]:
    """Returns the sizes of prompts and decoder, but for the grid, by their names.

    Raises:
        DataError: Keys that show the sizes are missing.
    """
    layer, head = f"{_DECODER}transformer.layers.", f"{_DECODER}iou_prediction_head."
    return {
        "channels": shown.shape("image_encoder.neck.0.weight", 4)[0],
        "mask_channels": shown.shape("prompt_encoder.mask_downscaling.3.weight", 4)[0],
        "layers": shown.count(layer),
        "decoder_hidden": shown.shape(f"{layer}0.mlp.lin1.weight", 2)[0],
        "masks": shown.shape(f"{_DECODER}mask_tokens.weight", 2)[0],
        "score_hidden": shown.shape(f"{head}layers.0.weight", 2)[0],
        "score_depth": shown.count(f"{head}layers."),
    }
