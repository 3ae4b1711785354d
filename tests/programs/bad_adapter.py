"""A segmenter by brightness with one fault, which the option `bad` names."""

import os
import pathlib
import sys

import numpy as np


def load(options):
    bad = options.get("bad", "")
    marker = pathlib.Path(options.get("marker", "/no/such"))
    if bad == "logits":
        global THRESHOLD
        THRESHOLD = 0.0
    return {
        "bad": bad,
        "marker": marker,
        "tolerance": 0.5 if bad == "cached" and marker.exists() else 30,
        "random": np.random.default_rng(),
        "remembered": [],
    }


def encode(model, image):
    bad, height = model["bad"], image.shape[0]
    colourless = (image == image[..., :1]).all()
    one_colour = (image == image[0, 0]).all()
    if bad == "even" and height % 2:
        raise ValueError("sides must be even")
    if bad == "colour" and colourless and not one_colour:
        raise ZeroDivisionError("no colour")
    if bad == "contrast" and one_colour:
        raise ZeroDivisionError("no contrast")
    model["last"] = image.mean(axis=-1)
    return model["last"]


def predict(model, features, clicks, state):
    bad, count = model["bad"], clicks.yx.shape[1]
    if bad == "one_photograph":
        features = model["last"]
    if bad != "slots":
        count = int(clicks.count[0])
    yx, positive = clicks.yx[:, :count], clicks.positive[:, :count]
    _complain(model, yx, count)
    if bad == "swapped":
        yx = yx[..., ::-1].clip(0, np.array(features.shape) - 1)
    tolerance = model["tolerance"] * (len(yx) if bad == "batch" else 1)
    masks = np.zeros((len(yx), *features.shape), bool)
    for mask, points, labels in zip(masks, yx, positive, strict=True):
        chosen = features[tuple(points[labels].T)].tolist()
        avoided = features[tuple(points[~labels].T)]
        if bad == "remembers":
            model["remembered"] += chosen
            chosen = model["remembered"]
        mask[:] = (abs(features[..., None] - chosen) < tolerance).any(axis=-1)
        mask[(abs(features[..., None] - avoided) < 2).any(axis=-1)] = False
    if state is not None:
        earlier = np.stack(state["masks"])
        masks |= earlier[:1] if bad == "first_state" else earlier
    return _spoilt(model, masks), {"masks": list(masks) if bad == "list" else masks}


def _complain(model, yx, count):
    bad = model["bad"]
    if bad in ("corner", "deadly_corner") and (yx == 0).all(axis=-1).any():
        print("what a corner", file=sys.stderr, flush=True)
        if bad == "deadly_corner":
            os._exit(3)
        raise IndexError("no place for a patch")
    if bad == "tired" and count > 10:
        raise ValueError("ten clicks are enough")
    if bad == "cached" and count == 20:
        model["marker"].touch()


def _spoilt(model, masks):
    bad = model["bad"]
    if bad == "numbers":
        return masks.astype(np.float32)
    if bad == "sides":
        return masks.swapaxes(1, 2)
    if bad == "inverted":
        return ~masks
    if bad == "random":
        return masks ^ (model["random"].random(masks.shape) < 0.01)
    if bad == "logits":
        return np.where(masks, np.float32(9), np.float32(-9))
    return masks
