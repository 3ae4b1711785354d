"""GPCIS, ResNet-50, against RClicks's predictor."""

import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts, isegm_frame
from rclicks_jax.bridge.adapters import gpcis as adapter

REPOSITORY = "zmhhmz/GPCIS_CVPR2023"
CHECKOUT = "GPCIS_CVPR2023"
SEED = 3
FACTORS = {
    "omega": 0.3,
    "theta.weight": 0.2,
    "theta.bias": 2,
    "weights": -3,
    "logsigma2": 4,
}
SIDE = 96
RECIPE = f"seed {SEED}, {FACTORS}; ResNet-50, DeepLab 16 wide, passes of {SIDE}x{SIDE}"
LONGEST = 240
OMITTED = {}


def network(original):
    """Returns a GPCIS with a narrow head."""
    networks.use(CHECKOUT, original)
    made = checkouts.find("isegm.model.is_gp_resnet50:GpModel")(
        backbone="resnet50",
        deeplab_ch=16,
        use_leaky_relu=True,
        use_disks=True,
        binary_prev_mask=False,
        with_prev_mask=True,
    )
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(
        adapter.crop_rule("other"), target=None, fixed=(SIDE, SIDE), flip=False
    )
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    zoom_in = checkouts.find("isegm.inference.transforms.zoom_in_gpcis:ZoomIn")
    make = checkouts.find("isegm.inference.predictors.gpcis:BaselinePredictor")
    # The size that crops are zoomed to is given, and never used.
    zoom = zoom_in(skip_clicks=1, target_size=400, expansion_ratio=1.4)
    predictor = make(made, torch.device("cpu"), zoom_in=zoom, infer_size=SIDE)
    return rclicks.answers(predictor, image, trajectory)


class AsInTraining:
    """A network that stays as it was in training."""

    def __init__(self, made):
        self.made = made

    def set_status(self, training):
        self.made.set_status(training=True)

    def __call__(self, inputs, points):
        return self.made(inputs, points)


def _with_rule(made, **changes):
    return model(made, crops=adapter.crop_rule("other")._replace(**changes))


BUGS = {
    "a flip": {"model": lambda made: model(made, flip=True)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "crops are kept": {"model": lambda made: _with_rule(made, keeps=True)},
    "crops of at least 200 pixels": {"model": lambda made: _with_rule(made, least=200)},
    "epsilon of training": {"model": lambda made: model(AsInTraining(made))},
    "previous mask cut at a threshold": {
        "on_state": lambda state: {
            **state,
            "probabilities": (state["probabilities"] > 0.49).float(),
        }
    },
}
