"""Sizes of a SegNext, read from the shapes of its weights and its settings."""

import dataclasses

from rclicks_jax import errors
from rclicks_jax.networks import kinds
from rclicks_jax.networks.simpleclick import reading
from rclicks_jax.networks.simpleclick.sizes import SimpleClickSizes
from rclicks_jax.weights import state_dicts

_FUSION = "fusion_blocks."
_MEAN_STD = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclasses.dataclass(frozen=True)
class SegNextSizes:
    """Widths and depths of a SegNext.

    Attributes:
        plain: Those of the transformer, the neck and the head, which are SimpleClick's.
        group: Blocks of the transformer of which the last attends to the whole square.
        fused: Blocks after clicks have entered.
    """

    plain: SimpleClickSizes
    group: int
    fused: int

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"

    @property
    def side(self) -> int:
        """Side of the square that the network sees, pixels."""
        return self.plain.patch * self.plain.learnt

    @property
    def windows(self) -> int:
        """Windows along a side of the square."""
        return self.plain.windows(self.side)


def _published(fused: int) -> SegNextSizes:
    plain = SimpleClickSizes(
        patch=16,
        learnt=64,
        dim=768,
        depth=12,
        heads=12,
        hidden=3072,
        pyramid=(128, 256, 512, 1024),
        channels=256,
    )
    return SegNextSizes(plain, group=3, fused=fused)


PUBLISHED = {"vitb_sax1": _published(1), "vitb_sax2": _published(2)}


def sizes_of(state: state_dicts.State) -> SegNextSizes:
    """Returns the sizes of the SegNext that a state dict is of.

    The number of heads, and which blocks attend to the whole square, show in no shape.
    They are among the settings that the authors' files have beside the weights; without
    them they are those of the published networks, if the width is.

    Raises:
        DataError: Keys that show the sizes are missing, no SegNext has such sizes, or
            the settings say that it computes something else.
    """
    shown = reading.Shown(
        state,
        kinds.SEGNEXT,
        "backbone, visual_prompts_encoder, fusion_blocks, neck and head",
    )
    # Other plain transformers that see clicks have other patches of them.
    shown.shape(kinds.SEGNEXT_KEY, 4)
    if shown.has(f"{_FUSION}0.image_to_prompt."):
        raise errors.DataError(
            f"{shown.named} fuses clicks by cross-attention; the published ones have "
            "self-attention, and no other is supported."
        )
    shown.shape(f"{_FUSION}0.attn.qkv.weight", 2)
    widths = shown.widths()
    published = PUBLISHED["vitb_sax2"]
    heads = shown.heads({published.plain.dim: published.plain.heads}, widths.dim)
    plain = SimpleClickSizes(
        patch=widths.patch,
        learnt=widths.learnt,
        dim=widths.dim,
        depth=widths.depth,
        heads=heads,
        hidden=widths.hidden,
        pyramid=widths.pyramid,
        channels=shown.shape("head.seg_conv.weight", 4)[1],
    )
    group = published.group
    if shown.settings:
        _check_settings(shown, heads)
        backbone = shown.inner("backbone_params")
        group = shown.number({"global_atten_freq": 1, **backbone}, "global_atten_freq")
    sizes = SegNextSizes(plain, group, shown.count(_FUSION))
    try:
        _ = sizes.windows
    except errors.BadValueError as error:
        raise errors.DataError(f"{shown.named} is no SegNext. {error}") from error
    return sizes


def _check_settings(shown: reading.Shown, heads: int) -> None:
    """Checks settings that no shape shows.

    Raises:
        DataError: One of them is not that of the published networks.
    """
    given, head = shown.settings, shown.inner("head_params")
    fusion = reading.inner(shown.inner("fusion_params"), "params")
    shown.require(
        {
            "use_disks": (given.get("use_disks", False), True),
            "norm_radius": (
                given.get("norm_radius", reading.RADIUS),
                reading.RADIUS,
            ),
            "norm_mean_std": (
                reading.as_tuples(given.get("norm_mean_std", _MEAN_STD)),
                _MEAN_STD,
            ),
            "align_corners of the head": (head.get("align_corners", False), False),
            "in_select_index of the head": (
                reading.as_tuples(head.get("in_select_index", (0, 1, 2, 3))),
                (0, 1, 2, 3),
            ),
            "num_heads of fusion_params": (fusion.get("num_heads"), heads),
        }
    )
