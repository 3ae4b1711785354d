"""MobileSAM by `mobile_sam` against RClicks's driver of it."""

from unittest import mock

import kit
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
    parts = checkouts.find("mobile_sam.modeling")
    made = parts.Sam(
        image_encoder=parts.TinyViT(
            img_size=1024,
            num_classes=1,
            embed_dims=[8, 16, 32, 320],
            depths=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 10],
            window_sizes=[7, 7, 14, 7],
            mlp_ratio=1.0,
            drop_path_rate=0.0,
            mbconv_expand_ratio=2.0,
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=256,
            image_embedding_size=(64, 64),
            input_image_size=(1024, 1024),
            mask_in_chans=16,
        ),
        mask_decoder=parts.MaskDecoder(
            num_multimask_outputs=3,
            transformer=parts.TwoWayTransformer(
                depth=1, embedding_dim=256, mlp_dim=64, num_heads=8
            ),
            transformer_dim=256,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )
    made.load_state_dict(kit.seeded(made.state_dict(), SEED, factors=FACTORS))
    # Its attention keeps what `eval` makes of the weights that are there by then.
    return made.eval()


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
    predictors = checkouts.find("isegm.inference.predictors")
    predictor = predictors.get_predictor(
        net, "NoBRS", "cpu", with_flip=False, zoom_in_params=None, model_name="sam"
    )
    return rclicks.answers(predictor, image, trajectory)
