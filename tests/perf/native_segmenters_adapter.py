"""The bridge's adapter of SAM, where torchvision need not be installed."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "adapters"))

import stand_ins

stand_ins.install()

from rclicks_jax.bridge.adapters.sam import (  # noqa: F401
    LOGITS,
    THRESHOLD,
    encode,
    load,
    predict,
)
