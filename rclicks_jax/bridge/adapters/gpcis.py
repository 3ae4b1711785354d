"""GPCIS: ResNet-50 DeepLabV3+ with a Gaussian process; it sees the last mask.

Checkout: https://github.com/zmhhmz/GPCIS_CVPR2023 (MIT), or the one of RClicks. The
authors cut probabilities at 0.5, RClicks at 0.49.

Source: emb-ai/rclicks, scripts/evaluate_model_gpcis.py,
isegm/isegm/inference/predictors/gpcis.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.49
Model = isegm_frame.Model
encode = isegm_frame.encode
SIDE = 384
# Trajectories go through the network one by one, as in RClicks. Clicks on pixels that
# look alike make the kernel matrix nearly singular. Then the last bit of a feature can
# change a whole mask, and the size of a batch can change that bit.
BATCH = 1


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.dataset()
    side = given.number("target", 256 if dataset == "SBD" else SIDE)
    zoom, flip = given.switch("zoom", True), given.switch("flip", False)
    device, batch = given.device(), given.number("batch", BATCH)
    given.end()
    network = isegm_network.load(checkout, checkpoint)
    frame = isegm_frame.Frame(
        crops=crop_rule(dataset) if zoom else None,
        target=None,
        fixed=(side, side),
        flip=flip,
        sees_previous=network.with_prev_mask,
        empty_mask_keeps_crop=protocol.empty_mask_keeps_crop,
        batch=batch,
    )
    return Model(options_lib.ready(network, device), frame, device)


def crop_rule(dataset: str) -> isegm_crops.Rule:
    """Returns the rule by which GPCIS and CDNet choose crops."""
    return isegm_crops.Rule(
        whole_first=dataset != "TETRIS", least=10, threshold=0.49, keeps=False
    )


def predict(
    model: Model,
    features: torch.Tensor,
    clicks: Clicks,
    state: isegm_frame.State | None,
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory."""

    def answer(inputs: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        return _logits(model.network, inputs, points)

    # Sets the number that is added to the diagonal of the kernel matrix to 1e-7.
    model.network.set_status(training=False)
    return isegm_frame.predict(answer, model.frame, features, clicks, state)


def _logits(
    network: options_lib.Network, inputs: torch.Tensor, points: torch.Tensor
) -> torch.Tensor:
    """Returns logits; if the kernel matrix is singular, solves it as RClicks does.

    Two clicks on one pixel make the kernel matrix singular. The authors' class then
    fails. RClicks's class adds twice as much to the diagonal of that trajectory.
    """
    try:
        return network(inputs, points)["instances"]
    except torch.linalg.LinAlgError:
        if len(inputs) > 1:
            pairs = zip(inputs.split(1), points.split(1))  # noqa: B905
            return torch.cat([_logits(network, *pair) for pair in pairs])
        usual = network.eps2
        try:
            network.eps2 = 2 * usual
            return network(inputs, points)["instances"]
        finally:
            network.eps2 = usual
