"""SAM by transformers against the original's answers to the same weights."""

import names_sam
import torch
import transformers

from cases import sam
from rclicks_jax.bridge.adapters import transformers_sam as adapter

REPOSITORY = "huggingface/transformers"
CHECKOUT = ""
GOLDEN = "sam"
LONGEST = sam.LONGEST
BUGS = {
    "mask prompt as probabilities": {
        "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
    },
}
OMITTED = {}


def as_it_is():
    """Returns a SAM of the size and with the weights of the case `sam`."""
    config = transformers.SamConfig(
        vision_config=transformers.SamVisionConfig(
            hidden_size=32,
            output_channels=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=128,
            window_size=5,
            global_attn_indexes=[1],
            num_pos_feats=16,
        ),
        prompt_encoder_config=transformers.SamPromptEncoderConfig(
            hidden_size=32, image_size=128
        ),
        mask_decoder_config=transformers.SamMaskDecoderConfig(
            hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32
        ),
    )
    made = transformers.SamModel(config)
    names_sam.seed(made, sam.SEED, sam.FACTORS)
    return made.eval()


def network(original):
    """Returns the same, as the adapter's `load` changes it."""
    assert not original
    return adapter.as_original(as_it_is())


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)
