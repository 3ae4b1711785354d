"""An adapter whose `encode` reports want of memory for some of its calls.

Options: `broken`, the numbers of the calls that fail, joined by `+`, or `all`; and
`mended`, a folder in which a file `yes` makes it work.
"""

import pathlib

import numpy as np


def load(options):
    return {"calls": 0, **options}


def encode(model, image):
    model["calls"] += 1
    broken = model["broken"]
    mended = pathlib.Path(model.get("mended", "/no"), "yes").exists()
    if not mended and (broken == "all" or str(model["calls"]) in broken.split("+")):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9000 bytes.")
    return image


def predict(model, image, clicks, state):
    masks = np.zeros((len(clicks.count), *image.shape[:2]), bool)
    masks[:, 5:9, 5:9] = True
    return masks, None
