"""SegNext with ViT-B: `vitb_sax1`, `vitb_sax2` and the fine-tuned `vitb_sax2_ft`.

Checkout: https://github.com/uncbiag/SegNext (MIT). The checkpoint says which network
it is. RClicks did not use SegNext, so this follows the authors' own evaluation: the
photograph and the last probabilities are stretched to a square, without zoom and flip.
The encoder sees the photograph alone. A click runs the fusion blocks and the head.

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
# For a trajectory, the fusion blocks keep a matrix of 4096 x 4096 tokens for each of 12
# heads (0.8 GB), twice. A batch gains nothing on a CPU and little on a GPU.
BATCH = 2


class Model(NamedTuple):
    """A network, and the most trajectories in one pass."""

    network: options_lib.Network
    batch: int = BATCH


class Features(NamedTuple):
    """An encoded photograph: its height and width, and its features, `f32[1 c r r]`."""

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
    """Answers the newest click of each trajectory; the state holds the answers."""
    network, total = model.network, len(clicks.count)
    # The network keeps the size of the photograph that it encoded last.
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

    Trajectories go one at a time, because the network makes a map of its square for
    each click.
    """
    count = int(clicks.count[row])
    yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
    points = isegm_frame.points_of([yx], [positive]).to(before.device)
    # The network scales the points in place, rounded to pixels of the square.
    prompts = {"points": points, "prev_mask": before[row, None, None]}
    return network.get_prompt_feats(None, prompts)
