"""SegNext with ViT-B: `vitb_sax1`, `vitb_sax2` and the fine-tuned `vitb_sax2_ft`.

Checkout: https://github.com/uncbiag/SegNext (MIT). The checkpoint says which network
it is. RClicks did not try it, so this is the authors' own evaluation: the photograph
and the last probabilities are stretched to a square, there is no zoom and no flip, the
encoder sees the photograph alone, and a click runs the fusion blocks and the head.

Source: uncbiag/SegNext, segnext/isegm/inference/predictor.py, evaluation.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import isegm_frame, isegm_network
from rclicks_jax.bridge.adapters import options as options_lib

THRESHOLD = 0.49
# The fusion blocks keep a square of 4096 tokens for each of 12 heads of a trajectory,
# 0.8 GB twice; a batch gains nothing on a CPU and little on a GPU.
BATCH = 2


class Model(NamedTuple):
    """A network and how many trajectories it is given at once."""

    network: options_lib.Network
    batch: int = BATCH


class Features(NamedTuple):
    """A photograph, encoded: its height and width, and `f32[1 c r r]`."""

    size: tuple[int, int]
    encoded: torch.Tensor


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    device, batch = given.device(), given.number("batch", BATCH)
    given.end()
    inner = os.path.join(checkout, "segnext")
    if checkout and os.path.isdir(inner):
        checkout = inner
    network = isegm_network.load(checkout, checkpoint)
    return Model(options_lib.ready(network, device), batch)


def encode(model: Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    pixels = torch.from_numpy(np.array(image)).to(model.network.device)
    with torch.inference_mode():
        pixels = pixels.permute(2, 0, 1)[None].float() / 255
        encoded = model.network.get_image_feats(pixels)
    return Features((image.shape[0], image.shape[1]), encoded)


def predict(
    model: Model, features: Features, clicks: Clicks, state: isegm_frame.State | None
) -> tuple[torch.Tensor, isegm_frame.State]:
    """Answers the newest click of each trajectory; they are the next click's prompt."""
    network, total = model.network, len(clicks.count)
    # The network remembers the photograph that it has encoded last.
    network.orig_size = features.size
    with torch.inference_mode():
        answers = features.encoded.new_zeros((total, *features.size))
        before = state["probabilities"] if state is not None else answers.clone()
        for start in range(0, total, model.batch):
            rows = range(start, min(start + model.batch, total))
            prompts = [_prompt(network, clicks, before, row) for row in rows]
            encoded = features.encoded.expand(len(rows), -1, -1, -1)
            logits = network(None, encoded, torch.cat(prompts))["instances"]
            answers[start : start + len(rows)] = torch.sigmoid(logits[:, 0])
    return answers, {"probabilities": answers}


def _prompt(
    network: options_lib.Network, clicks: Clicks, before: torch.Tensor, row: int
) -> torch.Tensor:
    """Returns the features of a trajectory's clicks and last answer, `f32[1 c r r]`.

    One at a time: the network makes a map of its square for each click.
    """
    count = int(clicks.count[row])
    yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
    points = isegm_frame.points_of([yx], [positive]).to(before.device)
    # Stretches them in place, rounded to the nearest pixel of the square.
    prompts = {"points": points, "prev_mask": before[row, None, None]}
    return network.get_prompt_feats(None, prompts)
