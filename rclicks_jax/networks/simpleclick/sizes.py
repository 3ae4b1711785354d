"""Sizes of a SimpleClick, read from the shapes of its weights and its settings."""

import dataclasses

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.networks.simpleclick import reading
from rclicks_jax.networks.simpleclick.reading import RADIUS
from rclicks_jax.weights import state_dicts

# Side of the windows within which most blocks attend, pixels of the square, about.
_WINDOW = 224
# Layers beside the image: the last answer, positive and negative clicks.
CLICK_LAYERS = 3


@dataclasses.dataclass(frozen=True)
class SimpleClickSizes:
    """Widths and depths of a SimpleClick.

    Attributes:
        patch: Side of a patch, pixels.
        learnt: Patches along a side of the square that positions were learnt for.
        dim: Channels of the transformer.
        depth: Blocks of the transformer.
        heads: Heads of a block.
        hidden: Channels within the feed-forward part of a block.
        pyramid: Channels of the pyramid's levels, the finest first.
        channels: Channels of the head.
    """

    patch: int
    learnt: int
    dim: int
    depth: int
    heads: int
    hidden: int
    pyramid: tuple[int, int, int, int]
    channels: int

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"

    @property
    def group(self) -> int:
        """Number of blocks of which the last attends to the whole square."""
        return 6 if self.depth == 12 else self.depth // 4

    def windows(self, side: int) -> int:
        """Returns the number of windows along a side of a square.

        Raises:
            BadValueError: Windows do not tile such a square.
        """
        patches, in_window = side // self.patch, max(1, _WINDOW // self.patch)
        windows = patches // in_window
        if side % self.patch or windows == 0 or patches % windows:
            raise errors.BadValueError(
                "The side of the square",
                side,
                f"a multiple of {_WINDOW}, which windows of about {in_window} patches "
                f"of {self.patch} pixels tile",
            )
        return windows


def _published(
    patch: int, dim: int, depth: int, heads: int, finest: int
) -> SimpleClickSizes:
    return SimpleClickSizes(
        patch=patch,
        learnt=448 // patch,
        dim=dim,
        depth=depth,
        heads=heads,
        hidden=4 * dim,
        pyramid=(finest, 2 * finest, 4 * finest, 8 * finest),
        channels=256,
    )


PUBLISHED = {
    "vit_xtiny": dataclasses.replace(
        _published(16, 160, 8, 4, 96), pyramid=(96, 192, 288, 384), channels=128
    ),
    "vit_base": _published(16, 768, 12, 12, 128),
    "vit_large": _published(16, 1024, 24, 16, 192),
    "vit_huge": _published(14, 1280, 32, 16, 240),
}


def sizes_of(state: state_dicts.State) -> SimpleClickSizes:
    """Returns the sizes of the SimpleClick that a state dict is of.

    Raises:
        DataError: Keys that show the sizes are missing, no SimpleClick has such sizes,
            or the settings say that it computes something else.
    """
    shown = reading.Shown(
        state,
        kinds.SIMPLECLICK,
        "patch_embed_coords, backbone, neck and head",
    )
    # The transformers of other methods have no patches of clicks.
    shown.shape(kinds.SIMPLECLICK_KEY, 4)
    widths = shown.widths()
    if widths.depth % 4 or widths.depth == 0:
        raise errors.DataError(
            f"{shown.named} has {widths.depth} blocks; a SimpleClick has a multiple of "
            "4 blocks."
        )
    given, head = shown.settings, shown.inner("head_params")
    shown.require(
        {
            "use_disks": (given.get("use_disks", True), True),
            "norm_radius": (given.get("norm_radius", RADIUS), RADIUS),
            "random_split": (given.get("random_split", False), False),
            "align_corners of the head": (head.get("align_corners", False), False),
        }
    )
    known = {sizes.dim: sizes.heads for sizes in PUBLISHED.values()}
    channels = shown.shape("head.conv_seg.weight", 4)[1]
    fused = shown.shape("head.fusion_conv.conv.weight", 4)[0]
    if fused != channels:
        raise errors.DataError(
            f"{shown.named} has a head that enlarges its answer ({fused} channels "
            f"become {channels}); the published ones do not (upsample=x1), and no "
            "other is supported."
        )
    return SimpleClickSizes(
        patch=widths.patch,
        learnt=widths.learnt,
        dim=widths.dim,
        depth=widths.depth,
        heads=shown.heads(known, widths.dim),
        hidden=widths.hidden,
        pyramid=widths.pyramid,
        channels=channels,
    )
