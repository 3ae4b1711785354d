"""SAM 3's tracker by `transformers` against one call of its network for each click.

The package adds the embedding for the absence of memory to the encoder's last level,
which for SAM 3 is one that nobody looks at. The original adds it to the last level
that is looked at: so does the network that wrote the golden file, having no other.
"""

import kit
import numpy as np
import sam2_parts
import torch
import transformers
from torch.nn import functional

from rclicks_jax.bridge.adapters import transformers_sam2
from rclicks_jax.bridge.adapters import transformers_sam3 as adapter

REPOSITORY = "huggingface/transformers"
DRIVER = REPOSITORY
CHECKOUT = ""
SEED = 7
GAIN = 1.3
FACTORS = {
    "output_hypernetworks_mlps": 2.4,
    "output_hypernetworks_mlps.0": 0.4,
    "point_embed": 2.0,
}
SIDE = 112
RECIPE = (
    f"seed {SEED}, gain {GAIN}, {FACTORS}; side {SIDE}, ViT 32 wide and 2 deep, "
    "decoder 32"
)
LONGEST = sam2_parts.LONGEST
OMITTED = {}


def network(original):
    """Returns a small tracker; the original's without the level of no use."""
    return build(levels=3 if original else 4)


def build(levels):
    """Returns a small tracker whose encoder has some levels."""
    config = transformers.Sam3TrackerConfig(
        vision_config=transformers.Sam3VisionConfig(
            backbone_config=transformers.Sam3ViTConfig(
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=SIDE,
                window_size=4,
                global_attn_indexes=[1],
                pretrain_image_size=SIDE // 2,
            ),
            fpn_hidden_size=32,
            backbone_feature_sizes=[[SIDE * 2 // 7] * 2, [SIDE // 7] * 2, [8, 8]],
            scale_factors=[4.0, 2.0, 1.0, 0.5][:levels],
        ),
        prompt_encoder_config={"hidden_size": 32, "image_size": SIDE},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "iou_head_hidden_dim": 32,
        },
    )
    made = transformers.Sam3TrackerModel(config)
    weights = kit.seeded(made.state_dict(), SEED, GAIN, FACTORS)
    twin = "prompt_encoder.shared_embedding.positional_embedding"
    weights[twin] = weights["shared_image_embedding.positional_embedding"]
    made.load_state_dict(weights)
    return made.eval()


def model(made):
    """Returns what the adapter's `load` would."""
    return transformers_sam2.Model(made, mean=adapter.MEAN, std=adapter.STD)


def reference(made, image, trajectory):
    """Calls the network with the photograph and all clicks so far, once a click."""
    height, width = image.shape[:2]
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255
    pixels = functional.interpolate(
        pixels, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True
    )
    maps, low_res = [], None
    for count in range(1, len(trajectory) + 1):
        clicks = trajectory[:count]
        positive = sum(on for _, _, on in clicks)
        points = [[x * (SIDE / width), y * (SIDE / height)] for y, x, _ in clicks]
        with torch.no_grad():
            answer = made(
                pixel_values=(pixels - 0.5) / 0.5,
                input_points=torch.tensor([[points]]),
                input_labels=torch.tensor([[[int(on) for _, _, on in clicks]]]),
                # RClicks drops it where at most one click is of each kind.
                input_masks=low_res if max(positive, count - positive) > 1 else None,
                multimask_output=False,
            )
        mask = answer.pred_masks[:, 0]
        low_res = mask.clamp(-32, 32)
        full = functional.interpolate(mask, (height, width), mode="bilinear")
        maps.append(torch.sigmoid(full)[0, 0].numpy())
    return np.stack(maps)


BUGS = {
    "mask prompt as probabilities": sam2_parts.AS_PROBABILITIES,
    "mask prompt not clamped": sam2_parts.unclamped(model),
    "image padded instead of squashed": sam2_parts.padded(model),
    "no fallback where a mask is unstable": sam2_parts.no_fallback(model),
    "fallback also where a mask is stable": sam2_parts.always_fallback(model),
    "embedding of no memory left out": sam2_parts.no_memory(model),
    "mean and deviation of SAM 2": {"model": transformers_sam2.Model},
}
