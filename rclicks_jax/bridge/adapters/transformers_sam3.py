"""SAM 3's tracker by the package `transformers`, prompted with clicks like SAM 2.

`checkpoint` is a folder that `save_pretrained` wrote, or the name of a model on the
Hugging Face hub, such as `facebook/sam3`. Its weights have a licence of their own.
SAM 3 normalises photographs with other means than SAM 2. Its own predictor fills holes
of a mask by default; this adapter and the package do not.

Source: facebookresearch/sam3, sam3/model/sam1_task_predictor.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from rclicks_jax.bridge.adapters import transformers_sam2
from rclicks_jax.bridge.adapters.transformers_sam2 import encode, predict
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD, LOGITS = transformers_sam2.THRESHOLD, transformers_sam2.LOGITS
MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)

__all__ = ["LOGITS", "MEAN", "STD", "THRESHOLD", "encode", "load", "predict"]


def load(
    options: Mapping[str, str], protocol: Switches = PAPER
) -> transformers_sam2.Model:
    """Loads the tracker; the checkpoint may be one of the whole SAM 3."""
    kinds = ("sam3_tracker", "sam3_video")
    model = transformers_sam2.load_from("Sam3TrackerModel", kinds, options, protocol)
    return model._replace(mean=MEAN, std=STD)
