"""AdaptiveClick: a plain ViT with a decoder of queries, without compiled extensions.

Checkout: https://github.com/lab206/AdaptiveClick (MIT), or the one of RClicks. Both
have the deformable attention in plain PyTorch. The checkpoint holds the network's
settings.

Trajectories go through the network one by one, each with its mirror image, as in
RClicks. The network does not mix the members of a batch: in 64 bits, a batch gives the
same answers as single trajectories. But its decoder makes hard choices: it attends
where a mask is above one half, and where a query prefers one class to another. The
rounding of a product depends on the size of the batch. It can change a choice that is
nearly a tie, and that moves probabilities by tenths. `batch` sets more trajectories in
one pass, for speed.

Source: emb-ai/rclicks, scripts/evaluate_model_adaptiveclick.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from rclicks_jax.bridge.adapters import (
    checkouts,
    isegm_crops,
    isegm_frame,
    isegm_network,
    isegm_settings,
    simpleclick,
)
from rclicks_jax.bridge.adapters import options as options_lib

THRESHOLD = 0.49
Model = isegm_frame.Model
encode = isegm_frame.encode
predict = isegm_network.predict
_MODULE = "isegm.model.is_adaptiveclick_model"


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.dataset()
    # The original sets this by data set.
    side = given.number("target", 672 if dataset == "DAVIS" else 448)
    zoom, flip = given.switch("zoom", True), given.switch("flip", True)
    device, batch = given.device(), given.number("batch", 1)
    given.end()
    network = _network(checkout, checkpoint, device)
    frame = isegm_frame.Frame(
        crops=isegm_crops.Rule(whole_first=False) if zoom else None,
        target=(side, side),
        # Without crops the photograph is still resized to the square.
        fixed=(side, side),
        flip=flip,
        sees_previous=network.with_prev_mask,
        batch=batch,
    )
    return Model(ready(network, side, device), frame, device)


def ready(
    network: options_lib.Network, side: int, device: torch.device
) -> options_lib.Network:
    """Returns a network for inference on squares; their size may be new to it."""
    simpleclick.ready(network, side, device)
    # The class's own `train` ignores its argument, so `eval` has no effect.
    for part in network.children():
        part.eval()
    return network


def _network(
    checkout: str, checkpoint: str, device: torch.device
) -> options_lib.Network:
    """Builds the network of a checkpoint and fills it."""
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    isegm_network.use(checkout)
    saved = isegm_settings.load(checkpoint)
    params = _params(saved, checkpoint)
    # The settings name the device of the training. The loss makes its buffers there.
    params["cfg"] = isegm_settings.Settings(params["cfg"], device=device)
    network = checkouts.find(f"{_MODULE}:AdaptiveClickModel")(**params)
    # RClicks's base class adds layers that are not used and that no checkpoint has.
    network.maps_transform = torch.nn.Identity()
    options_lib.fill(network, saved["state_dict"], checkpoint)
    return network


def _params(saved: options_lib.Checkpoint, checkpoint: str) -> dict[str, Any]:
    """Returns the arguments that the class was built with.

    Raises:
        ValueError: It is not a checkpoint of AdaptiveClick.
    """
    if not (isinstance(saved, dict) and {"config", "state_dict"} <= saved.keys()):
        raise ValueError(
            f"{checkpoint} is not a checkpoint of isegm: it must be a dictionary with "
            "config and state_dict"
        )
    config = saved["config"]
    if config["class"] != f"{_MODULE}.AdaptiveClickModel":
        raise ValueError(
            f"{checkpoint} asks for {config['class']}; it can be "
            f"{_MODULE}.AdaptiveClickModel"
        )
    return {
        name: param["value"]
        for name, param in config["params"].items()
        if param["specified"] and param["type"] == "builtin"
    }
