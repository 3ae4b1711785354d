"""An adapter that answers with what it was told of the protocol, wherever it runs.

The first rows of its masks are the object: 8, and 8 and 16 more by its two switches.
"""

import numpy as np

ROWS = 8
SHAPE = (40, 5)


def load(options, protocol):
    return ROWS * (1 + protocol.drop_mask_prompt + 2 * protocol.empty_mask_keeps_crop)


def encode(model, image):
    return image.shape[:2]


def predict(model, shape, clicks, state):
    masks = np.zeros((len(clicks.count), *shape), bool)
    masks[:, :model] = True
    return masks, None


def told(segmenter):
    """Returns what a loaded segmenter was told, and closes it."""
    from rclicks_jax.bridge.switches import Switches
    from rclicks_jax.types import Clicks

    one = np.ones(1, np.int32)
    clicks = Clicks(np.zeros((1, 1, 2), np.int32), np.ones((1, 1), bool), one)
    features = segmenter.encode(np.zeros((*SHAPE, 3), np.uint8))
    session = segmenter.start(features, [np.zeros(SHAPE, bool)])
    mask = session.predict(np.arange(1), clicks)[0]
    segmenter.close()
    number = int(mask[:, 0].sum()) // ROWS - 1
    return Switches(bool(number & 1), bool(number & 2))
