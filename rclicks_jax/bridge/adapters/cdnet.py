"""CDNet: ResNet-34 DeepLab with two diffusion modules; it does not see the last mask.

Checkout: https://github.com/XavierCHEN34/ClickSEG (Apache-2.0), or the one of RClicks.

Source: emb-ai/rclicks, scripts/evaluate_model_cdnet.py,
isegm/isegm/inference/predictors/cdnet.py.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import checkouts, gpcis, isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

# RClicks cuts the network's output at 0.5, and the result, zeros and ones, at 0.49.
THRESHOLD = 0.5
encode = isegm_frame.encode
# A trajectory takes a quarter of a gigabyte: matrices of 48 x 48 places by as many.
BATCH = 4

Model = isegm_frame.Model


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.dataset()
    side = given.number("target", gpcis.SIDE)
    zoom, flip = given.switch("zoom", True), given.switch("flip", True)
    device, batch = given.device(), given.number("batch", BATCH)
    given.end()
    network = isegm_network.load(checkout, checkpoint, _renamed(checkout))
    if network.with_prev_mask:
        raise ValueError(f"{checkpoint} takes a last mask; a CDNet does not")
    frame = isegm_frame.Frame(
        crops=gpcis.crop_rule(dataset) if zoom else None,
        target=None,
        fixed=(side, side),
        flip=flip,
        sees_previous=False,
        empty_mask_keeps_crop=protocol.empty_mask_keeps_crop,
        batch=batch,
    )
    return Model(options_lib.ready(network, device), frame, device)


def _renamed(checkout: str) -> dict[str, str]:
    """Returns RClicks's name of the module that checkpoints name."""
    checkouts.use(checkout, "isegm")
    theirs = "isegm.model.is_cdnet_deeplab_model"
    known = importlib.util.find_spec("isegm") and importlib.util.find_spec(theirs)
    return {"isegm.model.is_deeplab_model": theirs} if known else {}


def predict(
    model: Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State | None,
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory."""
    network = model.network

    def diffused(
        inputs: torch.Tensor, points: torch.Tensor, logits: torch.Tensor
    ) -> torch.Tensor:
        """Spreads the labels of clicks over pixels that look alike.

        Trajectories go one by one: in a batch, the module would add the click maps of
        all trajectories to each of them.
        """
        clicked = network.dist_maps(inputs, points)
        parts = (inputs.split(1), logits.split(1), clicked.split(1))
        return torch.cat(list(map(network.PixelDiffusion, *parts)))

    return isegm_frame.predict(
        isegm_network.instances(network),
        model.frame,
        features,
        clicks,
        state,
        finish=diffused,
    )
