"""SAM and SAM-HQ by the package `transformers`; no checkout is needed.

`checkpoint` is a folder that `save_pretrained` wrote, or the name of a model on the
Hugging Face hub, such as `facebook/sam-vit-base` or `syscv-community/sam-hq-vit-base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.adapters import sam_images, sam_prompts
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
LOGITS = True
_NORMS = ("layer_norm1", "layer_norm2", "layer_norm3", "layer_norm4")


class Model(NamedTuple):
    """A network, the protocol's switch for mask prompts, and the size of a pass."""

    network: options_lib.Network
    drop_mask_prompt: bool = PAPER.drop_mask_prompt
    batch: int = options_lib.BATCH


class Features(NamedTuple):
    """An encoded photograph.

    Attributes:
        frame: Where the photograph lies in the square.
        embeddings: Output of the encoder, `f32[1 c r r]`.
        early: For SAM-HQ, output of the first layer that attends to the whole square,
            `f32[1 r r d]`; None for SAM.
    """

    frame: sam_images.FittedFrame
    embeddings: torch.Tensor
    early: torch.Tensor | None


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads SAM or SAM-HQ, whichever the checkpoint is."""
    given = options_lib.Options(options)
    checkpoint, device = given.text("checkpoint"), given.device()
    batch = given.batch()
    given.end()
    try:
        network = _network(checkpoint)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"option checkpoint is {checkpoint!r}, which cannot be loaded: "
            f"{str(error).splitlines()[0]}"
        ) from error
    ready = options_lib.ready(as_original(network), device)
    return Model(ready, protocol.drop_mask_prompt, batch)


def as_original(network: options_lib.Network) -> options_lib.Network:
    """Changes a network of `transformers` so that it answers as the original does.

    The layer norms of the original's decoder add 1e-5 to the variance; configurations
    of the package say 1e-6. The package's decoder of SAM-HQ upscales the input of its
    attention, transposed; the original upscales the output.
    """
    decoder = network.mask_decoder
    for layer in decoder.transformer.layers:
        for name in _NORMS:
            getattr(layer, name).eps = 1e-5
    attended: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, outputs: Any) -> None:
        attended[:] = [outputs[1]]

    def give(module: Any, inputs: tuple[torch.Tensor]) -> torch.Tensor:
        return attended.pop().transpose(2, 3).reshape(inputs[0].shape)

    if network.config.model_type == "sam_hq":
        decoder.transformer.register_forward_hook(keep)
        decoder.upscale_conv1.register_forward_pre_hook(give)
    return network


def encode(model: Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    network = model.network
    side = network.config.vision_config.image_size
    frame = sam_images.frame_of(image, side)
    with torch.inference_mode():
        pixels = sam_images.to_square(image, frame, network.device)
        encoded = network.get_image_embeddings(pixels)
    if isinstance(encoded, torch.Tensor):
        return Features(frame, encoded, None)
    # SAM-HQ's decoder uses the first layer only; the others would fill the memory.
    embeddings, layers = encoded
    return Features(frame, embeddings, layers[0])


def predict(
    model: Model, features: Features, clicks: Clicks, state: sam_prompts.State | None
) -> tuple[torch.Tensor, sam_prompts.State]:
    """Answers the newest click of each trajectory by the mask with the best score."""

    def decode(prompts: sam_prompts.Prompts) -> torch.Tensor:
        return _best(model.network, features, prompts)

    low_res = sam_prompts.predict(
        decode, clicks, state, model.drop_mask_prompt, model.batch
    )
    return sam_images.to_logits(low_res, features.frame), {"low_res": low_res}


def _best(
    network: options_lib.Network, features: Features, prompts: sam_prompts.Prompts
) -> torch.Tensor:
    """Returns the logits, `f32[n r c]`, of the mask with the best score."""
    device, count = network.device, len(prompts.rows)
    xy = sam_images.to_square_xy(prompts.xy, features.frame)
    arguments: dict[str, Any] = {
        "image_embeddings": features.embeddings.expand(count, -1, -1, -1),
        # With points along the second axis, all would silently share one mask prompt.
        "input_points": torch.from_numpy(xy)[:, None].to(device),
        "input_labels": torch.from_numpy(prompts.labels)[:, None].to(device),
        "multimask_output": True,
    }
    if prompts.low_res is not None:
        arguments["input_masks"] = prompts.low_res[:, None]
    if features.early is not None:
        # Not expanded: the network compresses it once and adds it to all trajectories.
        arguments["intermediate_embeddings"] = [features.early]
    outputs = network(**arguments)
    # SAM-HQ's masks come sorted, and the high-quality mask is added to each.
    best = outputs.iou_scores[:, 0].argmax(dim=-1)
    return outputs.pred_masks[:, 0][torch.arange(count, device=device), best]


def _network(checkpoint: str) -> options_lib.Network:
    """Loads a network from a folder or the hub, with all its weights.

    Raises:
        ValueError: It is another network, or some weights are missing.
    """
    config = transformers.AutoConfig.from_pretrained(checkpoint)
    kinds = {"sam": transformers.SamModel, "sam_hq": transformers.SamHQModel}
    if config.model_type not in kinds:
        raise ValueError(
            f"{checkpoint} is a {config.model_type}; it can be {', '.join(kinds)}"
        )
    # The package would replace missing weights by random ones, with only a warning.
    network, report = kinds[config.model_type].from_pretrained(
        checkpoint, config=config, dtype=torch.float32, output_loading_info=True
    )
    wrong = sorted({*report["missing_keys"], *report["unexpected_keys"]})
    if wrong:
        raise ValueError(
            f"{checkpoint} does not fit the network: {len(wrong)} weights are missing "
            f"or unknown, such as {', '.join(wrong[:5])}"
        )
    return network
