"""SegNext with one fusion block against its own predictor: RClicks has none of it."""

import pathlib

import networks
import numpy as np
import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import segnext as adapter

REPOSITORY = "uncbiag/SegNext"
CHECKOUT = "SegNext"
DRIVER = REPOSITORY
SEED = 1
FACTORS = {"visual_prompts_encoder": 12.0, "seg_conv.weight": 3.0}
SIDE = 448
RECIPE = f"seed {SEED}, {FACTORS}; side {SIDE}, encoder 32 wide, 3 deep"
LONGEST = 240
DEPTH = 1
OMITTED = {}


def network(original):
    """Returns a small SegNext, whose windows are as it has them: two by two."""
    del original
    return build(SIDE, DEPTH)


def build(side, depth):
    """Returns a SegNext of a side and a number of fusion blocks."""
    networks.use(pathlib.Path(CHECKOUT, "segnext"))
    made = networks.plain_vit(
        side,
        16,
        backbone={"depth": 3, "global_atten_freq": 3, "mlp_ratio": 4},
        head={"in_select_index": [0, 1, 2, 3], "out_channels": 16},
        fusion_params={
            "type": "self_attention",
            "depth": depth,
            "params": {"dim": 32, "num_heads": 2, "mlp_ratio": 4, "qkv_bias": True},
        },
    )
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)


def reference(made, image, trajectory):
    """Has the authors' predictor answer, as their evaluation asks it."""
    clicker_module = checkouts.find("isegm.inference.clicker")
    predictor = checkouts.find("isegm.inference.predictor:BasePredictor")(made)
    clicker = clicker_module.Clicker(gt_mask=np.zeros(image.shape[:2], np.int32))
    maps = []
    with torch.no_grad():
        predictor.set_image(image)
        for y, x, positive in trajectory:
            clicker.add_click(clicker_module.Click(positive, (y, x)))
            maps.append(predictor.predict(clicker))
    return np.stack(maps)


class Sees:
    """A network that sees another photograph than it is given."""

    def __init__(self, made, change):
        self._made, self._change = made, change

    def __getattr__(self, name):
        return getattr(self._made, name)

    def __call__(self, *arguments):
        return self._made(*arguments)

    def get_image_feats(self, pixels):
        return self._made.get_image_feats(self._change(pixels))


def _on_last(change):
    return lambda state: {"probabilities": change(state["probabilities"])}


def _stretched_already(clicks, image):
    return clicks._replace(yx=clicks.yx * np.array(image.shape[:2]) / SIDE)


BUGS = {
    "clicks not stretched": {"on_clicks": _stretched_already},
    "mask prompt cut at the threshold": {
        "on_state": _on_last(lambda one: (one > adapter.THRESHOLD).float())
    },
    "mask prompt as logits": {"on_state": _on_last(torch.logit)},
    "pixels up to 255": {
        "model": lambda made: model(Sees(made, lambda pixels: pixels * 255))
    },
    "blue first": {
        "model": lambda made: model(Sees(made, lambda pixels: pixels.flip(1)))
    },
}
