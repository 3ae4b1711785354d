"""RITM: HRNet-18, 18s and 32, with (`itermask`) and without (`baseline`) a last mask.

Checkout: https://github.com/SamsungLabs/ritm_interactive_segmentation (MIT), or the
one of RClicks. The checkpoint says which network it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib

THRESHOLD = 0.49


class Model(NamedTuple):
    """A network and how it looks at photographs."""

    network: Any
    frame: isegm_frame.Frame
    device: torch.device = torch.device("cpu")


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.text("dataset", "other")
    # What the original sets by data set: more pixels, or no pass at full size.
    target = given.number("target", 600 if dataset == "DAVIS" else 400)
    zoom, flip = given.switch("zoom", True), given.switch("flip", True)
    device, protocol, batch = given.device(), given.protocol(), given.batch()
    given.end()
    network = isegm_network.load(checkout, checkpoint)
    rule = isegm_crops.Rule(whole_first=dataset != "TETRIS")
    frame = isegm_frame.Frame(
        crops=rule if zoom else None,
        target=target,
        flip=flip,
        sees_previous=network.with_prev_mask,
        protocol=protocol,
        batch=batch,
    )
    return Model(options_lib.ready(network, device), frame, device)


def encode(model: Model, image: np.ndarray) -> torch.Tensor:
    """Returns the photograph, `f32[3 h w]`; each click has its own pass over it."""
    return isegm_frame.to_pixels(image, model.device)


def predict(model: Model, features: torch.Tensor, clicks: Any, state: Any) -> Any:
    """Answers the newest click of each trajectory."""
    network = isegm_network.instances(model.network)
    return isegm_frame.predict(network, model.frame, features, clicks, state)
