"""Weights and clicks of the comparison of SimpleClick with its authors' code.

All are functions of seeds, in NumPy alone, so that an interpreter with PyTorch makes
the same. No weight is 0: what a table or a bias of zeros hides would stay hidden.
"""

import zlib

import numpy as np
import sam_cases

SEED = 29
ROUNDS = 20
# Points of logits of the square that a file keeps.
STRIDE = 809
# Rounds whose masks a file keeps.
KEPT = (1, 2, 3, 7, 20)
# Smaller than a crop can be, wide, tall and odd, and larger than the square.
SHAPES = {
    "small": ((97, 160), (300, 420), (451, 263)),
    "published": ((360, 480), (801, 467), (1301, 1733)),
}
# Positive or not, of three trajectories.
SIGNS = ("++-++-+++-++--+++-+-", "+--+++-++-+-+++-++--", "+++++++++++++++++++-")
# The small network: windows of 7x7 patches, positions learnt for a quarter.
SMALL = {
    "patch": 32,
    "learnt": 7,
    "dim": 48,
    "depth": 8,
    "heads": 2,
    "hidden": 96,
    "pyramid": (8, 16, 32, 64),
    "channels": 16,
}
# Objects are around positive clicks, and the last answer matters little, so that there
# is something to zoom to. Variances are small, so that what a normalisation adds to
# them shows.
PREVIOUS = 0.01
FACTORS = {
    "patch_embed_coords.proj.weight": 20.0,
    "patch_embed_coords.proj.bias": 0.03,
    "backbone.patch_embed.proj.weight": 0.02,
    "backbone.patch_embed.proj.bias": 0.03,
    "backbone.pos_embed": 0.03,
    "attn.proj": 0.3,
    "mlp.fc2": 0.5,
    "neck.down_4.0.weight": 0.01,
    "neck.down_4.0.bias": 0.02,
    "head.conv_seg.weight": 4.0,
    "head.conv_seg.bias": -48.0,
}

# Of a published size; the biases of the logits leave objects around clicks.
OF_PUBLISHED = {
    "patch_embed_coords.proj.weight": 30.0,
    "patch_embed_coords.proj.bias": 0.1,
    "backbone.patch_embed.proj": 0.1,
    "backbone.pos_embed": 0.2,
    "attn.proj": 0.2,
    "mlp.fc2": 0.5,
    "head.conv_seg.weight": 4.0,
}
BIASES = {"vit_xtiny": -10.6, "vit_base": -11.7, "vit_large": -10.2, "vit_huge": 0.0}
CONFIG = {
    "class": "isegm.model.is_plainvit_model.PlainVitModel",
    "params": {
        "backbone_params": {
            "type": "builtin",
            "value": {"num_heads": SMALL["heads"]},
            "specified": True,
        }
    },
}

photograph = sam_cases.photograph


def value_of(key, shape, seed=SEED):
    """Returns the weight of a key of the original's state dict."""
    random = np.random.default_rng([seed, zlib.crc32(key.encode())])
    drawn = random.standard_normal(shape).astype(np.float32)
    if key.endswith("bias"):
        return np.float32(0.2) * drawn
    if "pos_embed" in key or "token" in key:
        return np.float32(0.5) * drawn
    if len(shape) == 1:
        return np.float32(1) + np.float32(0.2) * drawn
    fan_in = np.prod(shape[1:])
    if key.startswith(("neck.down_4.0.", "neck.down_4.3.", "neck.down_8.0.")):
        # Of transposed convolutions the inputs come first, and no pixels overlap.
        fan_in = shape[0]
    return drawn * np.float32(1.3 / np.sqrt(fan_in))


def state_of(shapes, factors=FACTORS, seed=SEED):
    """Returns weights, multiplied by the factors whose names their keys contain."""
    state = {}
    for key, shape in shapes.items():
        given = [factor for part, factor in factors.items() if part in key]
        state[key] = value_of(key, tuple(shape), seed) * np.float32(np.prod(given))
        if key == "patch_embed_coords.proj.weight":
            state[key][:, 0] *= np.float32(PREVIOUS)
    return state


def factors_of(size):
    """Returns the factors of a size: small, or a published one."""
    if size == "small":
        return FACTORS
    return {**OF_PUBLISHED, "head.conv_seg.bias": BIASES[size]}


def clicks_on(shape, seed=SEED):
    """Returns positions, `i32[3 20 2]`, and whether each is positive, `bool[3 20]`.

    Those of the first trajectory are around a point, those of the second around a point
    that wanders, and those of the third anywhere: so crops are kept, move and grow.
    """
    random = np.random.default_rng([seed, 7, *shape])
    centre = random.uniform(0.3, 0.7, 2)
    around = centre + random.normal(0, 0.05, (ROUNDS, 2))
    wandering = random.uniform(0.1, 0.9, (4, 2)).repeat(ROUNDS // 4, axis=0)
    wandering = wandering + random.normal(0, 0.03, (ROUNDS, 2))
    anywhere = random.uniform(0, 1, (ROUNDS, 2))
    shares = np.stack([around, wandering, anywhere]).clip(0, 1)
    yx = np.minimum(shares * shape, np.array(shape) - 1).astype(np.int32)
    return yx, np.array([[sign == "+" for sign in signs] for signs in SIGNS])
