"""Sizes of a SAM 2: read from the shapes of its weights, as far as these show them.

Heads, windows, the blocks that attend to everything, and the side of the square are in
no shape. They are known for the published sizes only.

Source: facebookresearch/sam2, sam2/configs/sam2.1.
"""

import dataclasses
import re

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.weights import state_dicts

PATCH_STRIDE = 4
# Pixels of the square along a side of a place of the embedding.
EMBEDDING_STRIDE = 16
_TRUNK = "image_encoder.trunk."
_DECODER = "sam_mask_decoder."


@dataclasses.dataclass(frozen=True)
class BlockSizes:
    """Sizes of a block of the encoder.

    Attributes:
        inputs: Channels of what comes in.
        outputs: Channels of what goes out.
        heads: Heads of the attention.
        window: Side of a window, places; 0 for the whole square.
        pooled: Whether the size is halved.
        ends_stage: Whether the neck sees what goes out.
    """

    inputs: int
    outputs: int
    heads: int
    window: int
    pooled: bool
    ends_stage: bool


@dataclasses.dataclass(frozen=True)
class Sam2Sizes:
    """Widths and depths of a SAM 2.

    Attributes:
        side: Side of the square that the encoder sees, pixels.
        dim: Channels of the first stage; each further stage has twice as many.
        heads: Heads of the first stage; each further stage has twice as many.
        stages: Blocks of each stage.
        windows: Side of a window in each stage, places.
        global_blocks: Numbers of the blocks that attend to the whole square.
        background: Side of the table of positions in the whole square.
        channels: Channels of the embedding and of the decoder.
        mask_channels: Channels of a mask prompt before the last convolution.
        layers: Layers of the decoder's transformer.
        decoder_hidden: Channels within the feed-forward part of such a layer.
        masks: Masks that the decoder can make; the first is the single one.
        score_hidden: Channels within the head that predicts the masks' IoU.
        score_depth: Layers of that head.
    """

    side: int
    dim: int
    heads: int
    stages: tuple[int, ...]
    windows: tuple[int, ...]
    global_blocks: tuple[int, ...]
    background: int
    channels: int = 256
    mask_channels: int = 16
    layers: int = 2
    decoder_hidden: int = 2048
    masks: int = 4
    score_hidden: int = 256
    score_depth: int = 3

    @property
    def grid(self) -> int:
        """Places of the embedding along a side of the square."""
        return self.side // EMBEDDING_STRIDE

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.dim << stage for stage in range(len(self.stages)))

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"

    @property
    def blocks(self) -> list[BlockSizes]:
        """Sizes of the blocks of all stages.

        The first block of a further stage halves the size, and still has the windows of
        the stage before.
        """
        made: list[BlockSizes] = []
        for stage, count in enumerate(self.stages):
            for number in range(count):
                pooled = stage > 0 and number == 0
                before = stage - 1 if pooled else stage
                window = self.windows[before]
                made.append(
                    BlockSizes(
                        inputs=self.widths[before],
                        outputs=self.widths[stage],
                        heads=self.heads << stage,
                        window=0 if len(made) in self.global_blocks else window,
                        pooled=pooled,
                        ends_stage=number == count - 1,
                    )
                )
        return made


def _published(
    dim: int,
    heads: int,
    stages: tuple[int, ...],
    global_blocks: tuple[int, ...],
    windows: tuple[int, ...] = (8, 4, 14, 7),
    background: int = 7,
) -> Sam2Sizes:
    return Sam2Sizes(1024, dim, heads, stages, windows, global_blocks, background)


PUBLISHED = {
    "hiera_t": _published(96, 1, (1, 2, 7, 2), (5, 7, 9)),
    "hiera_s": _published(96, 1, (1, 2, 11, 2), (7, 10, 13)),
    "hiera_b+": _published(112, 2, (2, 3, 16, 3), (12, 16, 20), background=14),
    "hiera_l": _published(144, 2, (2, 6, 36, 4), (23, 33, 43), windows=(8, 4, 16, 8)),
}


def sizes_of(state: state_dicts.State) -> Sam2Sizes:
    """Returns the sizes of the SAM 2 that a state dict, by the original's names, is of.

    Raises:
        DataError: Keys that show the sizes are missing, or it is of no published size.
    """
    shapes = state_dicts.shapes_of(state)
    named = state_dicts.named(state)
    kinds.check(state, kinds.SAM2)

    def side(key: str, rank: int, axis: int = 0) -> int:
        found = shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{named} lacks {key}, so it is none of SAM 2. A SAM 2 has "
                "image_encoder.trunk, sam_prompt_encoder and sam_mask_decoder, "
                "or the same parts by the names of the Hugging Face hub."
            )
        if len(found) != rank or 0 in found:
            raise errors.DataError(
                f"{named} has {key} of shape {found}; that of a SAM 2 has {rank} "
                "sides, none of them 0."
            )
        return found[axis]

    def count(prefix: str) -> int:
        pattern = re.compile(rf"{re.escape(prefix)}(\d{{1,4}})\.")
        return len({found[1] for key in shapes if (found := pattern.match(key))})

    dim = side(f"{_TRUNK}patch_embed.proj.weight", 4)
    blocks = range(count(f"{_TRUNK}blocks."))
    widths = [side(f"{_TRUNK}blocks.{block}.norm2.weight", 1) for block in blocks]
    layer, head = f"{_DECODER}transformer.layers.", f"{_DECODER}iou_prediction_head."
    shown: dict[str, object] = {
        "dim": dim,
        "stages": tuple(widths.count(width) for width in sorted(set(widths))),
        "background": side(f"{_TRUNK}pos_embed", 4, 2),
        "channels": side("image_encoder.neck.convs.0.conv.weight", 4),
        "mask_channels": side("sam_prompt_encoder.mask_downscaling.3.weight", 4),
        "layers": count(layer),
        "decoder_hidden": side(f"{layer}0.mlp.layers.0.weight", 2),
        "masks": side(f"{_DECODER}mask_tokens.weight", 2),
        "score_hidden": side(f"{head}layers.0.weight", 2),
        "score_depth": count(f"{head}layers."),
    }
    for sizes in PUBLISHED.values():
        if shown.items() <= dataclasses.asdict(sizes).items():
            return sizes
    allowed = [
        f"{name} ({_in_words(sizes.dim, sizes.stages)})"
        for name, sizes in PUBLISHED.items()
    ]
    raise errors.DataError(
        f"{named} is of a SAM 2 of no published size: its encoder has "
        f"{_in_words(dim, shown['stages'])}, and its decoder {shown['channels']} "
        f"channels. Heads and windows are not in the weights, so only these are "
        f"allowed: {', '.join(allowed)}."
    )


def _in_words(dim: int, stages: object) -> str:
    return f"{dim} channels and stages of {stages} blocks"
