"""RITM, HRNet-18s, 18 and 32, in JAX; the checkpoint is the published one.

It is driven as the bridged `ritm` is.

Source: emb-ai/rclicks, scripts/evaluate_model.py.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rclicks_jax.segmenters.native import simpleclick

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import engine

NAME = "jax_ritm"
# What a page of the catalogue shows.
EXAMPLE = "jax_ritm:checkpoint=coco_lvis_h18_itermask.pth"
# Its page says where checkpoints come from.
METHOD = "ritm"
_TARGET, _TARGET_OF_DAVIS = 400, 600


@dataclasses.dataclass(frozen=True)
class Ritm(simpleclick.SimpleClick):
    """Settings of RITM.

    Attributes:
        dataset: Data set, as the original tells them apart: crops of DAVIS are larger,
            and on TETRIS the first click sees the photograph resized like a crop.
        target: Longest side that a crop is resized to, pixels; 0 for that of the data
            set, 400 or 600.
    """

    @property
    def side(self) -> int:
        """Longest side of crops, pixels."""
        of_dataset = _TARGET_OF_DAVIS if self.dataset == "DAVIS" else _TARGET
        return self.target or of_dataset


def load(options: Mapping[str, str]) -> Ritm:
    """Reads the settings of `jax_ritm:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    return simpleclick.read_settings(
        Ritm, NAME, METHOD, options, datasets=("DAVIS", "TETRIS")
    )


def open_segmenter(settings: Ritm, protocol: Switches) -> engine.NativeSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of RITM.
        BadValueError: The host has fewer devices.
    """
    from rclicks_jax.segmenters.native import engine, ritm_method

    frame = ritm_method.Frame(
        settings.side,
        whole_first=settings.dataset != "TETRIS",
        zoom=settings.zoom == "yes",
        flip=settings.flip == "yes",
        empty_mask_keeps_crop=protocol.empty_mask_keeps_crop,
    )
    make = functools.partial(ritm_method.from_torch, frame=frame)
    recorded = dataclasses.asdict(frame)
    # The run records its protocol.
    del recorded["empty_mask_keeps_crop"]
    return engine.open_segmenter(NAME, settings, make, recorded)
