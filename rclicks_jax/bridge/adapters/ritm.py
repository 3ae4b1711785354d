"""RITM: HRNet-18, 18s and 32; `itermask` sees the last mask, `baseline` does not.

Checkout: https://github.com/SamsungLabs/ritm_interactive_segmentation (MIT), or the
one of RClicks. The checkpoint says which network it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.49
Model = isegm_frame.Model
encode = isegm_frame.encode
predict = isegm_network.predict


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.dataset()
    # The original sets these by data set: the size here, the pass at full size below.
    target = given.number("target", 600 if dataset == "DAVIS" else 400)
    zoom, flip = given.switch("zoom", True), given.switch("flip", True)
    device, batch = given.device(), given.batch()
    given.end()
    network = isegm_network.load(checkout, checkpoint)
    rule = isegm_crops.Rule(whole_first=dataset != "TETRIS")
    frame = isegm_frame.Frame(
        crops=rule if zoom else None,
        target=target,
        flip=flip,
        sees_previous=network.with_prev_mask,
        empty_mask_keeps_crop=protocol.empty_mask_keeps_crop,
        batch=batch,
    )
    return Model(options_lib.ready(network, device), frame, device)
