"""MobileSAM by `mobile_sam` against RClicks's driver of it."""

from unittest import mock

import kit
import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts
from rclicks_jax.bridge.adapters import mobile_sam as adapter

REPOSITORY = "ChaoningZhang/MobileSAM"
CHECKOUT = "MobileSAM"
SEED = 3
FACTORS = {"output_hypernetworks_mlps": 1.6, "point_embeddings": 2.0}
# The encoder's code has its resolution, 64, and the decoder's width, 256, written in.
RECIPE = f"seed {SEED}, {FACTORS}; side 1024, encoder 8 to 320 wide, both 1 deep"
LONGEST = 240
BUGS = {
    "mask prompt as probabilities": {
        "on_state": lambda state: {"low_res": torch.sigmoid(state["low_res"])}
    },
}
OMITTED = {}


def network(original):
    """Returns a small MobileSAM."""
    del original
    checkouts.use(str(kit.checkout(CHECKOUT)), "mobile_sam")

    def encoder(parts):
        return parts.TinyViT(
            img_size=1024,
            num_classes=1,
            embed_dims=[8, 16, 32, 320],
            depths=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 10],
            window_sizes=[7, 7, 14, 7],
            mlp_ratio=1.0,
            drop_path_rate=0.0,
            mbconv_expand_ratio=2.0,
        )

    made = networks.sam("mobile_sam", encoder, width=256, grid=64, depth=1, heads=8)
    # Its attention keeps what `eval` makes of the weights that are there by then.
    return networks.seeded(made, SEED, factors=FACTORS)


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.sam.Model(made)


def reference(made, image, trajectory):
    """Has RClicks's model class and predictor answer."""
    rclicks.use()
    checkouts.use(str(kit.checkout("segment-anything")), "segment_anything")
    # The driver's base class first makes a SAM of its own and puts it on a GPU.
    base = checkouts.find("segment_anything:sam_model_registry")
    base["vit_l"] = lambda checkpoint: mock.MagicMock(image_encoder=made.image_encoder)
    registry = checkouts.find("mobile_sam:sam_model_registry")
    registry["vit_t"] = lambda checkpoint: made
    module = checkouts.find("isegm.model.is_mobilesam_model")
    net = module.ISModelMobileSAM(device="cpu", model_path="vit_t")
    predictor = rclicks.predictor(net, None, with_flip=False, model_name="sam")
    return rclicks.answers(predictor, image, trajectory)
