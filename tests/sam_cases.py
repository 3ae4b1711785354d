"""Weights, photographs and clicks of the comparison of SAM with its authors' code.

The same for SAM 2 are in `sam2_cases`.

All are functions of seeds, in NumPy alone, so that an interpreter with PyTorch makes
the same. No weight is 0: what a table or a bias of zeros hides would stay hidden.
"""

import zlib

import golden_keys
import numpy as np

SEED = 14
# Of the small network's embedding.
CHANNELS = 64
ROUNDS = 20
# Points of logits of low resolution that a file keeps.
STRIDE = 13
# Rounds whose masks a file keeps.
KEPT = (1, 2, 3, 20)
# Square, wide, tall, odd, and larger than the square.
SHAPES = {
    "small": ((128, 128), (60, 97), (131, 45), (250, 333)),
    "published": ((512, 512), (360, 640), (801, 467), (1301, 1733)),
}
# Positive or not: the second trajectory's second click drops the mask prompt.
SIGNS = ("++-++-+++-++--+++-+-", "+--+++-++-+-+++-++--", "+++++++++++++++++++-")


# Small variances, so that what a normalisation adds to them shows; and scores that
# depend on where a token looks, so that not always the same mask is best.
FACTORS = {
    "image_encoder.patch_embed.proj.weight": 0.02,
    "image_encoder.patch_embed.proj.bias": 0.1,
    "image_encoder.pos_embed": 0.05,
    "image_encoder.neck.0.weight": 0.01,
    "image_encoder.neck.2.weight": 0.01,
    "prompt_encoder.mask_downscaling.0.weight": 0.001,
    "prompt_encoder.mask_downscaling.0.bias": 0.1,
    "mask_decoder.transformer.layers.0.self_attn.out_proj.weight": 0.02,
    "mask_decoder.transformer.layers.0.self_attn.out_proj.bias": 0.1,
    "mask_decoder.iou_token.weight": 0.1,
    "mask_decoder.transformer.final_attn_token_to_image.q_proj.weight": 6.0,
    "mask_decoder.transformer.final_attn_token_to_image.out_proj.weight": 4.0,
    "mask_decoder.output_upscaling.0.weight": 0.01,
    "mask_decoder.output_upscaling.0.bias": 0.05,
}
# Of published sizes, SAM-HQ's too: rounding does not grow by feedback.
PUBLISHED_FACTORS = {"prompt_encoder.mask_downscaling.6.weight": 0.3}


def value_of(key, shape, seed=SEED):
    """Returns the weight of a key of the original's state dict."""
    random = np.random.default_rng([seed, zlib.crc32(key.encode())])
    drawn = random.standard_normal(shape).astype(np.float32)
    *_, module, name = key.split(".") if "." in key else ("", "", key)
    if "gaussian" in key:
        return drawn
    if name == "bias":
        return np.float32(0.02 if "iou_prediction" in key else 0.2) * drawn
    if name.startswith("rel_pos"):
        return np.float32(0.3) * drawn
    if "_embed" in name or "_embed" in module or "token" in module:
        return np.float32(0.5) * drawn
    if "point_embeddings" in key:
        return drawn
    if len(shape) == 1:
        return np.float32(1) + np.float32(0.2) * drawn
    fan_in = np.prod(shape[1:])
    if "output_upscaling" in key:
        # Of transposed convolutions the inputs come first, and no pixels overlap.
        fan_in = shape[0]
    gain = 3.0 if "hypernetworks" in key or "iou_pred" in key else 1.3
    return drawn * np.float32(gain / np.sqrt(fan_in))


def state_of(shapes, factors=FACTORS, seed=SEED):
    """Returns weights for keys and shapes, some of them multiplied by factors."""
    return {
        key: value_of(key, tuple(shape), seed) * np.float32(factors.get(key, 1))
        for key, shape in shapes.items()
    }


def state_in(golden):
    """Returns the weights of a file that `golden/write_sam.py` wrote."""
    shapes = golden_keys.shapes_in(golden)
    is_small = shapes["image_encoder.neck.0.weight"][0] == CHANNELS
    return state_of(shapes, FACTORS if is_small else PUBLISHED_FACTORS)


def photograph(shape, seed=SEED):
    """Returns blobs of colours in noise, `u8[h w 3]`."""
    random = np.random.default_rng([seed, *shape])
    height, width = shape
    y, x = np.mgrid[:height, :width] / max(shape)
    image = random.uniform(0, 60, (height, width, 3))
    for _ in range(6):
        centre, radius = random.uniform(0, 1, 2), random.uniform(0.05, 0.3)
        inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
        image[inside] += random.uniform(0, 190, 3)
    return image.clip(0, 255).astype(np.uint8)


def clicks_on(shape, seed=SEED):
    """Returns positions, `i32[3 20 2]`, and whether each is positive, `bool[3 20]`."""
    random = np.random.default_rng([seed, 7, *shape])
    yx = random.integers(0, shape, (len(SIGNS), ROUNDS, 2)).astype(np.int32)
    return yx, np.array([[sign == "+" for sign in signs] for signs in SIGNS])
