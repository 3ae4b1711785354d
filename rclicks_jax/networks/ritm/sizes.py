"""Sizes of a RITM, read from the shapes of its weights, and its settings."""

import dataclasses
import re

from rclicks_jax import errors
from rclicks_jax.networks import isegm_config, kinds
from rclicks_jax.weights import state_dicts

# Resolutions of the backbone, and channels of its first blocks for one of their own.
BRANCHES, EXPANSION = 4, 4
# Pixels of the finest branch's places along a side.
STRIDE = 4
# Positive and negative clicks; the last answer comes before them.
_CLICK_LAYERS = 2
_BACKBONE = "feature_extractor."
_CLASS = "HRNetModel"
# What the authors' code computes for a published file, where no shape shows it.
_SETTINGS = {
    "use_leaky_relu": (False, True),
    "use_disks": (False, True),
    "norm_radius": (260, 5),
    "binary_prev_mask": (False, False),
    "clicks_groups": (None, None),
    "conv_extend": (False, False),
    "use_rgb_conv": (True, False),
}


@dataclasses.dataclass(frozen=True)
class RitmSizes:
    """Widths and depths of a RITM.

    Attributes:
        width: Channels of the finest branch; each further one has twice as many.
        keys: Narrowest channels of the head; others are twice as many.
        blocks: Blocks of a branch between two exchanges, and of the part before them.
        exchanges: Exchanges of two, of three and of four branches.
        sees_previous: Whether it sees its last answer.
        stem: Channels of the first convolutions.
        narrow: Channels within the blocks before the branches.
        click_features: Channels that clicks have before they are of half the size.
    """

    width: int
    keys: int
    blocks: int
    exchanges: tuple[int, int, int]
    sees_previous: bool
    stem: int = 64
    narrow: int = 64
    click_features: int = 16

    @property
    def variant(self) -> str:
        """Name of the size; `custom` if it is none of the published ones."""
        names = [name for name, sizes in PUBLISHED.items() if sizes == self]
        return names[0] if names else "custom"

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the branches, the finest first."""
        return tuple(self.width << branch for branch in range(BRANCHES))

    @property
    def context(self) -> int:
        """Channels of the head."""
        return 2 * self.keys

    @property
    def layers(self) -> int:
        """Layers beside the image."""
        return _CLICK_LAYERS + self.sees_previous


def _published(
    width: int, keys: int, *, small: bool = False, sees_previous: bool = True
) -> RitmSizes:
    exchanges = (1, 3, 2) if small else (1, 4, 3)
    return RitmSizes(width, keys, 2 if small else 4, exchanges, sees_previous)


PUBLISHED = {
    "h18_baseline": _published(18, 64, sees_previous=False),
    "h18s_itermask": _published(18, 48, small=True),
    "h18_itermask": _published(18, 64),
    "h32_itermask": _published(32, 128),
}


def sizes_of(state: state_dicts.State) -> RitmSizes:
    """Returns the sizes of the RITM that a state dict is of.

    Raises:
        DataError: Keys that show the sizes are missing, no RITM has such sizes, or the
            settings say that it computes something else.
    """
    shapes = state_dicts.shapes_of(state)
    named = state_dicts.named(state)
    kinds.check(state, kinds.RITM)

    def shape(key: str) -> tuple[int, ...]:
        found = shapes.get(key)
        if found is None:
            raise errors.DataError(
                f"{named} lacks {key}, so it is none of RITM. Those have "
                "maps_transform, and an HRNet with an OCR head as feature_extractor."
            )
        if len(found) != 4 or 0 in found:
            raise errors.DataError(
                f"{named} has {key} of shape {found}; that of a RITM has 4 sides, none "
                "of them 0."
            )
        return found

    def count(prefix: str) -> int:
        pattern = re.compile(rf"{re.escape(_BACKBONE + prefix)}(\d{{1,4}})\.")
        found = (pattern.match(key) for key in shapes)
        return len({match[1] for match in found if match})

    click_features, layers, *_ = shape(kinds.RITM_KEY)
    if layers not in (_CLICK_LAYERS, _CLICK_LAYERS + 1):
        raise errors.DataError(
            f"{named} has {layers} layers of clicks; a RITM has 2, or 3 if it sees its "
            "last answer."
        )
    sizes = RitmSizes(
        width=shape(f"{_BACKBONE}stage2.0.branches.0.0.conv1.weight")[0],
        keys=shape(f"{_BACKBONE}ocr_distri_head.object_context_block.f_down.0.weight")[
            0
        ],
        blocks=count("layer1."),
        exchanges=(count("stage2."), count("stage3."), count("stage4.")),
        sees_previous=layers > _CLICK_LAYERS,
        stem=shape(f"{_BACKBONE}conv1.weight")[0],
        narrow=shape(f"{_BACKBONE}layer1.0.conv1.weight")[0],
        click_features=click_features,
    )
    if 0 in (sizes.blocks, *sizes.exchanges):
        raise errors.DataError(
            f"{named} has {sizes.blocks} first blocks and {sizes.exchanges} exchanges; "
            "a RITM has at least one of each."
        )
    _check_settings(state, sizes)
    return sizes


def _check_settings(state: state_dicts.State, sizes: RitmSizes) -> None:
    """Checks the settings beside the weights; without any, they are the published."""
    config = isegm_config.read(state, kinds.RITM, _CLASS)
    if config is None:
        return
    config.require(
        {
            **_SETTINGS,
            "with_prev_mask": (False, sizes.sees_previous),
        }
    )
