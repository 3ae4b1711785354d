"""FocalClick, HRNet-18s, pipeline S2, against ClickSEG's own predictor.

RClicks has none of it.
"""

import kit
import networks
import numpy as np
import torch
from torch import nn

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import focalclick as adapter

REPOSITORY = "XavierCHEN34/ClickSEG"
CHECKOUT = "ClickSEG"
DRIVER = REPOSITORY
SEED = 1
GAIN = 1.2
FACTORS = {"bn2.": 0.3, "fuse_layers": 0.7}
SHIFT = 2.5
# Of the photograph; else random weights find an object everywhere, and nothing zooms.
REACH = 0.2
SIDE = 96
RECIPE = (
    f"seed {SEED}, gain {GAIN}, {FACTORS}, coarse logits plus {SHIFT} and blobs around "
    f"clicks; HRNet-18s, OCR 8 wide, passes of {SIDE}x{SIDE}"
)
LONGEST = 240
OMITTED = {}


def network(original):
    """Returns a small FocalClick."""
    del original
    return Local(build("s2"))


def build(pipeline):
    """Returns a small FocalClick of a pipeline."""
    networks.use(CHECKOUT)
    made = networks.hrnet(pipeline_version=pipeline)
    weights = kit.seeded(made.state_dict(), SEED, GAIN, FACTORS)
    weights["feature_extractor.cls_head.bias"] += SHIFT
    made.load_state_dict(weights)
    return made.eval()


class Local(nn.Module):
    """A network whose objects are near clicks."""

    with_prev_mask = True

    def __init__(self, made):
        super().__init__()
        self.made = made
        self.refine = made.refine

    def forward(self, inputs, points):
        """Adds to coarse logits what is near positive clicks and not negative ones."""
        height, width = inputs.shape[2:]
        grid = torch.stack(
            torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1
        )
        squares = (grid - points[:, :, None, None, :2]).square().sum(-1)
        near = torch.exp(-squares / (REACH * height) ** 2)
        near = (near * (points[:, :, 2] >= 0)[..., None, None]).unflatten(1, (2, -1))
        positive, negative = near.amax(2).unbind(1)
        outputs = self.made(inputs, points)
        shift = 5 * positive - 5 * negative - 2.5
        return {**outputs, "instances": outputs["instances"] + shift[:, None]}


def model(made, side=SIDE, **changes):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made, adapter.frame_of(side)._replace(**changes))


def reference(made, image, trajectory, before=lambda predictor, count: None):
    """Has the authors' predictor answer, as their evaluation asks it.

    Args:
        made: The network.
        image: `u8[h w 3]`.
        trajectory: `(y, x, positive)` of each click.
        before: What is done to the predictor before a click.
    """
    predictors = checkouts.find("isegm.inference.predictors")
    # The size that crops are zoomed to is given, and never used.
    predictor = predictors.get_predictor(
        made,
        "FocalClick",
        torch.device("cpu"),
        infer_size=SIDE,
        prob_thresh=adapter.THRESHOLD,
        predictor_params={},
        focus_crop_r=1.4,
        zoom_in_params={"target_size": 400, "expansion_ratio": 1.4},
    )
    clicker_module = checkouts.find("isegm.inference.clicker")
    clicker = clicker_module.Clicker(gt_mask=np.zeros(image.shape[:2], np.int32))
    maps = []
    with torch.no_grad():
        predictor.set_input_image(image)
        for count, (y, x, positive) in enumerate(trajectory, start=1):
            before(predictor, count)
            clicker.add_click(clicker_module.Click(positive, (y, x)))
            maps.append(predictor.get_prediction(clicker))
    return np.stack(maps)


class Refines:
    """A network whose second pass is given something else."""

    def __init__(self, made, points=lambda points: points, box=(0, 1, 2, 3, 4)):
        self.made, self.points, self.box = made, points, list(box)

    def __call__(self, inputs, points):
        return self.made(inputs, points)

    def refine(self, inputs, points, layers, logits, regions):
        points, regions = self.points(points), regions[:, self.box]
        return self.made.refine(inputs, points, layers, logits, regions)


class Coarse(Refines):
    """A network that refines nothing."""

    def refine(self, inputs, points, layers, logits, regions):
        align = checkouts.find("torchvision.ops:roi_align")
        refined = align(logits, regions, inputs.shape[2:], aligned=True)
        return {"instances_refined": refined}


def _cut(state):
    found = (state["probabilities"] > adapter.THRESHOLD).float()
    return {**state, "probabilities": found}


def _expanded(made):
    rule = adapter.frame_of(SIDE).crops._replace(expansion=1.5)
    return model(made, crops=rule)


BUGS = {
    "a flip": {"model": lambda made: model(made, flip=True)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "a wider crop": {"model": _expanded},
    "crops are kept": {
        "model": lambda made: model(
            made, crops=adapter.frame_of(SIDE).crops._replace(keeps=True)
        )
    },
    "nothing refined": {"model": lambda made: model(Coarse(made))},
    "refined without clicks": {
        "model": lambda made: model(Refines(made, points=lambda points: 0 * points - 1))
    },
    "refined box with x and y swapped": {
        "model": lambda made: model(Refines(made, box=(0, 2, 1, 4, 3)))
    },
    "previous mask cut at a threshold": {"on_state": _cut},
}
