"""CFR-ICL, as narrow as the case of SimpleClick, against RClicks's predictor."""

import networks
import rclicks
import torch

from cases import simpleclick
from rclicks_jax.bridge.adapters import cfr_icl as adapter
from rclicks_jax.bridge.adapters import checkouts

REPOSITORY = "TitorX/CFR-ICL-Interactive-Segmentation"
CHECKOUT = "CFR-ICL-Interactive-Segmentation"
RECIPE = f"{simpleclick.RECIPE}; two passes at the first click"
LONGEST = simpleclick.LONGEST
OMITTED = {}


def network(original):
    """Returns a small CFR-ICL."""
    networks.use(CHECKOUT, original)
    return simpleclick.build()


def model(made, cascade=1, adaptive=False, cascade_clicks=1, **changes):
    """Returns what the adapter's `load` would."""
    plain = simpleclick.model(made, **changes)
    return adapter.Model(plain.network, plain.frame, cascade, adaptive, cascade_clicks)


def reference(made, image, trajectory):
    """Has RClicks's predictor answer, with `--cf-n=1`."""
    return answers(made, image, trajectory, cascade_step=2)


def answers(made, image, trajectory, **settings):
    """Has RClicks's predictor answer."""
    make = checkouts.find("isegm.inference.predictors.cfr:CFRPredictor")
    zoom_in = checkouts.find("isegm.inference.transforms:ZoomIn")
    predictor = make(
        simpleclick.interpolated(made),
        torch.device("cpu"),
        zoom_in=zoom_in(skip_clicks=-1, target_size=(simpleclick.SIDE,) * 2),
        with_flip=True,
        **settings,
    )
    return rclicks.answers(predictor, image, trajectory)


BUGS = {
    "no cascade": {"model": lambda made: model(made, cascade=0)},
    "a cascade of the authors": {"model": lambda made: model(made, cascade=4)},
    "a cascade at every click": {"model": lambda made: model(made, cascade_clicks=9)},
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
}
