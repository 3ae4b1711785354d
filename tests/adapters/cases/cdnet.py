"""CDNet, ResNet-34, against RClicks's predictor."""

import kit
import networks
import numpy as np
import rclicks
import torch

from rclicks_jax.bridge.adapters import cdnet as adapter
from rclicks_jax.bridge.adapters import checkouts, gpcis, isegm_frame

REPOSITORY = "XavierCHEN34/ClickSEG"
CHECKOUT = "ClickSEG"
SEED = 3
FACTORS = {"bn2.weight": 0.3, "head.layers.2.weight": 0.01}
SIDE = 96
RECIPE = f"seed {SEED}, {FACTORS}; ResNet-34, DeepLab 16 wide, passes of {SIDE}x{SIDE}"
LONGEST = 240
OMITTED = {}


def network(original):
    """Returns a small CDNet."""
    networks.use(CHECKOUT, original)
    name = "is_cdnet_deeplab_model" if original else "is_deeplab_model"
    made = checkouts.find(f"isegm.model.{name}:DeeplabModel")(
        backbone="resnet34",
        deeplab_ch=16,
        aspp_dropout=0.2,
        use_leaky_relu=True,
        use_rgb_conv=False,
        use_disks=True,
        norm_radius=5,
        with_prev_mask=False,
    )
    made.load_state_dict(weights(made.state_dict()))
    return made.eval()


def weights(shapes):
    """Returns seeded weights; the diffusion module's kernels must be what they are."""
    made = kit.seeded(shapes, SEED, factors=FACTORS)
    return {key: shapes[key] if "PDM" in key else made[key] for key in shapes}


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(
        gpcis.crop_rule("other"),
        target=None,
        fixed=(SIDE, SIDE),
        flip=True,
        sees_previous=False,
    )
    return adapter.Model(made, frame._replace(**changes))


def reference(made, image, trajectory):
    """Has RClicks's predictor answer.

    It cuts its answer at 0.5. What it cuts is what its zoom keeps, which is compared.
    """
    zoom_in = checkouts.find("isegm.inference.transforms.zoom_in_gpcis:ZoomIn")
    make = checkouts.find("isegm.inference.predictors.cdnet:DiffisionPredictor")
    # The size that crops are zoomed to is given, and never used.
    zoom = zoom_in(skip_clicks=1, target_size=400, expansion_ratio=1.4)
    predictor = make(made, torch.device("cpu"), zoom_in=zoom)
    # It has no option for less than 384.
    resize = checkouts.find("isegm.inference.transforms:ResizeTrans")
    predictor.transforms[1] = resize(SIDE)
    kept = []

    class Watched:
        """The predictor, whose zoom is asked after each click."""

        set_input_image = predictor.set_input_image

        def get_prediction(self, clicker):
            cut = predictor.get_prediction(clicker)
            kept.append(np.array(zoom._prev_probs[0, 0]))
            np.testing.assert_array_equal(kept[-1] > adapter.THRESHOLD, cut)
            return cut

    rclicks.answers(Watched(), image, trajectory)
    return np.stack(kept)


def _with_rule(made, **changes):
    return model(made, crops=gpcis.crop_rule("other")._replace(**changes))


class WithoutDiffusion:
    """A network whose second part does nothing."""

    def __init__(self, made):
        self.dist_maps = made.dist_maps
        self.made = made

    def PixelDiffusion(self, image, logits, clicks):
        return logits

    def __call__(self, inputs, points):
        return self.made(inputs, points)


class DiffusedFirst(WithoutDiffusion):
    """A network whose second part comes before the mirror image is averaged in."""

    def __call__(self, inputs, points):
        logits = self.made(inputs, points)["instances"]
        clicks = self.dist_maps(inputs, points)
        parts = zip(inputs.split(1), logits.split(1), clicks.split(1), strict=True)
        done = [self.made.PixelDiffusion(*one) for one in parts]
        return {"instances": torch.cat(done)}


BUGS = {
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "crops are kept": {"model": lambda made: _with_rule(made, keeps=True)},
    "crops of at least 200 pixels": {"model": lambda made: _with_rule(made, least=200)},
    "no diffusion": {"model": lambda made: model(WithoutDiffusion(made))},
    "diffusion before the mean": {"model": lambda made: model(DiffusedFirst(made))},
    "zoom to what was cut": {
        "on_state": lambda state: {
            **state,
            "probabilities": (state["probabilities"] > adapter.THRESHOLD).float(),
        }
    },
}
