"""A saliency model by brightness, which causes trouble on images of one first level."""

import os
import time

import numpy as np


def load(options):
    return options


def saliency(model, image):
    made = image.mean(axis=-1, dtype=np.float32)
    trouble = model.get("trouble")
    if not trouble or int(image[0, 0, 0]) != int(model.get("at", 7)):
        return made
    marker = model.get("marker")
    if marker and os.path.exists(marker):
        return made
    if marker:
        open(marker, "w").close()
    if trouble == "die":
        os._exit(7)
    if trouble == "hang":
        time.sleep(60)
    if trouble == "raise":
        raise ValueError("cannot do this one")
    wrong = {
        "shape": made[:-1],
        "nan": made * np.nan,
        "negative": -1 - made,
        "endless": made + np.inf,
        "nothing": None,
        "levels": image[..., 0],
        "pid": np.full(image.shape[:2], os.getpid()),
    }
    return wrong[trouble]
