"""Weights of the comparison of SAM-HQ with its authors' code.

Photographs and clicks are those of `sam_cases`, and so is how weights are drawn.
"""

import golden_keys
import sam_cases

SEED = 14
CHANNELS = 64
# Small variances, so that what a normalisation adds to them shows; further features
# whose mask is about as large as SAM's; and differences that do not grow by feedback.
FACTORS = {
    **sam_cases.FACTORS,
    **sam_cases.PUBLISHED_FACTORS,
    "mask_decoder.compress_vit_feat.0.weight": 0.02,
    "mask_decoder.compress_vit_feat.0.bias": 0.05,
    "mask_decoder.embedding_encoder.0.weight": 0.02,
    "mask_decoder.embedding_encoder.0.bias": 0.05,
    "mask_decoder.embedding_maskfeature.0.weight": 0.02,
    "mask_decoder.embedding_maskfeature.0.bias": 0.05,
}


def state_of(shapes, small=True):
    """Returns weights for keys and shapes of the authors' state dict."""
    factors = FACTORS if small else sam_cases.PUBLISHED_FACTORS
    return sam_cases.state_of(shapes, factors, SEED)


def state_in(golden):
    """Returns the weights of a file that `golden/write_sam_hq.py` wrote."""
    shapes = golden_keys.shapes_in(golden)
    channels = shapes["image_encoder.neck.0.weight"][0]
    return state_of(shapes, channels == CHANNELS)
