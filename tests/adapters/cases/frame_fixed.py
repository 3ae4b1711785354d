"""Zoom as GPCIS has it, around a network of blobs."""

import blobs
import rclicks

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame
from rclicks_jax.bridge.adapters import ritm as adapter

REPOSITORY = "emb-ai/rclicks"
CHECKOUT = ""
RECIPE = "blobs around clicks, no weights"
LONGEST = 240
# GPCIS's own 0.49 is the threshold of masks too, and none of them could be empty here.
RULE = isegm_crops.Rule(whole_first=True, least=10, threshold=0.5, keeps=False)
OMITTED = {}


def network(original):
    """Returns the network of blobs."""
    del original
    return blobs.Blobs()


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(RULE, target=None, fixed=(88, 88), flip=False)
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    predictor = blobs.fixed_predictor(
        made, 88, skip_clicks=1, target_size=100, prob_thresh=0.5
    )
    return rclicks.answers(predictor, image, trajectory)


BUGS = {
    "a flip": {"model": lambda made: model(made, flip=True)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "no misplaced answers": {
        "model": lambda made: model(made, empty_mask_keeps_crop=False)
    },
    "crops are kept": {
        "model": lambda made: model(made, crops=RULE._replace(keeps=True))
    },
}
