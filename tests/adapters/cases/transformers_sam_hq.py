"""SAM-HQ by transformers against the original's answers to the same weights."""

import copy

import names_sam
import torch
import transformers

from cases import sam_hq
from rclicks_jax.bridge.adapters import transformers_sam as adapter

REPOSITORY = "huggingface/transformers"
CHECKOUT = ""
GOLDEN = "sam_hq"
LONGEST = sam_hq.LONGEST


def with_layers_turned(made):
    """Returns a model whose decoder looks at the last layer instead of the first."""
    turned = copy.deepcopy(made)

    def turn(module, inputs, output):
        output.intermediate_embeddings = output.intermediate_embeddings[::-1]
        return output

    turned.vision_encoder.register_forward_hook(turn)
    return adapter.Model(turned)


def with_high_quality_alone(made):
    """Returns a model that does not add the mask that scores best."""
    alone = copy.deepcopy(made)
    alone.mask_decoder.register_forward_pre_hook(
        lambda module, inputs, named: (inputs, {**named, "hq_token_only": True}),
        with_kwargs=True,
    )
    return adapter.Model(alone)


def with_second_best(made):
    """Returns a model that adds the mask that scores second best."""
    second = copy.deepcopy(made)
    second.mask_decoder.register_forward_hook(
        lambda module, inputs, output: (output[0].roll(1, dims=2), output[1])
    )
    return adapter.Model(second)


BUGS = {
    "mask prompt as probabilities": {
        "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
    },
    "last layer instead of the first": {"model": with_layers_turned},
    "high quality alone": {"model": with_high_quality_alone},
    "as transformers has it": {"model": lambda made: adapter.Model(as_it_is())},
    "another mask than the best": {"model": with_second_best},
}
OMITTED = {}


def as_it_is():
    """Returns a SAM-HQ of the size and with the weights of the case `sam_hq`."""
    config = transformers.SamHQConfig(
        vision_config=transformers.SamHQVisionConfig(
            hidden_size=32,
            output_channels=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            image_size=128,
            window_size=5,
            global_attn_indexes=[1, 2],
            num_pos_feats=16,
        ),
        prompt_encoder_config=transformers.SamHQPromptEncoderConfig(
            hidden_size=32, image_size=128
        ),
        mask_decoder_config=transformers.SamHQMaskDecoderConfig(
            hidden_size=32,
            mlp_dim=64,
            num_attention_heads=2,
            iou_head_hidden_dim=32,
            vit_dim=32,
        ),
    )
    made = transformers.SamHQModel(config)
    names_sam.seed(made, sam_hq.SEED, sam_hq.FACTORS)
    return made.eval()


def network(original):
    """Returns the same, as the adapter's `load` changes it."""
    assert not original
    return adapter.as_original(as_it_is())


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)
