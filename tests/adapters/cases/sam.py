"""SAM by `segment_anything` against RClicks's driver of it."""

import functools

import kit
import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import sam as adapter

REPOSITORY = "facebookresearch/segment-anything"
CHECKOUT = "segment-anything"
SEED = 3
FACTORS = {"output_hypernetworks_mlps": 1.4, "point_embeddings": 2.0}
RECIPE = f"seed {SEED}, {FACTORS}; side 128, encoder 32 wide and 2 deep, decoder 32"
LONGEST = 240
BUGS = {
    "mask prompt as probabilities": {
        "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
    },
}
OMITTED = {}


def network(original):
    """Returns a small SAM."""
    del original
    checkouts.use(str(kit.checkout(CHECKOUT)), "segment_anything")
    encoder = functools.partial(networks.sam_encoder, depth=2, looks_everywhere=[1])
    made = networks.sam("segment_anything", encoder)
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)


def reference(made, image, trajectory):
    """Has RClicks's model class and predictor answer."""
    rclicks.use()
    module = checkouts.find("isegm.model.is_sam_model")
    module.sam_model_registry["vit_b"] = lambda checkpoint: made
    net = module.ISModelSAM(device="cpu", model_path="vit_b")
    predictor = rclicks.predictor(net, None, with_flip=False, model_name="sam")
    return rclicks.answers(predictor, image, trajectory)
