"""An adapter that takes a disk around each click for the object."""

import numpy as np


def load(options):
    return float(options.get("radius", 6))


def encode(radius, image):
    return image.shape[:2]


def predict(radius, shape, clicks, state):
    rows, columns = np.indices(shape)
    masks = np.zeros((len(clicks.count), *shape), bool)
    for number, mask in enumerate(masks):
        for click in range(clicks.count[number]):
            y, x = clicks.yx[number, click]
            near = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
            mask[near] = clicks.positive[number, click]
    return masks, None
