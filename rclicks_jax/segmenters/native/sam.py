"""SAM B, L and H in JAX; the checkpoint is the published one.

It is driven as the bridged `sam` is, and obeys the same switch of the protocol.

Source: emb-ai/rclicks, isegm/isegm/model/is_sam_model.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rclicks_jax import errors
from rclicks_jax.segmenters import specs
from rclicks_jax.settings import dicts

# JAX takes seconds to import, and lists of segmenters do not need it.
if TYPE_CHECKING:
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.segmenters.native import sam_model

# What a page of the catalogue shows.
EXAMPLE = "jax_sam:checkpoint=sam_vit_b_01ec64.pth"


@dataclasses.dataclass(frozen=True)
class Sam:
    """Settings of SAM.

    Attributes:
        checkpoint: File such as sam_vit_b_01ec64.pth, or model.safetensors of the
            Hugging Face hub, or a folder of it. Its weights say which size it is.
        precision: Type of features and products, float32 or bfloat16; auto is float32
            on CPU and bfloat16 elsewhere.
        batch: Trajectories in one pass, the only shape that is compiled; 0 for as many
            as the run advances together.
        devices: Devices of this host, each with photographs of its own; 0 for all.
    """

    checkpoint: str = ""
    precision: str = "auto"
    batch: int = 0
    devices: int = 1


def load(options: Mapping[str, str]) -> Sam:
    """Reads the settings from `jax_sam:key=value:...`, without loading anything.

    Raises:
        BadValueError: A setting is unknown, missing or has a value that is not allowed.
        SegmenterError: There is no such checkpoint.
    """
    settings = dicts.from_config_dict(Sam, options)
    if not settings.checkpoint:
        raise errors.BadValueError(
            "Option checkpoint of jax_sam",
            "nothing",
            "a checkpoint file; `rclicks-segmenters show sam` says where to get it",
        )
    specs.check_weights("checkpoint", "jax_sam", "sam", settings.checkpoint)
    for name in ("batch", "devices"):
        if getattr(settings, name) < 0:
            raise errors.BadValueError(
                f"Option {name} of jax_sam", getattr(settings, name), "0 or more"
            )
    if settings.precision not in ("auto", "float32", "bfloat16"):
        raise errors.BadValueError(
            "Option precision of jax_sam",
            repr(settings.precision),
            "auto, float32 or bfloat16",
        )
    return settings


def open_segmenter(
    settings: Sam, protocol: Switches, trajectories: int
) -> sam_model.SamSegmenter:
    """Loads the network.

    Args:
        settings: What `load` returned.
        protocol: Switches of the run's protocol.
        trajectories: Number of trajectories that a run advances together; 0 if it is
            not known.

    Raises:
        SegmenterError: The checkpoint cannot be read, or is none of SAM.
    """
    from rclicks_jax.segmenters.native import sam_model

    return sam_model.SamSegmenter(settings, protocol, trajectories)
