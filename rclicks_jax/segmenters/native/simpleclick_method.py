"""What SimpleClick and CFR-ICL have of their own: squares, and further passes."""

import dataclasses
from collections.abc import Hashable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.bridge.adapters import isegm_crops
from rclicks_jax.networks import parts
from rclicks_jax.networks.simpleclick import network, weights
from rclicks_jax.networks.simpleclick.sizes import SimpleClickSizes
from rclicks_jax.ops import box_resize
from rclicks_jax.segmenters.native import crops
from rclicks_jax.segmenters.native.crops import CroppingMethod
from rclicks_jax.segmenters.native.method import After, Tree
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts

_RULE = isegm_crops.Rule(whole_first=False)
# An adaptive cascade stops when at most so many pixels of the mask change.
_STILL = 20


@dataclasses.dataclass(frozen=True)
class Frame:
    """How the network looks at photographs.

    Attributes:
        side: Side of the square that crops are resized to, pixels.
        zoom: Whether it sees a crop around the object, or the whole photograph.
        flip: Whether logits are the mean of those of a crop and of its mirror image.
        cascade: Passes after the first.
        adaptive: Whether a trajectory stops when its mask hardly changes any more.
        cascade_clicks: Clicks that have a cascade; later ones have a single pass.
    """

    side: int
    zoom: bool = True
    flip: bool = True
    cascade: int = 0
    adaptive: bool = False
    cascade_clicks: int = 1


class Prompts(NamedTuple):
    """Prompts of trajectories.

    Attributes:
        crop: What the network sees: top, bottom, left and right, all included,
            `i32[t 4]`.
        points: Clicks in pixels of the square, -1 for none, `f32[t k 2]`.
        mirrored: Their columns in the mirrored square, -1 for none, `f32[t k]`.
        positive: Foreground click or not, `bool[t k]`.
        number: Number of the pass among those of a click, from 0, `i32[t]`.
        following: That of the next pass; 0 if it is one of another click, `i32[t]`.
        rests: Whether the answer stays as it is: its cascade has stopped, `bool[t]`.
    """

    crop: Any
    points: Any
    mirrored: Any
    positive: Any
    number: Any
    following: Any
    rests: Any


class Notes(NamedTuple):
    """What the next pass of trajectories has to know, on the host.

    Attributes:
        box: Box around the object in the answer; -1 four times if there is none,
            `i32[t 4]`.
        crop: The crop, `i32[t 4]`.
        following: See `Prompts`.
        still: Whether the mask hardly changed, `bool[t]`.
    """

    box: Any
    crop: Any
    following: Any
    still: Any


@dataclasses.dataclass(frozen=True)
class SimpleClickMethod(CroppingMethod):
    """SimpleClick or CFR-ICL.

    Attributes:
        sizes: Widths and depths.
        precision: Type of features and products.
        frame: How it looks at photographs.
    """

    sizes: SimpleClickSizes
    precision: str
    frame: Frame

    # A crop and its mirror image keep the cores as busy as four of both.
    batch_on_cpu = 1

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    def passes(self, clicks: Clicks, answered: np.ndarray) -> np.ndarray:
        """Gives the first clicks a cascade."""
        del answered
        has_cascade = clicks.count <= self.frame.cascade_clicks
        return (1 + self.frame.cascade * has_cascade).astype(np.int32)

    def prompts(
        self,
        frame: tuple[int, int],
        clicks: Clicks,
        answered: np.ndarray,
        notes: Notes | None,
    ) -> Prompts:
        """Chooses crops, and brings clicks into the square."""
        rows, slots = clicks.positive.shape
        following, still = (
            (np.zeros(rows, np.int32), np.zeros(rows, bool))
            if notes is None
            else (notes.following, notes.still)
        )
        number = np.where(answered, following, 0).astype(np.int32)
        following = np.where(
            number + 1 < self.passes(clicks, answered), number + 1, 0
        ).astype(np.int32)
        rests = (number > 1) & still & self.frame.adaptive
        old = crops.boxes(None if notes is None else notes.crop, answered)
        seen = crops.seen(
            _RULE if self.frame.zoom else None,
            clicks,
            frame,
            crops.boxes(None if notes is None else notes.box, answered),
            old,
        )
        boxes = np.empty((rows, 4), np.int32)
        points = np.full((rows, slots, 2), -1.0)
        mirrored = np.full((rows, slots), -1.0)
        side = self.frame.side
        for row, count in enumerate(clicks.count.tolist()):
            box = (old[row] if rests[row] else None) or seen[row].box
            boxes[row] = box
            points[row, :count] = isegm_crops.points_in(
                box, (side, side), clicks.yx[row, :count].astype(np.float64)
            )
            mirrored[row, :count] = side - points[row, :count, 1] - 1
        return Prompts(
            boxes,
            points.astype(np.float32),
            mirrored.astype(np.float32),
            clicks.positive,
            number,
            following,
            rests,
        )

    def before(
        self, kept: Tree, prompts: Prompts, state: Tree, shape: Hashable
    ) -> network.Squares:
        """Cuts crops out of the photograph and of the last probabilities."""
        del shape
        side = self.frame.side

        def seen(crop: jax.Array, last: jax.Array) -> jax.Array:
            colours = box_resize.into_square(kept, crop, side) / 255
            own = box_resize.into_square(last[..., None], crop, side)
            return jnp.concatenate([colours, own], axis=-1)

        pixels = jax.vmap(seen)(prompts.crop, state)
        return network.Squares(
            pixels, prompts.points, prompts.mirrored, prompts.positive
        )

    def answer(
        self, variables: Tree, photographs: Tree, slots: Any, inputs: network.Squares
    ) -> Tree:
        """Returns logits of the squares, `f32[batch s s]`."""
        del photographs, slots
        net = network.SimpleClick(self.sizes, jnp.dtype(self.precision))
        return net.apply(variables, inputs, flip=self.frame.flip, method="answer")

    def after(self, kept: Tree, prompts: Prompts, outputs: Tree, state: Tree) -> After:
        """Puts probabilities where the network looked; elsewhere they are 0."""
        shape = kept.shape[:2]

        def placed(square: jax.Array, crop: jax.Array) -> jax.Array:
            return box_resize.onto_map(jax.nn.sigmoid(square), crop, shape)

        answers = jax.vmap(placed)(outputs, prompts.crop)
        answers = jnp.where(prompts.rests[:, None, None], state, answers)
        changed = (answers > self.threshold) != (state > self.threshold)
        notes = Notes(
            jax.vmap(box_resize.box_of)(answers > _RULE.threshold),
            prompts.crop,
            prompts.following,
            changed.sum(axis=(1, 2)) <= _STILL,
        )
        return After(answers, answers, notes)


def from_torch(
    state: state_dicts.State, precision: str, *, frame: Frame
) -> tuple[SimpleClickMethod, Tree]:
    """Returns the method and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no SimpleClick.
        BadValueError: The network takes no such squares.
    """
    sizes, variables = weights.from_torch(state)
    sizes.windows(frame.side)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return SimpleClickMethod(sizes, precision, frame), cast
