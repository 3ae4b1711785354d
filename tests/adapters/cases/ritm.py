"""RITM, HRNet-18s with a last mask, against RClicks's predictor."""

import kit
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts, isegm_crops, isegm_frame
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
    if original:
        rclicks.use()
    else:
        checkouts.use(str(kit.checkout(CHECKOUT)), "isegm")
    made = checkouts.find("isegm.model.is_hrnet_model:HRNetModel")(
        width=18,
        ocr_width=8,
        small=True,
        use_leaky_relu=True,
        use_rgb_conv=not sees_previous,
        use_disks=True,
        norm_radius=5,
        with_prev_mask=sees_previous,
        with_aux_output=True,
    )
    made.load_state_dict(kit.seeded(made.state_dict(), SEED, gain, FACTORS))
    return made.eval()


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(
        isegm_crops.Rule(whole_first=True, least=60), target=TARGET
    )
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    predictors = checkouts.find("isegm.inference.predictors")
    predictor = predictors.get_predictor(
        made,
        "NoBRS",
        torch.device("cpu"),
        zoom_in_params={"skip_clicks": 1, "target_size": TARGET, "min_crop_size": 60},
    )
    return rclicks.answers(predictor, image, trajectory)


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
