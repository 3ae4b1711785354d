"""Writes what the authors' SegNext answers with seeded weights, for our tests.

    PYTHON_WITH_TORCH write_segnext.py CHECKOUT OUT [SIZE [COUNT [ROUNDS [exact]]]]

CHECKOUT is one of https://github.com/uncbiag/SegNext. The authors' own predictor is
asked as their evaluation asks it. SIZE is small, vitb_sax1 or vitb_sax2, COUNT the
number of photographs, ROUNDS that of clicks. With `exact` the authors' code computes in
float64.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import doubles
import numpy as np
import segnext_cases as cases
import stand_ins
import torch

from rclicks_jax.bridge.adapters import checkouts, isegm_network

THRESHOLD = 0.49
PUBLISHED = {
    "patch": 16,
    "learnt": 64,
    "dim": 768,
    "depth": 12,
    "group": 3,
    "heads": 12,
    "hidden": 3072,
    "pyramid": (128, 256, 512, 1024),
    "channels": 256,
}


def build(size):
    """Returns a network of the checkout's classes."""
    given = cases.SMALL
    if size != "small":
        given = {**PUBLISHED, "fused": int(size[-1])}
    side, dim = given["learnt"] * given["patch"], given["dim"]
    block = {
        "num_heads": given["heads"],
        "mlp_ratio": given["hidden"] / dim,
        "qkv_bias": True,
    }
    pyramid = list(given["pyramid"])
    return checkouts.find("isegm.model.is_plainvit_model:PlainVitModel")(
        backbone_params={
            "img_size": (side, side),
            "patch_size": (given["patch"], given["patch"]),
            "in_chans": 3,
            "embed_dim": dim,
            "depth": given["depth"],
            "global_atten_freq": given["group"],
            **block,
        },
        neck_params={"in_dim": dim, "out_dims": pyramid},
        head_params={
            "in_channels": pyramid,
            "in_select_index": [0, 1, 2, 3],
            "dropout_ratio": 0.1,
            "num_classes": 1,
            "out_channels": given["channels"],
        },
        fusion_params={
            "type": "self_attention",
            "depth": given["fused"],
            "params": {"dim": dim, **block},
        },
        use_disks=True,
        norm_radius=5,
    )


def network_of(size):
    """Returns a network with seeded weights, and the shapes of these."""
    made = build(size)
    shapes = {key: value.shape for key, value in made.state_dict().items()}
    for key, value in made.state_dict().items():
        drawn = cases.state_of({key: value.shape}, size)[key]
        value.copy_(torch.from_numpy(drawn))
    return made.eval(), shapes


def play(network, shape, rounds):
    """Returns features, and logits and probabilities of each round and trajectory."""
    clicker_module = checkouts.find("isegm.inference.clicker")
    predictor = checkouts.find("isegm.inference.predictor:BasePredictor")(network)
    yx, positive = cases.clicks_on(shape)
    heard, answers = [], []
    handle = network.head.register_forward_hook(
        lambda module, inputs, outputs: heard.append(outputs[0, 0].numpy().copy())
    )
    with torch.no_grad():
        predictor.set_image(cases.photograph(shape))
        for places, signs in zip(yx, positive, strict=True):
            clicker = clicker_module.Clicker(gt_mask=np.zeros(shape, np.int32))
            predictor.prev_mask = torch.zeros(1, 1, *shape)
            maps = []
            for place, sign in list(zip(places, signs, strict=True))[:rounds]:
                clicker.add_click(clicker_module.Click(bool(sign), tuple(place)))
                maps.append(predictor.predict(clicker))
            answers.append(maps)
    handle.remove()
    features = predictor.image_feats[0].flatten(1).T.numpy()
    logits = np.stack(heard).reshape(len(yx), rounds, *heard[0].shape)
    return features, logits.swapaxes(0, 1), np.stack(answers).swapaxes(0, 1)


def main(checkout, out, size="small", count=None, rounds=cases.ROUNDS, exact=None):
    """Writes a file."""
    stand_ins.install()
    isegm_network.use(str(pathlib.Path(checkout, "segnext")))
    if exact:
        doubles.theirs()
    network, shapes = network_of(size)
    kept = {"keys": np.array([f"{key} {[*shape]}" for key, shape in shapes.items()])}
    photographs = cases.SHAPES["small" if size == "small" else "published"]
    for number, shape in enumerate(photographs[: int(count or len(photographs))]):
        start = time.perf_counter()
        features, logits, probabilities = play(network, shape, int(rounds))
        masks = probabilities > THRESHOLD
        print(
            f"{shape}: features {features.mean():.3f} +- {features.std():.4f}, logits "
            f"{logits.mean():.3f} +- {logits.std():.3f}, foreground "
            f"{masks.mean(axis=(2, 3)).mean(axis=0)}, changed "
            f"{(masks[1:] != masks[:-1]).mean():.4f}, "
            f"{time.perf_counter() - start:.1f} s",
            flush=True,
        )
        flat = logits.reshape(*logits.shape[:2], -1)
        kept[f"{number}/features"] = features.reshape(-1)[:: cases.STRIDE]
        kept[f"{number}/logits"] = flat[..., :: cases.STRIDE]
        kept[f"{number}/deviation"] = logits.std()
        played = [count - 1 for count in cases.KEPT if count <= int(rounds)]
        kept[f"{number}/masks"] = np.packbits(masks[played], axis=-1)
    np.savez_compressed(out, **kept)


if __name__ == "__main__":
    torch.set_num_threads(1 if sys.argv[3:4] in ([], ["small"]) else 2)
    main(*sys.argv[1:])
