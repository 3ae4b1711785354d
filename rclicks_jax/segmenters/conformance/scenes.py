"""Synthetic photographs and clicks on them, for the checks of segmenters."""

from typing import NamedTuple

import numpy as np

from rclicks_jax.types import Clicks

# Centre of each disc as shares of the sides, and its colour. In a scene of 96x128, the
# second disc lies where the first would lie with x and y swapped. In a square scene it
# is put there.
_DISCS = (
    ((0.27, 0.55), (230, 220, 210)),
    ((0.73, 0.2), (150, 160, 140)),
    ((0.5, 0.84), (90, 90, 110)),
)
TRAJECTORIES = len(_DISCS)
_CLICKS = 20


class Scene(NamedTuple):
    """A photograph with a disc for each trajectory, and the clicks of trajectories.

    Attributes:
        name: Scenes of one name show the same photograph.
        image: `u8[h w 3]`.
        gt_masks: The discs, `bool[t h w]`.
        clicks: `t` trajectories of 20 clicks.
    """

    name: str
    image: np.ndarray
    gt_masks: np.ndarray
    clicks: Clicks


def make(shape: tuple[int, int], look: str = "coloured", seed: int = 0) -> Scene:
    """Draws discs on a dark, noisy background.

    Clicks are by turns inside a disc and outside of all discs, not on the border of the
    photograph.

    Args:
        shape: Height and width, each at least 17.
        look: `coloured`; `grey`, three equal channels; `flat`, all of one colour.
        seed: Seed of the noise and the clicks.
    """
    random = np.random.default_rng((seed, *shape))
    rows, columns = np.indices(shape)
    image = random.normal(35, 5, (*shape, 3))
    radius = max(3.0, min(shape) / 6)
    gt_masks = []
    for (down, along), colour in _DISCS:
        y, x = round(down * shape[0]), round(along * shape[1])
        if shape[0] == shape[1] and len(gt_masks) == 1:
            x, y = (round(share * shape[0]) for share in _DISCS[0][0])
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
        image[disc] = colour + random.normal(0, 3, (disc.sum(), 3))
        gt_masks.append(disc)
    image = image.clip(0, 255).astype(np.uint8)
    if look == "grey":
        image[:] = image[..., :1]
    if look == "flat":
        image[:] = 128
    masks = np.stack(gt_masks)
    return Scene(f"{look} {shape}", image, masks, _clicks(random, masks))


def at_borders(scene: Scene) -> Scene:
    """Returns a scene with clicks in corners, at borders and twice on the same pixel.

    Returns:
        The same photograph with trajectories of four clicks.
    """
    height, width = scene.image.shape[:2]
    top, left, bottom, right = 0, 0, height - 1, width - 1
    y, x = height // 2, width // 2
    corner_of_both = (bottom, right), (bottom, left), (top, left)
    yx = [
        [(top, left), corner_of_both[0], (top, x), corner_of_both[0]],
        [(top, right), corner_of_both[1], (y, left), corner_of_both[1]],
        [(bottom, x), corner_of_both[2], (y, right), corner_of_both[2]],
    ]
    positive = np.tile([True, False, True, False], (TRAJECTORIES, 1))
    count = np.full(TRAJECTORIES, 4, np.int32)
    return scene._replace(clicks=Clicks(np.array(yx, np.int32), positive, count))


def _clicks(random: np.random.Generator, masks: np.ndarray) -> Clicks:
    inner = np.zeros(masks.shape[1:], bool)
    inner[1:-1, 1:-1] = True
    positive = np.tile(np.arange(_CLICKS) % 2 == 0, (len(masks), 1))
    yx = np.zeros((len(masks), _CLICKS, 2), np.int32)
    for row, mask in enumerate(masks):
        for is_object, places in ((True, mask), (False, ~masks.any(axis=0))):
            chosen = np.flatnonzero(positive[row] == is_object)
            candidates = np.argwhere(places & inner)
            yx[row, chosen] = random.choice(candidates, len(chosen), replace=False)
    count = np.full(len(masks), _CLICKS, np.int32)
    return Clicks(yx, positive, count)
