"""SAM by the package `segment_anything`, from a checkout or installed.

Checkout: https://github.com/facebookresearch/segment-anything (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import checkouts, sam_images, sam_prompts
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
LOGITS = True
_VARIANTS = ("vit_b", "vit_l", "vit_h")


class Model(NamedTuple):
    """A network, the protocol's switch for mask prompts, and the size of a pass."""

    network: options_lib.Network
    drop_mask_prompt: bool = PAPER.drop_mask_prompt
    batch: int = options_lib.BATCH


class Features(NamedTuple):
    """An encoded photograph: its place in the square, and features `f32[1 c r r]`."""

    frame: sam_images.FittedFrame
    embeddings: torch.Tensor


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a variant: `vit_b`, `vit_l` or `vit_h`."""
    return load_from("segment_anything", _VARIANTS, options, protocol)


def load_from(
    package: str,
    variants: tuple[str, ...],
    options: Mapping[str, str],
    protocol: Switches,
) -> Model:
    """Loads a network of a package that is built like `segment_anything`.

    Args:
        package: The module that has `sam_model_registry`.
        variants: Names of its variants; the first is the default.
        options: The options of the adapter.
        protocol: The switches of the run's protocol.
    """
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    variant = given.choice("variant", variants, variants[0])
    device, batch = given.device(), given.batch()
    given.end()
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    checkouts.use(checkout, package)
    network = checkouts.find(f"{package}:sam_model_registry")[variant](checkpoint=None)
    options_lib.fill(network, options_lib.load_weights(checkpoint), checkpoint)
    ready = options_lib.ready(network, device)
    return Model(ready, protocol.drop_mask_prompt, batch)


def encode(model: Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    network = model.network
    frame = sam_images.frame_of(image, network.image_encoder.img_size)
    with torch.inference_mode():
        pixels = sam_images.to_square(image, frame, network.device)
        return Features(frame, network.image_encoder(pixels))


def predict(
    model: Model, features: Features, clicks: Clicks, state: sam_prompts.State | None
) -> tuple[torch.Tensor, sam_prompts.State]:
    """Answers the newest click of each trajectory by the mask with the best score."""
    network, frame = model.network, features.frame

    def decode(prompts: sam_prompts.Prompts) -> torch.Tensor:
        sparse, dense = embed(network, frame, prompts)
        low_res, scores = network.mask_decoder(
            image_embeddings=features.embeddings,
            image_pe=network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        return low_res[torch.arange(len(low_res)), scores.argmax(dim=1)]

    low_res = sam_prompts.predict(
        decode, clicks, state, model.drop_mask_prompt, model.batch
    )
    return sam_images.to_logits(low_res, frame), {"low_res": low_res}


def embed(
    network: options_lib.Network,
    frame: sam_images.FittedFrame,
    prompts: sam_prompts.Prompts,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the sparse and the dense embeddings of prompts."""
    xy = torch.from_numpy(sam_images.to_square_xy(prompts.xy, frame))
    labels = torch.from_numpy(prompts.labels)
    masks = None if prompts.low_res is None else prompts.low_res[:, None]
    points = (xy.to(network.device), labels.to(network.device))
    return network.prompt_encoder(points=points, boxes=None, masks=masks)
