"""SAM by `segment_anything` against RClicks's driver of it."""

import functools

import kit
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
    parts = checkouts.find("segment_anything.modeling")
    made = parts.Sam(
        image_encoder=parts.ImageEncoderViT(
            depth=2,
            embed_dim=32,
            img_size=128,
            mlp_ratio=4,
            norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=[1],
            window_size=5,
            out_chans=32,
        ),
        prompt_encoder=parts.PromptEncoder(
            embed_dim=32,
            image_embedding_size=(8, 8),
            input_image_size=(128, 128),
            mask_in_chans=16,
        ),
        mask_decoder=parts.MaskDecoder(
            num_multimask_outputs=3,
            transformer=parts.TwoWayTransformer(
                depth=2, embedding_dim=32, mlp_dim=64, num_heads=2
            ),
            transformer_dim=32,
            iou_head_depth=3,
            iou_head_hidden_dim=32,
        ),
        pixel_mean=[123.675, 116.28, 103.53],
        pixel_std=[58.395, 57.12, 57.375],
    )
    made.load_state_dict(kit.seeded(made.state_dict(), SEED, factors=FACTORS))
    return made.eval()


def model(made):
    """Returns what the adapter's `load` would."""
    return adapter.Model(made)


def reference(made, image, trajectory):
    """Has RClicks's model class and predictor answer."""
    rclicks.use()
    module = checkouts.find("isegm.model.is_sam_model")
    module.sam_model_registry["vit_b"] = lambda checkpoint: made
    net = module.ISModelSAM(device="cpu", model_path="vit_b")
    predictors = checkouts.find("isegm.inference.predictors")
    predictor = predictors.get_predictor(
        net, "NoBRS", "cpu", with_flip=False, zoom_in_params=None, model_name="sam"
    )
    return rclicks.answers(predictor, image, trajectory)
