"""An adapter that causes trouble at the second click; options say which."""

import os
import sys
import time

import numpy as np


def load(options):
    print("printed while loading")
    if options.get("broken"):
        raise RuntimeError("no such checkpoint")
    return options


def encode(model, image):
    return image.shape[:2]


def predict(model, shape, clicks, state):
    count = int(clicks.count[0])
    history = [] if state is None else list(state[0])
    assert len(history) == count - 1, history
    masks = np.zeros((len(clicks.count), *shape), bool)
    for row, points in enumerate(clicks.yx[:, :count]):
        masks[row][tuple(points.T)] = True
    trouble = model.get("trouble") if count == 2 else None
    marker = model.get("marker")
    if trouble and not (marker and os.path.exists(marker)):
        if marker:
            open(marker, "w").close()
        print("last words", file=sys.stderr, flush=True)
        masks = _make(trouble, masks)
    return masks, ([*history, clicks.count],)


def _make(trouble, masks):
    if trouble == "die":
        os._exit(7)
    if trouble == "hang":
        time.sleep(60)
    if trouble == "print":
        print("y" * 3_000_000)
    if trouble == "raise":
        raise ValueError("cannot do this one")
    if trouble == "garbage":
        for descriptor in range(3, 10):
            try:
                os.write(descriptor, b"x" * 100)
            except OSError:
                continue
    return {"shape": masks[:1], "nan": np.full(masks.shape, np.nan)}.get(trouble, masks)
