"""Weights and clicks of the comparison of RITM with its authors' code.

All are functions of seeds, in NumPy alone, so that an interpreter with PyTorch makes
the same. No weight is 0, and no statistic of a normalisation is 0 or 1: what these hide
would stay hidden.
"""

import zlib

import numpy as np
import sam_cases
import simpleclick_cases

ROUNDS = 20
# Points of logits that a file keeps of each pass.
STRIDE = 199
# Rounds whose masks a file keeps.
KEPT = (1, 2, 3, 7, 20)
# Smaller than a crop can be, and wide and tall and larger.
SHAPES = {
    "small": ((97, 160), (230, 310), (320, 215)),
    "published": ((360, 480), (801, 467), (1301, 1733)),
}
# Those that are played as photographs of TETRIS, whose first click sees a crop.
AS_TETRIS = {"small": (1,), "published": ()}
# Longest side of crops.
TARGETS = {"small": 160, "published": 400}
# The small network: a block of each kind. Its stem and its first blocks are as wide as
# the authors' code makes them.
SMALL = {"width": 6, "keys": 8, "blocks": 1, "exchanges": (1, 2, 1)}
# What a normalisation divides by is small, so that what is added to it shows.
DEVIATION = 0.1
# Of the layers beside the image: the last answer, which matters little, positive and
# negative clicks. So objects are around positive clicks, and there is something to zoom
# to.
LAYERS = (0.02, 1.0, 0.1)
OPPOSITE = -0.3
# Clicks matter more than colours, and sums of branches do not grow.
FACTORS = {
    "maps_transform.0.weight": 3.0,
    "maps_transform.2.weight": 5.0,
    "feature_extractor.bn1.weight": 0.1,
    "bn2.weight": 0.4,
    "bn3.weight": 0.4,
    "fuse_layers": 0.6,
    "cls_head.weight": 4.0,
}
# Deeper networks have more sums.
OF_PUBLISHED = {**FACTORS, "bn2.weight": 0.3, "fuse_layers": 0.35}
# With these seeds and biases objects are of a middling size.
SEEDS = {
    "small": 40,
    "h18_baseline": 2,
    "h18s_itermask": 2,
    "h18_itermask": 2,
    "h32_itermask": 2,
}
BIASES = {
    "small": -15.0,
    "h18_baseline": -140.0,
    "h18s_itermask": 4.0,
    "h18_itermask": -140.0,
    "h32_itermask": -160.0,
}
CONFIG = {
    "class": "isegm.model.is_hrnet_model.HRNetModel",
    "params": {
        name: {"type": "builtin", "value": value, "specified": True}
        for name, value in {
            "use_leaky_relu": True,
            "use_rgb_conv": False,
            "use_disks": True,
            "norm_radius": 5,
            "with_prev_mask": True,
        }.items()
    },
}

# What the authors' class is made with, of each published size.
PUBLISHED = {
    "h18_baseline": {"width": 18, "ocr_width": 64, "small": False},
    "h18s_itermask": {"width": 18, "ocr_width": 48, "small": True},
    "h18_itermask": {"width": 18, "ocr_width": 64, "small": False},
    "h32_itermask": {"width": 32, "ocr_width": 128, "small": False},
}

photograph = sam_cases.photograph


def config_of(size):
    """Returns the settings in a file of a published size."""
    given = {
        **PUBLISHED[size],
        "with_aux_output": True,
        "with_prev_mask": size != "h18_baseline",
    }
    params = {
        name: {"type": "builtin", "value": value, "specified": True}
        for name, value in given.items()
    }
    return {**CONFIG, "params": {**CONFIG["params"], **params}}


def value_of(key, shape, seed):
    """Returns the weight of a key of the original's state dict."""
    random = np.random.default_rng([seed, zlib.crc32(key.encode())])
    drawn = random.standard_normal(shape).astype(np.float32)
    if key.endswith("scale"):
        # Its sign has no effect.
        return np.full(shape, -0.7, np.float32)
    if key.endswith("running_var"):
        return np.square(DEVIATION * (1 + 0.2 * drawn)).astype(np.float32)
    if key.endswith("running_mean"):
        return np.float32(0.2 * DEVIATION) * drawn
    if key.endswith("bias"):
        return np.float32(0.2) * drawn
    if len(shape) == 1:
        return np.float32(1) + np.float32(0.2) * drawn
    is_plain = key.startswith("maps_transform") or key.endswith(
        ("cls_head.weight", "aux_head.3.weight")
    )
    gain = np.sqrt(2 / np.prod(shape[1:])) * (1 if is_plain else DEVIATION)
    return drawn * np.float32(gain)


def state_of(shapes, size="small"):
    """Returns weights, multiplied by the factors whose names their keys contain."""
    state = {}
    factors = FACTORS if size == "small" else OF_PUBLISHED
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            continue
        given = [factor for part, factor in factors.items() if part in key]
        state[key] = value_of(key, tuple(shape), SEEDS[size]) * np.float32(
            np.prod(given)
        )
        if key == "maps_transform.0.weight":
            layers = np.array(LAYERS[-shape[1] :], np.float32)
            state[key] *= layers[:, None, None]
            state[key][:, -1] += np.float32(OPPOSITE) * state[key][:, -2]
        if key.endswith("cls_head.bias"):
            state[key] += np.float32(BIASES[size])
    return state


clicks_on = simpleclick_cases.clicks_on
