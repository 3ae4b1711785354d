"""Weights and sizes of the comparison of SAM 2 with its authors' code.

Photographs and clicks are those of `sam_cases`, and so is how weights are drawn.
"""

import contextlib
from unittest import mock

import golden_keys
import sam_cases

SEED = 19
# Of the small network, by the names of the authors' settings.
SIDE, CHANNELS = 128, 64
TRUNK = {
    "embed_dim": 16,
    "num_heads": 2,
    "stages": [1, 2, 3, 2],
    "window_spec": [8, 4, 6, 3],
    "global_att_blocks": [4],
    "window_pos_embed_bkg_spatial_size": [7, 7],
}
# Small variances, so that what a normalisation adds to them shows; and logits and
# scores for which the single mask is stable at some clicks only.
FACTORS = {
    "image_encoder.trunk.patch_embed.proj.weight": 0.02,
    "image_encoder.trunk.patch_embed.proj.bias": 0.1,
    "image_encoder.trunk.pos_embed": 0.05,
    "image_encoder.trunk.pos_embed_window": 0.05,
    "image_encoder.neck.convs.0.conv.weight": 0.15,
    "image_encoder.neck.convs.1.conv.weight": 0.15,
    "sam_prompt_encoder.mask_downscaling.0.weight": 0.001,
    "sam_prompt_encoder.mask_downscaling.0.bias": 0.1,
    "sam_mask_decoder.transformer.layers.0.self_attn.out_proj.weight": 0.02,
    "sam_mask_decoder.transformer.layers.0.self_attn.out_proj.bias": 0.1,
    "sam_mask_decoder.iou_token.weight": 0.1,
    "sam_mask_decoder.transformer.final_attn_token_to_image.q_proj.weight": 6.0,
    "sam_mask_decoder.transformer.final_attn_token_to_image.out_proj.weight": 12.0,
    "sam_mask_decoder.output_hypernetworks_mlps.0.layers.2.weight": 0.2,
    "sam_mask_decoder.output_hypernetworks_mlps.0.layers.2.bias": 0.2,
    "sam_mask_decoder.output_upscaling.0.weight": 0.01,
    "sam_mask_decoder.output_upscaling.0.bias": 0.05,
    "sam_mask_decoder.iou_prediction_head.layers.2.weight": 0.3,
    "sam_mask_decoder.conv_s1.weight": 0.01,
    "sam_mask_decoder.conv_s1.bias": 0.05,
}
# The same of published sizes: embeddings of a deviation near 1, single masks of which
# some are stable, and mask prompts by which rounding does not grow.
PUBLISHED_FACTORS = {
    "sam_prompt_encoder.mask_downscaling.6.weight": 0.3,
    "image_encoder.neck.convs.0.conv.weight": 0.12,
    "image_encoder.neck.convs.1.conv.weight": 0.12,
    "sam_mask_decoder.output_hypernetworks_mlps.0.layers.2.weight": 0.01,
    "sam_mask_decoder.output_hypernetworks_mlps.0.layers.2.bias": 0.01,
    "sam_mask_decoder.iou_prediction_head.layers.2.weight": 0.3,
    "sam_mask_decoder.iou_token.weight": 0.1,
    "sam_mask_decoder.transformer.final_attn_token_to_image.out_proj.weight": 4.0,
}


def state_of(shapes, small=True):
    """Returns weights for keys and shapes of the authors' state dict."""
    return sam_cases.state_of(shapes, FACTORS if small else PUBLISHED_FACTORS, SEED)


def state_in(golden):
    """Returns the weights of a file that `golden/write_sam2.py` wrote."""
    shapes = golden_keys.shapes_in(golden)
    return state_of(shapes, shapes["no_mem_embed"][-1] == CHANNELS)


def save(path, state):
    """Writes weights as the authors publish them."""
    import checkpoint_files

    tensors = {key: checkpoint_files.tensor(array) for key, array in state.items()}
    checkpoint_files.save(path, {"model": tensors})


@contextlib.contextmanager
def published():
    """Has the small network be of a published size: only their weights are read."""
    from rclicks_jax.networks.sam2 import sizes

    small = sizes.Sam2Sizes(
        side=SIDE,
        dim=TRUNK["embed_dim"],
        heads=TRUNK["num_heads"],
        stages=tuple(TRUNK["stages"]),
        windows=tuple(TRUNK["window_spec"]),
        global_blocks=tuple(TRUNK["global_att_blocks"]),
        background=TRUNK["window_pos_embed_bkg_spatial_size"][0],
        channels=CHANNELS,
    )
    with mock.patch.dict(sizes.PUBLISHED, {"small": small}):
        yield
