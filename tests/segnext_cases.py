"""Weights and clicks of the comparison of SegNext with its authors' code.

All are functions of seeds, in NumPy alone, so that an interpreter with PyTorch makes
the same. No weight is 0: what a table or a bias of zeros hides would stay hidden.
"""

import numpy as np
import simpleclick_cases

SEED = 31
ROUNDS = 20
# Logits of low resolution that a file keeps.
STRIDE = 13
# Rounds whose masks a file keeps.
KEPT = (1, 2, 3, 7, 20)
# Wide, tall, odd, and larger than the square. The file of the small network has two.
SHAPES = {
    "small": ((97, 160), (451, 563), (301, 203)),
    "published": ((360, 480), (801, 467), (1301, 1733)),
}
# The small network: squares of 448 pixels, windows of 7x7 patches; the second block
# and the last attend to all of the square.
SMALL = {
    "patch": 32,
    "learnt": 14,
    "dim": 48,
    "depth": 3,
    "group": 2,
    "heads": 2,
    "hidden": 96,
    "pyramid": (8, 16, 32, 64),
    "channels": 16,
    "fused": 1,
}
# The last answer matters little, so that differences do not grow from click to click.
PREVIOUS = 0.03
# Variances are small, so that what a normalisation adds to them shows.
FACTORS = {
    "backbone.patch_embed.proj.weight": 0.012,
    "backbone.patch_embed.proj.bias": 0.025,
    "backbone.pos_embed": 0.02,
    "attn.proj": 0.012,
    "mlp.fc2": 0.012,
    "visual_prompts_encoder.proj.weight": 0.6,
    "visual_prompts_encoder.proj.bias": 0.02,
    "neck.down_4.0.weight": 0.1,
    "neck.down_4.0.bias": 0.01,
    "head.seg_conv.weight": 4.0,
}
# Of a published size.
OF_PUBLISHED = {
    "backbone.patch_embed.proj": 0.1,
    "backbone.pos_embed": 0.2,
    "attn.proj": 0.2,
    "mlp.fc2": 0.5,
    "visual_prompts_encoder.proj.weight": 30.0,
    "visual_prompts_encoder.proj.bias": 0.1,
    "head.seg_conv.weight": 4.0,
}
# Biases of the logits; without one, those of `vitb_sax2` are about -7.
BIASES = {"small": -2.5, "vitb_sax1": 7.5, "vitb_sax2": 7.5}


def _given(name, value):
    return name, {"type": "builtin", "value": value, "specified": True}


CONFIG = {
    "class": "isegm.model.is_plainvit_model.PlainVitModel",
    "params": dict(
        [
            _given(
                "backbone_params",
                {"num_heads": SMALL["heads"], "global_atten_freq": SMALL["group"]},
            ),
            _given("fusion_params", {"params": {"num_heads": SMALL["heads"]}}),
            _given("use_disks", True),
        ]
    ),
}

photograph = simpleclick_cases.photograph


def factors_of(size):
    """Returns the factors of a size: small, or a published one."""
    return FACTORS if size == "small" else OF_PUBLISHED


def state_of(shapes, size="small"):
    """Returns weights, multiplied by the factors whose names their keys contain."""
    state = {}
    for key, shape in shapes.items():
        given = [factor for part, factor in factors_of(size).items() if part in key]
        drawn = simpleclick_cases.value_of(key, tuple(shape), SEED)
        state[key] = drawn * np.float32(np.prod(given))
        if key == "visual_prompts_encoder.proj.weight":
            state[key][:, 0] *= np.float32(PREVIOUS)
        if key == "head.seg_conv.bias":
            state[key] += np.float32(BIASES[size])
    return state


def clicks_on(shape):
    """Returns positions, `i32[3 20 2]`, and whether each is positive, `bool[3 20]`."""
    return simpleclick_cases.clicks_on(shape, SEED)
