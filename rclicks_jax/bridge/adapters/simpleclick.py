"""SimpleClick: a plain ViT (extra tiny, base, large, huge) with clicks as extra input.

Checkout: https://github.com/uncbiag/SimpleClick (MIT), or the one of RClicks. The
checkpoint says which network it is.

Every crop is resized to the same square, so trajectories with crops of any size share a
pass. `batch` sets how many at most.

Source: emb-ai/rclicks, scripts/evaluate_model_simpleclick.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from rclicks_jax.bridge.adapters import (
    checkouts,
    isegm_crops,
    isegm_frame,
    isegm_network,
    isegm_settings,
)
from rclicks_jax.bridge.adapters import options as options_lib

THRESHOLD = 0.49
Model = isegm_frame.Model
encode = isegm_frame.encode
predict = isegm_network.predict
# Side of the windows within which most blocks attend, in pixels, about.
_WINDOW = 224


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    return load_given(options_lib.Options(options))


def load_given(given: options_lib.Options) -> Model:
    """Loads a checkpoint by the options that were not read yet."""
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    dataset = given.dataset()
    # The original sets this by data set.
    side = given.number("target", 672 if dataset == "DAVIS" else 448)
    zoom, flip = given.switch("zoom", True), given.switch("flip", True)
    device, batch = given.device(), given.batch()
    given.end()
    network = isegm_network.load(checkout, checkpoint, read=isegm_settings.load)
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
    """Returns a network for inference on squares; their size may be new to it.

    Raises:
        ValueError: The network's windows do not tile such squares.
    """
    patch = network.backbone.patch_embed.patch_size[0]
    patches, in_window = side // patch, _WINDOW // patch
    windows = patches // in_window
    if windows == 0 or patches % windows:
        raise ValueError(
            f"option target is {side}, which windows of about {in_window} patches of "
            f"{patch} pixels do not tile; it can be a multiple of {_WINDOW}"
        )
    options_lib.ready(network, device)
    interpolate = "isegm.model.modeling.pos_embed:interpolate_pos_embed_inference"
    checkouts.find(interpolate)(network.backbone, (side, side), device)
    return network.requires_grad_(False)
