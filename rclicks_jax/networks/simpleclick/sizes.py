"""Sizes of a SimpleClick, read from the shapes of its weights and its settings."""

import dataclasses

from rclicks_jax import errors
from rclicks_jax.networks import isegm_config
from rclicks_jax.weights import placeholders, state_dicts

# Radius of the disks around clicks, pixels of the square.
RADIUS = 5
# Side of the windows within which most blocks attend, pixels of the square, about.
_WINDOW = 224
# Layers beside the image: the last answer, positive and negative clicks.
CLICK_LAYERS = 3
_BLOCK = "backbone.blocks."
_CLASS = "PlainVitModel"


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

    The number of heads shows in no shape. It is among the settings that the authors'
    files have beside the weights; without them it is that of the published network of
    the same width.

    Raises:
        DataError: Keys that show the sizes are missing, no SimpleClick has such sizes,
            or the settings say that it computes something else.
    """
    shapes = state_dicts.shapes_of(state)
    named = state_dicts.named(state)

    def shape(key: str, rank: int) -> tuple[int, ...]:
        found = shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{named} lacks {key}, so it is none of SimpleClick or CFR-ICL. These "
                "have patch_embed_coords, backbone, neck and head."
            )
        if len(found) != rank or 0 in found:
            raise errors.DataError(
                f"{named} has {key} of shape {found}; that of a SimpleClick has {rank} "
                "sides, none of them 0."
            )
        return found

    # The transformers of other methods have no patches of clicks.
    shape("patch_embed_coords.proj.weight", 4)
    dim, _, patch, _ = shape("backbone.patch_embed.proj.weight", 4)
    places = shape("backbone.pos_embed", 3)[1] - 1
    learnt = round(max(places, 0) ** 0.5)
    blocks = {
        key[len(_BLOCK) :].split(".")[0] for key in shapes if key.startswith(_BLOCK)
    }
    depth = sum(name.isdigit() for name in blocks)
    heads = _heads(state, dim)
    if learnt == 0 or learnt**2 != places or depth % 4 or depth == 0 or dim % heads:
        raise errors.DataError(
            f"{named} has {depth} blocks of {dim} channels with {heads} heads and "
            f"positions of {places} patches; a SimpleClick has a multiple of 4 blocks, "
            "heads that divide its channels, and a square of patches."
        )
    neck = "neck.down_"
    channels = shape("head.conv_seg.weight", 4)[1]
    fused = shape("head.fusion_conv.conv.weight", 4)[0]
    if fused != channels:
        raise errors.DataError(
            f"{named} has a head that enlarges its answer ({fused} channels become "
            f"{channels}); the published ones do not (upsample=x1), and no other is "
            "supported."
        )
    return SimpleClickSizes(
        patch=patch,
        learnt=learnt,
        dim=dim,
        depth=depth,
        heads=heads,
        hidden=shape(f"{_BLOCK}0.mlp.fc1.weight", 2)[0],
        pyramid=(
            shape(f"{neck}4.5.weight", 4)[0],
            shape(f"{neck}8.2.weight", 4)[0],
            shape(f"{neck}16.0.weight", 4)[0],
            shape(f"{neck}32.2.weight", 4)[0],
        ),
        channels=channels,
    )


def _heads(state: state_dicts.State, dim: int) -> int:
    """Returns the number of heads; checks settings that no shape shows."""
    config = isegm_config.read(state, "SimpleClick and CFR-ICL", _CLASS)
    if config is None:
        known = {sizes.dim: sizes.heads for sizes in PUBLISHED.values()}
        if dim not in known:
            raise errors.DataError(
                f"{state_dicts.named(state)} has no config, and a width of {dim} "
                "channels, which tells the number of heads only if it is one of "
                f"{', '.join(map(str, known))}. The authors' files have a config."
            )
        return known[dim]
    config.require(
        {
            "use_disks": (True, True),
            "norm_radius": (RADIUS, RADIUS),
            "random_split": (False, False),
        }
    )
    head = placeholders.as_dict(config.value("head_params"))
    aligned = head.get("align_corners", False)
    isegm_config.require(config.named, "align_corners of the head", aligned, False)
    heads = placeholders.as_dict(config.value("backbone_params")).get("num_heads")
    # A bool is no number here.
    if type(heads) is not int or heads < 1:
        raise errors.DataError(
            f"{config.named} has num_heads={heads!r} in its config; a number from 1 is "
            "due."
        )
    return heads
