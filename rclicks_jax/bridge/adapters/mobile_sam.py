"""MobileSAM by the package `mobile_sam`: SAM's decoder behind a small encoder.

Checkout: https://github.com/ChaoningZhang/MobileSAM (Apache-2.0), which needs `timm`.

Source: emb-ai/rclicks, isegm/isegm/model/is_mobilesam_model.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from rclicks_jax.bridge.adapters import sam
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD, LOGITS = sam.THRESHOLD, sam.LOGITS
encode, predict = sam.encode, sam.predict


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> sam.Model:
    """Loads the only variant, `vit_t`."""
    return sam.load_from("mobile_sam", ("vit_t",), options, protocol)
