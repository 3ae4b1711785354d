"""CFR-ICL in JAX: SimpleClick's network, with further passes over its own answer.

It is driven as the bridged `cfr_icl` is: RClicks gives the first click two passes
(`cascade=1`). The authors give it up to five (`cascade=4:adaptive=yes`), and stop when
a mask hardly differs from the last.

Source: emb-ai/rclicks, isegm/isegm/inference/predictors/cfr.py.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from rclicks_jax import errors
from rclicks_jax.segmenters.native import simpleclick

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine

NAME = "jax_cfr_icl"
# What a page of the catalogue shows.
EXAMPLE = "jax_cfr_icl:checkpoint=cocolvis_icl_vit_huge.pth"
# Its page says where checkpoints come from.
METHOD = "cfr_icl"


@dataclasses.dataclass(frozen=True)
class CfrIcl(simpleclick.SimpleClick):
    """Settings of CFR-ICL.

    Attributes:
        cascade: Passes after the first.
        adaptive: Whether a trajectory stops when its mask hardly changes any more.
        cascade_clicks: Clicks that have a cascade; later ones have a single pass.
    """

    cascade: int = 1
    adaptive: Literal["yes", "no"] = "no"
    cascade_clicks: int = 1


def load(options: Mapping[str, str]) -> CfrIcl:
    """Reads the settings from `jax_cfr_icl:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    settings = simpleclick.read_settings(CfrIcl, NAME, METHOD, options)
    for option in ("cascade", "cascade_clicks"):
        if getattr(settings, option) < 0:
            raise errors.BadValueError(
                f"Option {option} of {NAME}", getattr(settings, option), "0 or more"
            )
    return settings


def open_segmenter(settings: CfrIcl, protocol: Switches) -> engine.NativeSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol, of which none has an effect.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of CFR-ICL.
        BadValueError: The host has fewer devices, or the network takes no such squares.
    """
    from rclicks_jax.segmenters.native import engine, simpleclick_method

    del protocol
    frame = simpleclick_method.Frame(
        settings.side,
        zoom=settings.zoom == "yes",
        flip=settings.flip == "yes",
        cascade=settings.cascade,
        adaptive=settings.adaptive == "yes",
        cascade_clicks=settings.cascade_clicks,
    )
    make = functools.partial(simpleclick_method.from_torch, frame=frame)
    return engine.open_segmenter(NAME, settings, make, dataclasses.asdict(frame))
