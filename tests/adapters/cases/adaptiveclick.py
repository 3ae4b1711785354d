"""AdaptiveClick, narrow, against RClicks's predictor."""

import kit
import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import adaptiveclick as adapter
from rclicks_jax.bridge.adapters import (
    checkouts,
    isegm_crops,
    isegm_frame,
    isegm_settings,
)

REPOSITORY = "lab206/AdaptiveClick"
CHECKOUT = "AdaptiveClick"
SEED = 11
FACTORS = {"mask_features": 0.3, "patch_embed_coords": 2.0, "sampling_offsets": 0.5}
LONGEST = 320
SIDE, LEAST = 224, 60
# Random masks are everywhere, so that there would be nothing to zoom to.
REACH = 0.2
RECIPE = (
    f"seed {SEED}, {FACTORS}; 4 blocks of 32, made for 448, used at 224; logits less "
    f"the square of the distance to the next positive click, {REACH} of the side"
)
OMITTED = {}


def settings():
    """Returns small settings, named as in the files of AdaptiveClick."""
    nested = isegm_settings.Settings
    model = {
        "BACKBONE": nested(
            PATCH_SIZE=[16, 16],
            IN_CHANS=3,
            EMBED_DIM=32,
            DEPTH=4,
            NUM_HEADS=4,
            MLP_RATIO=2,
            QKV_BIAS=True,
        ),
        "SIMPLE_FEATURE_PYRAMID": nested(IN_DIM=32, OUT_DIMS=[8, 16, 32, 32]),
        "SEM_SEG_HEAD": nested(
            NUM_CLASSES=1,
            CONVS_DIM=32,
            MASK_DIM=16,
            IN_FEATURES=["res2", "res3", "res4", "res5"],
            DEFORMABLE_TRANSFORMER_ENCODER_IN_FEATURES=["res3", "res4", "res5"],
            COMMON_STRIDE=4,
            TRANSFORMER_ENC_LAYERS=1,
        ),
        "MASK_FORMER": nested(
            DEEP_SUPERVISION=True,
            NO_OBJECT_WEIGHT=0.1,
            CLASS_WEIGHT=2.0,
            MASK_WEIGHT=5.0,
            DICE_WEIGHT=5.0,
            HIDDEN_DIM=32,
            NUM_OBJECT_QUERIES=4,
            NHEADS=4,
            DROPOUT=0.0,
            DIM_FEEDFORWARD=32,
            PRE_NORM=False,
            DEC_LAYERS=4,
            TRAIN_NUM_POINTS=16,
            OVERSAMPLE_RATIO=3.0,
            IMPORTANCE_SAMPLE_RATIO=0.75,
        ),
    }
    return nested(
        MODEL=nested(model), crop_size=(448, 448), device="cpu", random_split=False
    )


def network(original):
    """Returns a small AdaptiveClick, as it is made for training."""
    networks.use(CHECKOUT, original)
    made = checkouts.find("isegm.model.is_adaptiveclick_model:AdaptiveClickModel")(
        settings(), with_prev_mask=True, use_disks=True, norm_radius=5
    )
    made.load_state_dict(kit.seeded(made.state_dict(), SEED, factors=FACTORS))
    made.forward = near_clicks(made.forward)
    return made


def near_clicks(forward):
    """Returns a network's `forward` whose masks are around positive clicks."""

    def confined(image, points):
        sides = [torch.arange(side) for side in image.shape[2:]]
        grid = torch.stack(torch.meshgrid(sides, indexing="ij"), -1)
        positive = points[:, : points.shape[1] // 2, None, None]
        away = (grid - positive[..., :2]).square().sum(-1)
        away = torch.where(positive[..., 2] < 0, torch.inf, away).amin(1, keepdim=True)
        logits = forward(image, points)["instances"]
        return {"instances": logits - away / (REACH * SIDE) ** 2}

    return confined


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    frame = isegm_frame.Frame(
        isegm_crops.Rule(whole_first=False, least=LEAST),
        target=(SIDE, SIDE),
        fixed=(SIDE, SIDE),
        batch=1,
    )
    device = torch.device("cpu")
    return adapter.Model(
        adapter.ready(made, SIDE, device), frame._replace(**changes), device
    )


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    device = torch.device("cpu")
    made.requires_grad_(False).eval()
    checkouts.find("isegm.model.modeling.pos_embed:interpolate_pos_embed_inference")(
        made.backbone, (SIDE, SIDE), device
    )
    zoom = {
        "skip_clicks": -1,
        "target_size": (SIDE, SIDE),
        "min_crop_size": LEAST,
    }
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
