"""Sizes of a SAM, read from the shapes of its published weights."""

import dataclasses

from rclicks_jax import errors
from rclicks_jax.weights import state_dicts

_BLOCK = "image_encoder.blocks."


@dataclasses.dataclass(frozen=True)
class SamSizes:
    """Widths and depths of a SAM.

    Attributes:
        patch: Side of a patch, pixels.
        grid: Patches along a side of the square that the encoder sees.
        dim: Channels of the encoder.
        depth: Blocks of the encoder.
        head: Channels of a head of the encoder.
        hidden: Channels within the feed-forward part of a block of the encoder.
        window: Side of a window, patches.
        global_blocks: Numbers of the blocks that attend to the whole square.
        channels: Channels of the embedding and of the decoder.
        mask_channels: Channels of a mask prompt before the last convolution.
        layers: Layers of the decoder's transformer.
        decoder_hidden: Channels within the feed-forward part of such a layer.
        masks: Masks that the decoder can make; the first one is not used for clicks.
        score_hidden: Channels within the head that predicts the masks' IoU.
        score_depth: Layers of that head.
    """

    patch: int
    grid: int
    dim: int
    depth: int
    head: int
    hidden: int
    window: int
    global_blocks: tuple[int, ...]
    channels: int
    mask_channels: int
    layers: int
    decoder_hidden: int
    masks: int
    score_hidden: int
    score_depth: int

    @property
    def side(self) -> int:
        """Side of the square that the encoder sees, pixels."""
        return self.patch * self.grid

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"


def _published(
    dim: int, depth: int, head: int, global_blocks: tuple[int, ...]
) -> SamSizes:
    return SamSizes(
        patch=16,
        grid=64,
        dim=dim,
        depth=depth,
        head=head,
        hidden=4 * dim,
        window=14,
        global_blocks=global_blocks,
        channels=256,
        mask_channels=16,
        layers=2,
        decoder_hidden=2048,
        masks=4,
        score_hidden=256,
        score_depth=3,
    )


PUBLISHED = {
    "vit_b": _published(768, 12, 64, (2, 5, 8, 11)),
    "vit_l": _published(1024, 24, 64, (5, 11, 17, 23)),
    "vit_h": _published(1280, 32, 80, (7, 15, 23, 31)),
}


def sizes_of(state: state_dicts.State) -> SamSizes:
    """Returns the sizes of the SAM that a state dict, by the original's names, is of.

    Raises:
        DataError: Keys that show the sizes are missing, or no SAM has such sizes.
    """
    shapes = state_dicts.shapes_of(state)
    named = state_dicts.named(state)

    def shape(key: str, rank: int) -> tuple[int, ...]:
        found = shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{named} lacks {key}, so it is none of SAM. {_instead(shapes)}A SAM "
                "has image_encoder, prompt_encoder and mask_decoder, or the same parts "
                "by the names of the Hugging Face hub."
            )
        if len(found) != rank or 0 in found:
            raise errors.DataError(
                f"{named} has {key} of shape {found}; that of a SAM has {rank} "
                "sides, none of them 0."
            )
        return found

    def count(prefix: str) -> int:
        names = {
            key[len(prefix) :].split(".")[0] for key in shapes if key.startswith(prefix)
        }
        return sum(name.isdigit() for name in names)

    dim, _, patch, _ = shape("image_encoder.patch_embed.proj.weight", 4)
    grid = shape("image_encoder.pos_embed", 4)[1]
    depth = count(_BLOCK)
    tables = [shape(f"{_BLOCK}{block}.attn.rel_pos_h", 2) for block in range(depth)]
    sides = [(length + 1) // 2 for length, _ in tables]
    heads = {channels for _, channels in tables}
    windows = {side for side in sides if side != grid}
    head = max(heads, default=0)
    if len(windows) > 1 or len(heads) != 1 or dim % head:
        raise errors.DataError(
            f"{named} has an encoder of {depth} blocks of {dim} channels with "
            f"windows of {sorted(windows)} patches and a grid of {grid}; a SAM has one "
            "size of windows, and heads of one size that divides its channels."
        )
    mask_decoder = "mask_decoder."
    return SamSizes(
        patch=patch,
        grid=grid,
        dim=dim,
        depth=depth,
        head=head,
        hidden=shape(f"{_BLOCK}0.mlp.lin1.weight", 2)[0],
        window=min(sides),
        global_blocks=tuple(n for n, side in enumerate(sides) if side == grid),
        channels=shape("image_encoder.neck.0.weight", 4)[0],
        mask_channels=shape("prompt_encoder.mask_downscaling.3.weight", 4)[0],
        layers=count(f"{mask_decoder}transformer.layers."),
        decoder_hidden=shape(f"{mask_decoder}transformer.layers.0.mlp.lin1.weight", 2)[
            0
        ],
        masks=shape(f"{mask_decoder}mask_tokens.weight", 2)[0],
        score_hidden=shape(f"{mask_decoder}iou_prediction_head.layers.0.weight", 2)[0],
        score_depth=count(f"{mask_decoder}iou_prediction_head.layers."),
    )


def _instead(shapes: state_dicts.Shapes) -> str:
    """Returns a sentence on what it is, if that is SAM 2."""
    if "sam_mask_decoder.iou_token.weight" in shapes:
        return "It has the keys of SAM 2, which is `jax_sam2`. "
    return ""
