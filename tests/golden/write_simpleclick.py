"""Writes what the authors' SimpleClick answers with seeded weights, for our tests.

    PYTHON_WITH_TORCH write_simpleclick.py CHECKOUT OUT \
        [SIZE CASCADE COUNT ROUNDS [TRAJECTORIES [exact]]]

CHECKOUT is one of https://github.com/uncbiag/SimpleClick, or of
https://github.com/TitorX/CFR-ICL-Interactive-Segmentation if CASCADE, the further
passes of the first click and perhaps `:adaptive`, is given, or else `-`. COUNT is the
number of photographs, ROUNDS that of clicks, TRAJECTORIES at most 3. Crops and clicks
go through the bridge's adapters, which are compared with RClicks's own code. SIZE is
small, vit_xtiny, vit_base, vit_large or vit_huge. With `exact` the authors' code
computes in float64.
"""

import pathlib
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import numpy as np
import simpleclick_cases as cases
import stand_ins
import torch

from rclicks_jax.bridge.adapter import Clicks
from rclicks_jax.bridge.adapters import (
    cfr_icl,
    checkouts,
    isegm_crops,
    isegm_frame,
    isegm_network,
    simpleclick,
)

SIDE = 448
# Patch, channels, blocks, heads, the pyramid, channels of the head.
PUBLISHED = {
    "vit_xtiny": (16, 160, 8, 4, (96, 192, 288, 384), 128),
    "vit_base": (16, 768, 12, 12, (128, 256, 512, 1024), 256),
    "vit_large": (16, 1024, 24, 16, (192, 384, 768, 1536), 256),
    "vit_huge": (14, 1280, 32, 16, (240, 480, 960, 1920), 256),
}


def build(size):
    """Returns a network of the checkout's classes."""
    if size == "small":
        small = cases.SMALL
        patch, dim, depth, heads = (
            small[key] for key in ("patch", "dim", "depth", "heads")
        )
        learnt, ratio = small["learnt"] * patch, small["hidden"] / dim
        pyramid, channels = small["pyramid"], small["channels"]
    else:
        patch, dim, depth, heads, pyramid, channels = PUBLISHED[size]
        learnt, ratio = SIDE, 4
    loss = "isegm.model.modeling.transformer_helper.cross_entropy_loss"
    return checkouts.find("isegm.model.is_plainvit_model:PlainVitModel")(
        backbone_params={
            "img_size": (learnt, learnt),
            "patch_size": (patch, patch),
            "in_chans": 3,
            "embed_dim": dim,
            "depth": depth,
            "num_heads": heads,
            "mlp_ratio": ratio,
            "qkv_bias": True,
        },
        neck_params={"in_dim": dim, "out_dims": list(pyramid)},
        head_params={
            "in_channels": list(pyramid),
            "in_index": [0, 1, 2, 3],
            "dropout_ratio": 0.1,
            "num_classes": 1,
            "loss_decode": checkouts.find(f"{loss}:CrossEntropyLoss")(),
            "align_corners": False,
            "upsample": "x1",
            "channels": channels,
        },
        use_disks=True,
        norm_radius=5,
        with_prev_mask=True,
        random_split=False,
    )


def network_of(size):
    """Returns a network with seeded weights, and the shapes of these."""
    made = build(size)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    factors = cases.factors_of(size)
    for key, value in made.state_dict().items():
        drawn = cases.state_of({key: value.shape}, factors)[key]
        value.copy_(torch.from_numpy(drawn))
    return simpleclick.ready(made, SIDE, torch.device("cpu")), shapes


def play(network, shape, cascade, rounds, trajectories):
    """Returns logits of the first pass, probabilities and crops of each round."""
    frame = isegm_frame.Frame(
        crops=isegm_crops.Rule(whole_first=False),
        target=(SIDE, SIDE),
        fixed=(SIDE, SIDE),
    )
    adapter, model = simpleclick, isegm_frame.Model(network, frame)
    if cascade not in (None, "-"):
        further, _, adaptive = cascade.partition(":")
        adapter = cfr_icl
        model = cfr_icl.Model(network, frame, int(further), bool(adaptive))
    features = adapter.encode(model, cases.photograph(shape))
    yx, positive = (each[:trajectories] for each in cases.clicks_on(shape))
    heard = []

    def hear(module, inputs, outputs):
        straight, mirrored = outputs["instances"][:, 0].chunk(2)
        heard.append(0.5 * (straight + mirrored.flip(2)))

    handle = network.register_forward_hook(hear)
    state, answers = None, []
    for count in range(1, rounds + 1):
        clicks = Clicks(yx, positive, np.full(len(yx), count, np.int32))
        heard.clear()
        probabilities, state = adapter.predict(model, features, clicks, state)
        logits = heard[0].numpy().copy()
        answers.append((logits, probabilities.numpy().copy(), state["crop"].numpy()))
    handle.remove()
    return map(np.stack, zip(*answers, strict=True))


def main(
    checkout,
    out,
    size="small",
    cascade=None,
    count=None,
    rounds=cases.ROUNDS,
    trajectories=3,
    exact=None,
):
    """Writes a file."""
    stand_ins.install()
    # CFR-ICL's networks import a logger of training.
    logger = types.ModuleType("torch.utils.tensorboard")
    logger.SummaryWriter = stand_ins.Absent
    sys.modules.setdefault(logger.__name__, logger)
    isegm_network.use(checkout)
    if exact:
        doubles.theirs()
    network, shapes = network_of(size)
    kept = {"keys": np.array([f"{key} {[*shape]}" for key, shape in shapes.items()])}
    photographs = cases.SHAPES["small" if size == "small" else "published"]
    photographs = photographs[: int(count or len(photographs))]
    for number, shape in enumerate(photographs):
        start = time.perf_counter()
        played = play(network, shape, cascade, int(rounds), int(trajectories))
        logits, probabilities, crops = played
        masks = probabilities > simpleclick.THRESHOLD
        kinds = [len(np.unique(rows, axis=0)) for rows in crops.swapaxes(0, 1)]
        print(
            f"{shape}: logits {logits.mean():.3f} +- {logits.std():.3f}, "
            f"foreground {masks.mean(axis=(2, 3)).mean(axis=0)}, crops {kinds}, "
            f"{time.perf_counter() - start:.1f} s",
            flush=True,
        )
        if cascade in (None, "-"):
            flat = logits.reshape(*logits.shape[:2], -1)
            kept[f"{number}/logits"] = flat[..., :: cases.STRIDE]
            kept[f"{number}/deviation"] = logits.std()
        kept[f"{number}/crops"] = crops.astype(np.int32)
        rounds_kept = [each - 1 for each in cases.KEPT if each <= len(masks)]
        kept[f"{number}/masks"] = np.packbits(masks[rounds_kept], axis=-1)
    np.savez_compressed(out, **kept)


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
