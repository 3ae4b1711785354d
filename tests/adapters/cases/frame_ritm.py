"""Zoom and flip as RITM has them, around a network of blobs."""

import blobs
import rclicks

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame
from rclicks_jax.bridge.adapters import ritm as adapter

REPOSITORY = "emb-ai/rclicks"
CHECKOUT = ""
RECIPE = "blobs around clicks, no weights"
LONGEST = 240
RULE = isegm_crops.Rule(whole_first=True, least=60)
OMITTED = {}


def network(original):
    """Returns the network of blobs."""
    del original
    return blobs.Blobs()


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(RULE, target=100)
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    predictor = blobs.predictor(made, skip_clicks=1, target_size=100, min_crop_size=60)
    return rclicks.answers(predictor, image, trajectory)


BUGS = {
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "a new crop at every click": {
        "model": lambda made: model(made, crops=RULE._replace(keeps=False))
    },
    "no misplaced answers": {
        "model": lambda made: model(made, empty_mask_keeps_crop=False)
    },
}
