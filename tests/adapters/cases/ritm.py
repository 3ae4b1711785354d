"""RITM, HRNet-18s with a last mask, against RClicks's predictor."""

import networks
import rclicks

from rclicks_jax.bridge.adapters import isegm_crops, isegm_frame
from rclicks_jax.bridge.adapters import ritm as adapter

REPOSITORY = "SamsungLabs/ritm_interactive_segmentation"
CHECKOUT = "ritm_interactive_segmentation"
SEED = 1
GAIN = 1.3
FACTORS = {"bn2.": 0.3, "fuse_layers": 0.7}
RECIPE = f"seed {SEED}, gain {GAIN}, {FACTORS}; HRNet-18s, OCR 8 wide, zoom to 160"
LONGEST = 320
TARGET = 160
OMITTED = {}


def network(original, gain=GAIN, sees_previous=True):
    """Returns a small RITM, with or without a last mask."""
    networks.use(CHECKOUT, original)
    made = networks.hrnet(use_rgb_conv=not sees_previous, with_prev_mask=sees_previous)
    return networks.seeded(made, SEED, gain, FACTORS)


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(
        isegm_crops.Rule(whole_first=True, least=60), target=TARGET
    )
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    zoom = {"skip_clicks": 1, "target_size": TARGET, "min_crop_size": 60}
    return rclicks.answers(rclicks.predictor(made, zoom), image, trajectory)


BUGS = {
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "previous mask cut at a threshold": {
        "on_state": lambda state: {
            **state,
            "probabilities": (state["probabilities"] > 0.49).float(),
        }
    },
}
