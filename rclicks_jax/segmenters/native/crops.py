"""What methods share that see crops of a photograph, and forget nothing between clicks.

The last probabilities of a trajectory are its state, at the size of the photograph.
A crop is chosen on the host, from the box of the last answer that a pass noted. It is
cut out, resized and put back on the device.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.bridge.adapters import isegm_crops
from rclicks_jax.ops import buckets
from rclicks_jax.segmenters.native.method import Method, Placed, Tree
from rclicks_jax.types import Clicks


class Seen(NamedTuple):
    """What the network sees of a photograph at a click.

    Attributes:
        kept: The crop that is kept for the next click; None if there is none.
        box: What it sees.
        zooms: Whether that is a crop, which is resized.
    """

    kept: isegm_crops.Box | None
    box: isegm_crops.Box
    zooms: bool


class CroppingMethod(Method):
    """A method that sees crops; a trajectory's state is its last probabilities."""

    threshold = 0.49
    gives_logits = False
    # A row has the colours and the probabilities of some hundred rows of a photograph.
    rows_together = 4

    def place(self, image: np.ndarray) -> Placed:
        """Keeps a photograph, with zeros up to the size of its bucket."""
        height, width = image.shape[:2]
        filled = np.zeros((*buckets.static_shape(image.shape), 3), np.uint8)
        filled[:height, :width] = image
        return Placed((height, width), (height, width), (), filled)

    def encode(self, variables: Tree, arrays: Tree) -> Tree:
        """Encodes nothing: clicks enter the network with the photograph."""
        del variables, arrays
        return ()

    def state(self, frame: tuple[int, int]) -> Tree:
        """Returns the shape of probabilities on the photograph's bucket."""
        return jax.ShapeDtypeStruct(buckets.static_shape(frame), jnp.float32)


def seen(
    rule: isegm_crops.Rule | None,
    clicks: Clicks,
    size: tuple[int, int],
    answers: Sequence[isegm_crops.Box | None],
    crops: Sequence[isegm_crops.Box | None],
) -> list[Seen]:
    """Returns what the network sees, for each of some trajectories.

    Args:
        rule: How crops are chosen; None for the whole photograph at every click.
        clicks: All clicks so far of the trajectories.
        size: Height and width of the photograph.
        answers: The box around the object in each last answer, if it has any.
        crops: The crop of each last click, if it had one.
    """
    whole = (0, size[0] - 1, 0, size[1] - 1)
    found: list[Seen] = []
    for row, count in enumerate(clicks.count.tolist()):
        yx, positive = clicks.yx[row, :count], clicks.positive[row, :count]
        crop, zooms = isegm_crops.choose(
            rule, answers[row], yx, positive, crops[row], whole
        )
        found.append(Seen(crop, crop if zooms and crop else whole, zooms))
    return found


def boxes(
    numbers: np.ndarray | None, answered: np.ndarray
) -> list[isegm_crops.Box | None]:
    """Returns boxes that passes noted, for each of some trajectories.

    Args:
        numbers: The boxes, negative where there is none, `i32[t 4]`; None if nothing
            was noted.
        answered: Whether anything was noted of a trajectory, `bool[t]`.
    """
    if numbers is None:
        return [None] * len(answered)
    return [
        (box[0], box[1], box[2], box[3]) if noted and box[0] >= 0 else None
        for box, noted in zip(numbers.tolist(), answered.tolist(), strict=True)
    ]
