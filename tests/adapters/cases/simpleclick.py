"""SimpleClick, narrow and of eight blocks, against RClicks's predictor."""

import copy

import networks
import rclicks
import torch

from rclicks_jax.bridge.adapters import checkouts, isegm_crops, isegm_frame
from rclicks_jax.bridge.adapters import simpleclick as adapter

REPOSITORY = "uncbiag/SimpleClick"
CHECKOUT = "SimpleClick"
SEED = 4
# Objects are small and around clicks, so that there is something to zoom to.
FACTORS = {
    "patch_embed_coords.proj.weight": 60.0,
    "backbone.patch_embed": 0.3,
    "attn.proj": 0.1,
    "mlp.fc2": 0.1,
    "conv_seg.weight": 3.0,
    "conv_seg.bias": 150.0,
}
SHAPE = "8 blocks of 32, made for 224, used at 448"
RECIPE = f"seed {SEED}, {FACTORS}; {SHAPE}"
LONGEST = 480
LEARNT, SIDE, PATCH = 224, 448, 32
OMITTED = {}


def network(original):
    """Returns a small SimpleClick, whose windows are as it has them: two by two."""
    networks.use(CHECKOUT, original)
    return build()


def build(factors=FACTORS):
    """Returns a small network of the checkout that can be imported."""
    loss = "isegm.model.modeling.transformer_helper.cross_entropy_loss"
    made = networks.plain_vit(
        LEARNT,
        PATCH,
        backbone={"depth": 8, "mlp_ratio": 2},
        head={
            "in_index": [0, 1, 2, 3],
            "loss_decode": checkouts.find(f"{loss}:CrossEntropyLoss")(),
            "align_corners": False,
            "upsample": "x1",
            "channels": 16,
        },
        with_prev_mask=True,
        random_split=False,
    )
    return networks.seeded(made, SEED, factors=factors)


def frame(**changes):
    """Returns how a published model looks at photographs."""
    rule = isegm_crops.Rule(whole_first=False)
    made = isegm_frame.Frame(rule, target=(SIDE, SIDE), fixed=(SIDE, SIDE))
    return made._replace(**changes)


def model(made, **changes):
    """Returns what the adapter's `load` would."""
    ready = adapter.ready(copy.deepcopy(made), SIDE, torch.device("cpu"))
    return adapter.Model(ready, frame(**changes))


def interpolated(made):
    """Returns a network with the positions of more patches, as the original has it."""
    made.requires_grad_(False)
    checkouts.find("isegm.model.modeling.pos_embed:interpolate_pos_embed_inference")(
        made.backbone, (SIDE, SIDE), torch.device("cpu")
    )
    return made


def reference(made, image, trajectory):
    """Has RClicks's predictor answer."""
    zoom = {"skip_clicks": -1, "target_size": (SIDE, SIDE)}
    predictor = rclicks.predictor(interpolated(made), zoom)
    return rclicks.answers(predictor, image, trajectory)


def with_wrong_positions(made):
    """Returns a model whose positions are repeated instead of interpolated."""
    wrong = model(made)
    before, after = made.backbone.pos_embed, wrong.network.backbone.pos_embed
    grid = before[0, 1:].reshape(LEARNT // PATCH, LEARNT // PATCH, -1)
    times = SIDE // LEARNT
    after[0, 1:] = (
        grid.repeat_interleave(times, 0).repeat_interleave(times, 1).flatten(end_dim=1)
    )
    return wrong


BUGS = {
    "positions repeated": {"model": with_wrong_positions},
    "no flip": {"model": lambda made: model(made, flip=False)},
    "no zoom": {"model": lambda made: model(made, crops=None)},
    "previous mask cut at a threshold": {
        "on_state": lambda state: {
            **state,
            "probabilities": (state["probabilities"] > 0.49).float(),
        }
    },
}
