"""SAM-HQ by its own package, whose name is `segment_anything`, like SAM's.

A worker can import only one of the two packages.
Checkout: https://github.com/SysCV/sam-hq (Apache-2.0).

Source: emb-ai/rclicks, isegm/isegm/model/is_samhq_model.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import sam, sam_images, sam_prompts
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
LOGITS = True
_VARIANTS = ("vit_b", "vit_l", "vit_h")


class Features(NamedTuple):
    """An encoded photograph.

    Attributes:
        frame: Where the photograph lies in the square.
        embeddings: Output of the encoder, `f32[1 c r r]`.
        early: Output of the first layer that attends to the whole square,
            `f32[1 r r d]`, in a list as the decoder takes it.
    """

    frame: sam_images.FittedFrame
    embeddings: torch.Tensor
    early: list[torch.Tensor]


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> sam.Model:
    """Loads a variant: `vit_b`, `vit_l` or `vit_h`."""
    return sam.load_from("segment_anything", _VARIANTS, options, protocol)


def encode(model: sam.Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    network = model.network
    frame = sam_images.frame_of(image, network.image_encoder.img_size)
    with torch.inference_mode():
        pixels = sam_images.to_square(image, frame, network.device)
        embeddings, layers = network.image_encoder(pixels)
    # The decoder uses the first layer only; the others would fill the memory.
    return Features(frame, embeddings, layers[:1])


def predict(
    model: sam.Model,
    features: Features,
    clicks: Clicks,
    state: sam_prompts.State | None,
) -> tuple[torch.Tensor, sam_prompts.State]:
    """Answers the newest click of each trajectory.

    The decoder itself adds the high-quality mask to the mask with the best score.
    """
    network, frame = model.network, features.frame

    def decode(prompts: sam_prompts.Prompts) -> torch.Tensor:
        sparse, dense = sam.embed(network, frame, prompts)
        return network.mask_decoder(
            image_embeddings=features.embeddings,
            image_pe=network.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            hq_token_only=False,
            interm_embeddings=features.early,
        )[0][:, 0]

    low_res = sam_prompts.predict(
        decode, clicks, state, model.drop_mask_prompt, model.batch
    )
    return sam_images.to_logits(low_res, frame), {"low_res": low_res}
