"""SAM-HQ, B, L and H, in JAX; the checkpoint is the published one.

It is driven as the bridged `sam_hq` is, and obeys the same switch of the protocol.

Source: emb-ai/rclicks, isegm/isegm/model/is_samhq_model.py.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rclicks_jax.segmenters.native.settings import Settings, read

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine

NAME = "jax_sam_hq"
# What a page of the catalogue shows.
EXAMPLE = "jax_sam_hq:checkpoint=sam_hq_vit_b.pth"
# Its page says where checkpoints come from.
METHOD = "sam_hq"


def load(options: Mapping[str, str]) -> Settings:
    """Reads the settings from `jax_sam_hq:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    return read(Settings, NAME, METHOD, options)


def open_segmenter(settings: Settings, protocol: Switches) -> engine.NativeSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of SAM-HQ.
        BadValueError: The host has fewer devices.
    """
    from rclicks_jax.segmenters.native import engine, sam_hq_method

    make = functools.partial(
        sam_hq_method.from_torch, drops_mask_prompt=protocol.drop_mask_prompt
    )
    return engine.open_segmenter(NAME, settings, make)
