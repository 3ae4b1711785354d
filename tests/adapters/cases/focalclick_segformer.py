"""FocalClick, SegFormer B0, pipeline S1, against ClickSEG's own predictor."""

import networks

from cases import focalclick
from rclicks_jax.bridge.adapters import checkouts

REPOSITORY = "XavierCHEN34/ClickSEG"
CHECKOUT = "ClickSEG"
DRIVER = REPOSITORY
SEED = 1
FACTORS = {"maps_transform": 2.0, "linear_pred": 0.3, "refine_pred": 0.1}
RECIPE = (
    f"seed {SEED}, {FACTORS}, and blobs around clicks; SegFormer B0, "
    f"passes of {focalclick.SIDE}x{focalclick.SIDE}"
)
LONGEST = 240
OMITTED = {}


def network(original):
    """Returns a SegFormer as it is: its widths are in the checkout's code."""
    del original
    networks.use(CHECKOUT)
    made = checkouts.find("isegm.model.is_segformer_model:SegFormerModel")(
        pipeline_version="s1",
        model_version="b0",
        use_leaky_relu=True,
        use_rgb_conv=False,
        use_disks=True,
        norm_radius=5,
        binary_prev_mask=False,
        with_prev_mask=True,
        with_aux_output=True,
    )
    return focalclick.Local(networks.seeded(made, SEED, factors=FACTORS))


adapter = focalclick.adapter
model = focalclick.model
reference = focalclick.reference
BUGS = {
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "nothing refined": {"model": lambda made: model(focalclick.Coarse(made))},
}
