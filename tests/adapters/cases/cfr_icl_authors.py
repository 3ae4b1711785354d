"""CFR-ICL as its authors set it: up to five passes, fewer where nothing changes."""

import networks
import torch

from cases import cfr_icl, simpleclick
from rclicks_jax.bridge.adapters import cfr_icl as adapter  # noqa: F401

REPOSITORY = cfr_icl.REPOSITORY
CHECKOUT = "CFR-ICL-Interactive-Segmentation"
# Passes come to rest, after two to five, where the last mask matters little.
PREVIOUS = 0.04
FACTORS = {**simpleclick.FACTORS, "conv_seg.weight": 0.9, "conv_seg.bias": 59.8}
RECIPE = (
    f"seed {simpleclick.SEED}, {FACTORS}, weights of the last mask times {PREVIOUS}; "
    f"{simpleclick.SHAPE}; up to five passes at the first click"
)
LONGEST = simpleclick.LONGEST
OMITTED = {}


def network(original):
    """Returns a small CFR-ICL."""
    networks.use(CHECKOUT, original)
    made = simpleclick.build(FACTORS)
    with torch.no_grad():
        made.patch_embed_coords.proj.weight[:, 0] *= PREVIOUS
    return made


def model(made, cascade=4, adaptive=True, **changes):
    """Returns what the adapter's `load` would."""
    return cfr_icl.model(made, cascade, adaptive, **changes)


def reference(made, image, trajectory):
    """Has RClicks's predictor answer, with `--cf-n=4 --acf`."""
    return cfr_icl.answers(
        made, image, trajectory, cascade_step=5, cascade_adaptive=True
    )


BUGS = {
    "as RClicks": {"model": lambda made: model(made, cascade=1, adaptive=False)},
    "nobody stops": {"model": lambda made: model(made, adaptive=False)},
    "one pass too few": {"model": lambda made: model(made, cascade=3)},
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
}
