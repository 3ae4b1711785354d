"""TranSalNet with a ResNet-50: predicts where people look, for click models SI and SM.

Checkout: https://github.com/LJOVO/TranSalNet (MIT), or the one of RClicks.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py, and
transalnet/transalnet/utils/data_process.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import options as options_lib

# Size of the input; the position embeddings allow no other.
HEIGHT, WIDTH = 288, 384
# Value of the pixels around the photograph, in 0..255.
PADDING = 1


class Model(NamedTuple):
    """A network and its device."""

    network: options_lib.Network
    device: torch.device


def load(options: Mapping[str, str]) -> Model:
    """Loads a checkpoint."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    device = given.device()
    given.end()
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    network = build(checkout)
    options_lib.fill(network, options_lib.load_weights(checkpoint), checkpoint)
    return Model(options_lib.ready(network, device), device)


def build(checkout: str) -> options_lib.Network:
    """Builds the network of a checkout, with random weights.

    Args:
        checkout: Folder of the authors' repository or of RClicks's. If it is empty,
            RClicks's package `transalnet` must be installed.
    """
    if os.path.exists(os.path.join(checkout, "TranSalNet_Res.py")):
        checkouts.use(checkout, "utils")
        module = checkouts.find("TranSalNet_Res")
    else:
        checkouts.use(checkout, "transalnet")
        module = checkouts.find("transalnet.TranSalNet_Res")
    backbone = module.resnet.resnet50
    # The checkout would read ImageNet's weights from a file; a checkpoint has them.
    module.resnet.resnet50 = lambda pretrained: backbone(pretrained=False)
    try:
        return module.TranSalNet()
    finally:
        module.resnet.resnet50 = backbone


def saliency(model: Model, image: np.ndarray) -> np.ndarray:
    """Returns the saliency of a photograph in 256 levels, `u8[h w]`."""
    inputs = (letterboxed(image) / 255.0).astype(np.float32)
    batch = torch.from_numpy(inputs).permute(2, 0, 1)[None].to(model.device)
    with torch.no_grad():
        answer = model.network(batch)[0, 0]
    return restored((answer * 255).byte().cpu().numpy(), image.shape)


def letterboxed(image: np.ndarray) -> np.ndarray:
    """Returns a photograph in the middle of the network's frame, `u8[288 384 3]`."""
    height, width = image.shape[:2]
    # The photograph fills the frame in height or width; its other side is rounded down.
    if height * WIDTH > width * HEIGHT:
        inner = HEIGHT, max(1, width * HEIGHT // height)
    else:
        inner = max(1, height * WIDTH // width), WIDTH
    y0, x0 = (HEIGHT - inner[0]) // 2, (WIDTH - inner[1]) // 2
    frame = np.full((HEIGHT, WIDTH, 3), PADDING, np.uint8)
    resized = cv2.resize(image, (inner[1], inner[0]), interpolation=cv2.INTER_LINEAR)
    frame[y0 : y0 + inner[0], x0 : x0 + inner[1]] = resized
    return frame


def restored(levels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resizes the network's frame back, and cuts out the part of the photograph.

    Args:
        levels: Saliency in the network's frame, `u8[288 384]`.
        shape: Shape of the photograph, height and width first.

    Returns:
        Saliency of the photograph, `u8[h w]`.
    """
    height, width = shape[:2]
    if height * WIDTH > width * HEIGHT:
        outer = height, height * WIDTH // HEIGHT
    else:
        outer = width * HEIGHT // WIDTH, width
    y0, x0 = (outer[0] - height) // 2, (outer[1] - width) // 2
    resized = cv2.resize(levels, (outer[1], outer[0]), interpolation=cv2.INTER_LINEAR)
    return resized[y0 : y0 + height, x0 : x0 + width]
