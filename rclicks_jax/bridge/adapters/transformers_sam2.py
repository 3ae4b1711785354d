"""SAM 2 and SAM 2.1 by the package `transformers`; no checkout is needed.

`checkpoint` is a folder that `save_pretrained` wrote, or the name of a model on the
Hugging Face hub, such as `facebook/sam2.1-hiera-tiny`. The package's own processor is
not used: it rounds resized photographs to whole levels, and SAM 2 does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import options as options_lib
from rclicks_jax.bridge.adapters import sam2_images, sam_prompts
from rclicks_jax.bridge.switches import PAPER, Switches

THRESHOLD = 0.5
LOGITS = True
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
# The networks hold this matrix twice; a file may hold it once.
_TWINS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)


class Model(NamedTuple):
    """A network and its settings.

    Attributes:
        network: A `Sam2Model`, or a network with the same methods.
        drop_mask_prompt: The switch of the protocol.
        batch: Most trajectories in a pass.
        mean: Mean that is subtracted from each channel of a photograph, in 0..1.
        std: Standard deviation by which each channel is then divided.
        limit: Limit of the logits that become mask prompts.
    """

    network: options_lib.Network
    drop_mask_prompt: bool = PAPER.drop_mask_prompt
    batch: int = options_lib.BATCH
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    limit: float = sam2_images.LIMIT


class Features(NamedTuple):
    """An encoded photograph: its size, and features `f32[1 c r r]`, fine to coarse."""

    size: tuple[int, int]
    levels: list[torch.Tensor]


def load(options: Mapping[str, str], protocol: Switches = PAPER) -> Model:
    """Loads SAM 2 or SAM 2.1."""
    return load_from("Sam2Model", ("sam2", "sam2_video"), options, protocol)


def load_from(
    class_name: str,
    kinds: tuple[str, ...],
    options: Mapping[str, str],
    protocol: Switches,
) -> Model:
    """Loads a network of a class that has the methods of `Sam2Model`.

    Args:
        class_name: Name of the class in the package.
        kinds: Model types of the checkpoints that the class can open.
        options: The options of the adapter.
        protocol: The switches of the run's protocol.
    """
    given = options_lib.Options(options)
    checkpoint, device = given.text("checkpoint"), given.device()
    batch = given.batch()
    given.end()
    try:
        network = _network(class_name, kinds, checkpoint)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"option checkpoint is {checkpoint!r}, which cannot be loaded: "
            f"{str(error).splitlines()[0]}"
        ) from error
    ready = options_lib.ready(network, device)
    return Model(ready, protocol.drop_mask_prompt, batch)


def encode(model: Model, image: np.ndarray) -> Features:
    """Encodes a photograph."""
    network = model.network
    side = network.prompt_encoder.input_image_size
    with torch.inference_mode():
        pixels = sam2_images.to_square(
            image, side, model.mean, model.std, network.device
        )
        encoded = network.get_image_features(pixels, return_dict=True)
        # `get_image_embeddings` is not called: if the encoder has a coarser level that
        # is not used, as SAM 3's has, it adds the embedding to that level.
        sizes = network.backbone_feature_sizes
        levels = list(encoded.fpn_hidden_states)[: len(sizes)]
        levels[-1] = levels[-1] + network.no_memory_embedding
        levels = [
            level.permute(1, 2, 0).reshape(1, -1, *sizes[index])
            for index, level in enumerate(levels)
        ]
    return Features(image.shape[:2], levels)


def predict(
    model: Model, features: Features, clicks: Clicks, state: sam_prompts.State | None
) -> tuple[torch.Tensor, sam_prompts.State]:
    """Answers the newest click of each trajectory."""
    network = model.network
    side = network.prompt_encoder.input_image_size

    def decode(prompts: sam_prompts.Prompts) -> torch.Tensor:
        xy = sam2_images.to_square_xy(prompts.xy, features.size, side)
        count = len(prompts.rows)
        arguments: dict[str, Any] = {
            "image_embeddings": [
                level.expand(count, -1, -1, -1) for level in features.levels
            ],
            # With points along the second axis, all would silently share one prompt.
            "input_points": xy[:, None].to(network.device),
            "input_labels": torch.from_numpy(prompts.labels)[:, None].to(
                network.device
            ),
            "multimask_output": False,
        }
        if prompts.low_res is not None:
            arguments["input_masks"] = prompts.low_res[:, None]
        return network(**arguments).pred_masks[:, 0, 0]

    low_res = sam_prompts.predict(
        decode, clicks, state, model.drop_mask_prompt, model.batch
    )
    # Unlike the original, the package does not clamp the logits that it returns.
    prompt = low_res.clamp(-model.limit, model.limit)
    return sam2_images.to_logits(low_res, features.size), {"low_res": prompt}


def _network(
    class_name: str, kinds: tuple[str, ...], checkpoint: str
) -> options_lib.Network:
    """Loads a network from a folder or the hub, with all its weights.

    Raises:
        ValueError: It is another network, or some weights are missing.
    """
    config = transformers.AutoConfig.from_pretrained(checkpoint)
    if config.model_type not in kinds:
        raise ValueError(
            f"{checkpoint} is a {config.model_type}; it can be {', '.join(kinds)}"
        )
    # The package would replace missing weights by random ones, with only a warning.
    network, report = getattr(transformers, class_name).from_pretrained(
        checkpoint, dtype=torch.float32, output_loading_info=True
    )
    wrong = {*report["missing_keys"], *report["unexpected_keys"]}
    for lacking, held in (_TWINS, _TWINS[::-1]):
        if lacking in wrong and held not in wrong:
            network.get_buffer(lacking).copy_(network.get_buffer(held))
            wrong.remove(lacking)
            break
    if wrong:
        raise ValueError(
            f"{checkpoint} does not fit the network: {len(wrong)} weights are missing "
            f"or unknown, such as {', '.join(sorted(wrong)[:5])}"
        )
    return network
