"""SAM 2 and SAM 2.1 by the package `sam2`, from a checkout or installed.

The answer is the network's single mask if that is stable, otherwise the best of three.
This is the package's default; its configuration turns it on.
Checkout: https://github.com/facebookresearch/sam2 (Apache-2.0).

Source: emb-ai/rclicks, isegm/isegm/model/is_sam2_model.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import checkouts, sam2_images, sam_prompts
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
LOGITS = True
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_LETTERS = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
_VARIANTS = tuple(
    f"{version}_hiera_{size}" for version in ("sam2", "sam2.1") for size in _LETTERS
)
# Width of the first stage and number of blocks.
_SIZES = {
    (96, 12): "tiny",
    (96, 16): "small",
    (112, 24): "base_plus",
    (144, 48): "large",
}


class Model(NamedTuple):
    """A network and its settings.

    Attributes:
        network: A `SAM2Base`.
        drop_mask_prompt: The switch of the protocol.
        batch: Most trajectories in a pass.
        limit: Limit of the logits that become mask prompts.
    """

    network: options_lib.Network
    drop_mask_prompt: bool = PAPER.drop_mask_prompt
    batch: int = options_lib.BATCH
    limit: float = sam2_images.LIMIT


class Features(NamedTuple):
    """An encoded photograph.

    Attributes:
        size: Height and width of the photograph.
        embeddings: Coarsest output of the encoder, `f32[1 c r r]`.
        fine: Outputs at four and two times that resolution.
    """

    size: tuple[int, int]
    embeddings: torch.Tensor
    fine: list[torch.Tensor]


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads a variant, such as `sam2.1_hiera_tiny`; by default the checkpoint's own."""
    given = options_lib.Options(options)
    checkout, checkpoint = given.path("checkout"), given.path("checkpoint")
    variant = given.choice("variant", ("auto", *_VARIANTS), "auto")
    device, batch = given.device(), given.batch()
    given.end()
    if not checkpoint:
        raise ValueError("option checkpoint is missing")
    checkouts.use(checkout, "sam2")
    build = checkouts.find("sam2.build_sam:build_sam2")
    saved = options_lib.load_weights(checkpoint)
    if not isinstance(saved, dict) or not isinstance(saved.get("model"), dict):
        raise ValueError(
            f"{checkpoint} has no `model`: it is not a checkpoint of SAM 2"
        )
    weights = saved["model"]
    if variant == "auto":
        variant = variant_of(weights, checkpoint)
    network = build(config_of(variant), device="cpu")
    options_lib.fill(network, weights, checkpoint)
    ready = options_lib.ready(network, device)
    return Model(ready, protocol.drop_mask_prompt, batch)


def config_of(variant: str) -> str:
    """Returns the name that the package gives to a variant's configuration."""
    version, _, size = variant.split("_", 2)
    return f"configs/{version}/{version}_hiera_{_LETTERS[size]}.yaml"


def variant_of(weights: Mapping[str, torch.Tensor], path: str) -> str:
    """Returns the variant that has such weights.

    Raises:
        ValueError: No variant has such weights.
    """
    block = re.compile(r"image_encoder\.trunk\.blocks\.(\d+)\.norm1\.weight")
    blocks = sum(block.fullmatch(key) is not None for key in weights)
    stem = weights.get("image_encoder.trunk.patch_embed.proj.weight")
    shape = (0 if stem is None else len(stem), blocks)
    if shape not in _SIZES:
        raise ValueError(
            f"{path} is {shape[0]} wide and has {blocks} blocks; variants of SAM 2 "
            f"are and have {', '.join(map(str, _SIZES))}"
        )
    version = "sam2.1" if "no_obj_embed_spatial" in weights else "sam2"
    return f"{version}_hiera_{_SIZES[shape]}"


def encode(model: Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    network = model.network
    with torch.inference_mode():
        pixels = sam2_images.to_square(
            image, network.image_size, MEAN, STD, network.device
        )
        levels = network.forward_image(pixels)["backbone_fpn"]
        levels = levels[-network.num_feature_levels :]
        embeddings = levels[-1]
        if network.directly_add_no_mem_embed:
            embeddings = embeddings + network.no_mem_embed.reshape(1, -1, 1, 1)
    return Features(image.shape[:2], embeddings, list(levels[:-1]))


def predict(
    model: Model, features: Features, clicks: Clicks, state: sam_prompts.State | None
) -> tuple[torch.Tensor, sam_prompts.State]:
    """Answers the newest click of each trajectory."""
    network = model.network

    def decode(prompts: sam_prompts.Prompts) -> torch.Tensor:
        xy = sam2_images.to_square_xy(prompts.xy, features.size, network.image_size)
        labels = torch.from_numpy(prompts.labels)
        sparse, dense = network.sam_prompt_encoder(
            points=(xy.to(network.device), labels.to(network.device)),
            boxes=None,
            masks=None if prompts.low_res is None else prompts.low_res[:, None],
        )
        return network.sam_mask_decoder(
            image_embeddings=features.embeddings,
            image_pe=network.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
            repeat_image=True,
            high_res_features=features.fine,
        )[0][:, 0]

    low_res = sam_prompts.predict(
        decode, clicks, state, model.drop_mask_prompt, model.batch
    )
    prompt = low_res.clamp(-model.limit, model.limit)
    return sam2_images.to_logits(low_res, features.size), {"low_res": prompt}
