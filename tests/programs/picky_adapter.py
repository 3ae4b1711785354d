"""An adapter that fails on images whose first pixel is 7, until it is mended."""

import pathlib

import numpy as np


def load(options):
    return options


def encode(model, image):
    if _broken(model, image) and model["at"] == "encode":
        raise RuntimeError("ouch")
    return image


def predict(model, image, clicks, state):
    masks = np.zeros((len(clicks.count), *image.shape[:2]), bool)
    masks[:, 5:9, 5:9] = True
    if _broken(model, image) and model["at"] == "nan":
        return np.full(masks.shape, np.nan), None
    if _broken(model, image) and model["at"] == "raise":
        raise ValueError("ouch")
    return masks, None


def _broken(model, image):
    return (
        image[0, 0, 0] == 7
        and not pathlib.Path(model.get("mended", "/no"), "yes").exists()
    )
