"""Weights and sizes of the comparison of MobileSAM with its authors' code.

Photographs and clicks are those of `sam_cases`, and so is how weights are drawn.
"""

import contextlib
from unittest import mock

import golden_keys
import numpy as np
import sam_cases

SEED = 25
# Of the small network, by the names of the authors' arguments.
SIDE, CHANNELS = 128, 64
ENCODER = {
    "img_size": SIDE,
    "num_classes": 10,
    "embed_dims": [8, 16, 24, 32],
    "depths": [1, 1, 2, 1],
    "num_heads": [1, 2, 3, 2],
    # Windows over the edge, one window, and windows over the edge again.
    "window_sizes": [7, 5, 8, 3],
    "mlp_ratio": 2.0,
    "drop_path_rate": 0.0,
    "mbconv_expand_ratio": 3.0,
}
# Small variances, so that what a normalisation adds to them shows.
FACTORS = {
    **{key: factor for key, factor in sam_cases.FACTORS.items() if "_decoder" in key},
    **{key: factor for key, factor in sam_cases.FACTORS.items() if "neck" in key},
    **{key: factor for key, factor in sam_cases.FACTORS.items() if "prompt" in key},
    # So that differences of logits do not grow from click to click.
    "prompt_encoder.mask_downscaling.6.weight": 0.3,
    "image_encoder.layers.0.downsample.conv3.bn.weight": 0.03,
    "image_encoder.layers.0.downsample.conv3.bn.bias": 0.1,
    "image_encoder.patch_embed.seq.2.c.weight": 0.03,
    "image_encoder.patch_embed.seq.2.bn.running_mean": 0.03,
    "image_encoder.patch_embed.seq.2.bn.running_var": 0.001,
}
# The same of the published size: scores that depend on where a token looks.
PUBLISHED_FACTORS = {
    "prompt_encoder.mask_downscaling.6.weight": 0.3,
    "mask_decoder.iou_token.weight": 0.1,
    "mask_decoder.iou_prediction_head.layers.2.weight": 0.3,
    "mask_decoder.transformer.final_attn_token_to_image.q_proj.weight": 6.0,
    "mask_decoder.transformer.final_attn_token_to_image.out_proj.weight": 4.0,
}
# Of all blocks.
BIASES = 4.0


def state_of(shapes, small=True):
    """Returns weights for keys and shapes of the authors' state dict."""
    factors = dict(FACTORS if small else PUBLISHED_FACTORS)
    for key in shapes:
        if key.endswith("attention_biases"):
            factors[key] = BIASES
    state = sam_cases.state_of(shapes, factors, SEED)
    for key, shape in shapes.items():
        if key.endswith("running_mean"):
            # Not near 1 but near 0, or GELU would leave little of any photograph.
            drawn = sam_cases.value_of(f"{key}.bias", tuple(shape), SEED)
            state[key] = drawn * np.float32(factors.get(key, 1))
        elif key.endswith("num_batches_tracked"):
            state[key] = np.array(7)
    return state


def state_in(golden):
    """Returns the weights of a file that `golden/write_mobile_sam.py` wrote."""
    shapes = golden_keys.shapes_in(golden)
    channels = shapes["image_encoder.neck.0.weight"][0]
    return state_of(shapes, channels == CHANNELS)


@contextlib.contextmanager
def of_small_squares():
    """Has squares be of the small network's side, which no weight shows."""
    from rclicks_jax.networks.mobile_sam import sizes

    with mock.patch.object(sizes, "SIDE", SIDE):
        yield
