"""Sizes of a MobileSAM, read from the shapes of its published weights.

The side of the square is in no shape. Nor is it that the last stage is not of half the
size: the authors' code has both written in.

Source: ChaoningZhang/MobileSAM, mobile_sam/build_sam.py.
"""

import dataclasses
import math

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.networks.prompted import reading
from rclicks_jax.networks.sam import sizes as sam_sizes
from rclicks_jax.weights import state_dicts

# Side of the square, pixels; and of a place of the embedding.
SIDE = 1024
STRIDE = 16
# The first stage has convolutions, the others have attention.
STAGES = 4
_LAYERS = "image_encoder.layers."


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileSamSizes(sam_sizes.DecoderSizes):
    """Widths and depths of a MobileSAM.

    Attributes:
        dims: Channels of each stage of the encoder.
        depths: Blocks of each stage.
        hidden: Channels between the convolutions of the first stage's blocks, and
            within the feed-forward parts of the others'.
        heads: Heads of each stage but the first.
        windows: Sides of the windows of each stage but the first, places.
    """

    dims: tuple[int, ...]
    depths: tuple[int, ...]
    hidden: tuple[int, ...]
    heads: tuple[int, ...]
    windows: tuple[int, ...]

    @property
    def side(self) -> int:
        """Side of the square that the encoder sees, pixels."""
        return self.grid * STRIDE

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is not the published one."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"


PUBLISHED = {
    "vit_t": MobileSamSizes(
        dims=(64, 128, 160, 320),
        depths=(2, 2, 6, 2),
        hidden=(256, 512, 640, 1280),
        heads=(4, 5, 10),
        windows=(7, 14, 7),
        **sam_sizes.PUBLISHED_DECODER,
    )
}


def sizes_of(state: state_dicts.State) -> MobileSamSizes:
    """Returns the sizes of the MobileSAM that a state dict is of.

    Raises:
        DataError: Keys that show the sizes are missing, or no MobileSAM has such sizes.
    """
    shown = reading.Shown(state, kinds.MOBILE_SAM)
    firsts = [f"{_LAYERS}{stage}.blocks.0." for stage in range(STAGES)]
    convolved = shown.shape(f"{firsts[0]}conv1.c.weight", 4)
    fed = [shown.shape(f"{first}mlp.fc1.weight", 2) for first in firsts[1:]]
    dims = (convolved[1], *(dim for _, dim in fed))
    tables = [shown.shape(f"{first}attn.attention_biases", 2) for first in firsts[1:]]
    for dim, (heads, offsets) in zip(dims[1:], tables, strict=True):
        if dim % heads or math.isqrt(offsets) ** 2 != offsets:
            raise errors.DataError(
                f"{shown.named} has a stage of {dim} channels with {heads} heads and "
                f"{offsets} distances within a window; the heads of a MobileSAM are of "
                "one size, and its distances those of a square."
            )
    return MobileSamSizes(
        grid=SIDE // STRIDE,
        dims=dims,
        depths=tuple(
            shown.count(f"{_LAYERS}{stage}.blocks.") for stage in range(STAGES)
        ),
        hidden=(convolved[0], *(hidden for hidden, _ in fed)),
        heads=tuple(heads for heads, _ in tables),
        windows=tuple(math.isqrt(offsets) for _, offsets in tables),
        **sam_sizes.decoder_of(shown),
    )
