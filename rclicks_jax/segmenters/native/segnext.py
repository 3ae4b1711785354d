"""SegNext sax1 and sax2 in JAX; the checkpoint is the published one.

It is driven as the bridged `segnext` is. The file says which size it is.

Source: uncbiag/SegNext, segnext/isegm/inference/predictor.py, evaluation.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rclicks_jax.segmenters.native.settings import Settings, read

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine

NAME = "jax_segnext"
# What a page of the catalogue shows.
EXAMPLE = "jax_segnext:checkpoint=vitb_sa2_cocolvis_epoch_90.pth"
# Its page says where checkpoints come from.
METHOD = "segnext"


def load(options: Mapping[str, str]) -> Settings:
    """Reads the settings of `jax_segnext:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    return read(Settings, NAME, METHOD, options)


def open_segmenter(settings: Settings, protocol: Switches) -> engine.NativeSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol, of which none has an effect.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of SegNext.
        BadValueError: The host has fewer devices.
    """
    from rclicks_jax.segmenters.native import engine, segnext_method

    del protocol
    return engine.open_segmenter(NAME, settings, segnext_method.from_torch)
