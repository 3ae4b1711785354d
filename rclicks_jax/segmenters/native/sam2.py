"""SAM 2 and 2.1, T, S, B+ and L, in JAX; the checkpoint is the published one.

It is driven as the bridged `sam2` is, and obeys the same switch of the protocol.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam2_model.py.
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

NAME = "jax_sam2"
# What a page of the catalogue shows.
EXAMPLE = "jax_sam2:checkpoint=sam2.1_hiera_base_plus.pt"
# Its page says where checkpoints come from.
METHOD = "sam2"


def load(options: Mapping[str, str]) -> Settings:
    """Reads the settings from `jax_sam2:key=value:...`, without loading anything.

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
        SegmenterError: The checkpoint cannot be read, or is none of SAM 2.
        BadValueError: The host has fewer devices.
    """
    from rclicks_jax.segmenters.native import engine, sam2_method

    make = functools.partial(
        sam2_method.from_torch, drops_mask_prompt=protocol.drop_mask_prompt
    )
    return engine.open_segmenter(NAME, settings, make)
