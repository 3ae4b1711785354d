"""What RITM has of its own: passes of several shapes.

The first click sees the photograph at its own size, and later ones see crops that keep
their aspect. Both lie in the top left part of larger frames, and the network knows
where they end: it answers as if frames had their sizes. So a few frames do for all.
"""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.bridge.adapters import isegm_crops
from rclicks_jax.networks import parts
from rclicks_jax.networks.ritm import network, weights
from rclicks_jax.networks.ritm.sizes import RitmSizes
from rclicks_jax.ops import box_resize, buckets
from rclicks_jax.segmenters.native import crops
from rclicks_jax.segmenters.native.crops import CroppingMethod
from rclicks_jax.segmenters.native.method import After, Tree
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts

# Lengths that the shorter side of a frame of crops can have, where frames are fine.
_LENGTHS = 4


@dataclasses.dataclass(frozen=True)
class Frame:
    """How the network looks at photographs.

    Attributes:
        target: Longer side of a crop that is resized, pixels.
        whole_first: Whether the first click sees the photograph at its own size.
        zoom: Whether later clicks see a crop around the object, or the same.
        flip: Whether logits are the mean of those of a crop and of its mirror image.
        empty_mask_keeps_crop: Switch of the protocol.
    """

    target: int
    whole_first: bool = True
    zoom: bool = True
    flip: bool = True
    empty_mask_keeps_crop: bool = True

    @property
    def rule(self) -> isegm_crops.Rule | None:
        """How crops are chosen."""
        return isegm_crops.Rule(whole_first=self.whole_first) if self.zoom else None


class Shape(NamedTuple):
    """Which pass it is.

    Attributes:
        height: Height of the frames.
        width: Their width.
        zooms: Whether they have crops that are resized, or photographs as they are.
    """

    height: int
    width: int
    zooms: bool


class Prompts(NamedTuple):
    """Prompts of trajectories.

    Attributes:
        box: What the network sees: top, bottom, left and right, all included,
            `i32[t 4]`.
        placed: Where the answer is put; perhaps another box (`empty_mask_keeps_crop`),
            `i32[t 4]`.
        kept: The crop that is kept; -1 four times if there is none, `i32[t 4]`.
        size: Height and width of what it sees, resized, `i32[t 2]`.
        zooms: Whether it sees a crop, which is resized, `bool[t]`.
        points: Clicks in pixels of what it sees, -1 for none, `f32[t k 2]`.
        mirrored: Their columns in the mirror image, -1 for none, `f32[t k]`.
        positive: Foreground click or not, `bool[t k]`.
    """

    box: Any
    placed: Any
    kept: Any
    size: Any
    zooms: Any
    points: Any
    mirrored: Any
    positive: Any


class Notes(NamedTuple):
    """What the next click of trajectories has to know, on the host.

    Attributes:
        box: Box around the object in the answer; -1 four times if there is none,
            `i32[t 4]`.
        crop: The crop that is kept; -1 four times if there is none, `i32[t 4]`.
    """

    box: Any
    crop: Any


@dataclasses.dataclass(frozen=True)
class RitmMethod(CroppingMethod):
    """RITM.

    Attributes:
        sizes: Widths and depths.
        precision: Type of features and products.
        frame: How it looks at photographs.
        fine: Whether there are many shapes of frames, each little larger than what lies
            in it. On CPU a pixel for nothing costs as much as any other; elsewhere
            passes of one shape are full more often.
    """

    sizes: RitmSizes
    precision: str
    frame: Frame
    fine: bool = False

    # Rows of a photograph see crops of several shapes, and passes of one each are full.
    batch_on_cpu = 1
    # Parts of a pass use one core.
    at_once_on_cpu = 2

    def on(self, platform: str) -> "RitmMethod":
        """Returns the method with frames as a platform wants them."""
        return dataclasses.replace(self, fine=platform == "cpu")

    @property
    def variant(self) -> str:
        """Name of its size."""
        return self.sizes.variant

    def prompts(
        self,
        frame: tuple[int, int],
        clicks: Clicks,
        answered: np.ndarray,
        notes: Notes | None,
    ) -> Prompts:
        """Chooses crops, and brings clicks into them."""
        rows, slots = clicks.positive.shape
        found = crops.seen(
            self.frame.rule,
            clicks,
            frame,
            crops.boxes(None if notes is None else notes.box, answered),
            crops.boxes(None if notes is None else notes.crop, answered),
        )
        none = (-1, -1, -1, -1)
        placed: list[isegm_crops.Box] = []
        size = np.empty((rows, 2), np.int32)
        points = np.full((rows, slots, 2), -1.0)
        mirrored = np.full((rows, slots), -1.0)
        for row, (kept, box, zooms) in enumerate(found):
            # Without a mask to zoom to, the original sends the whole photograph through
            # the network, but puts the answer where the last crop was.
            errs = self.frame.empty_mask_keeps_crop and kept and not zooms
            placed.append(kept if errs and kept else box)
            count = clicks.count[row]
            yx = clicks.yx[row, :count].astype(np.float64)
            height, width = self._size(box) if zooms else frame
            size[row] = height, width
            points[row, :count] = (
                isegm_crops.points_in(box, (height, width), yx) if zooms else yx
            )
            mirrored[row, :count] = width - points[row, :count, 1] - 1
        return Prompts(
            np.array([each.box for each in found], np.int32),
            np.array(placed, np.int32),
            np.array([each.kept or none for each in found], np.int32),
            size,
            np.array([each.zooms for each in found]),
            points.astype(np.float32),
            mirrored.astype(np.float32),
            clicks.positive,
        )

    def _size(self, box: isegm_crops.Box) -> tuple[int, int]:
        """Returns the height and the width that a crop is resized to."""
        sides = (box[1] - box[0] + 1, box[3] - box[2] + 1)
        scale = self.frame.target / max(sides)
        height, width = (max(1, round(side * scale)) for side in sides)
        return height, width

    def shapes(self, prompts: Prompts, count: int) -> Sequence[Hashable]:
        """Tells apart frames: of photographs as they are, and of crops."""
        del count
        return [
            self._shape(size, zooms)
            for size, zooms in zip(
                prompts.size.tolist(), prompts.zooms.tolist(), strict=True
            )
        ]

    def _shape(self, size: tuple[int, int], zooms: bool) -> Shape:
        """Returns frames of crops, or of larger photographs."""
        longest = self.frame.target
        if max(size) > longest:
            shape = buckets.fine_shape if self.fine else buckets.static_shape
            return Shape(*shape(size), zooms)
        step = -(-longest // (_LENGTHS if self.fine else 1))
        height, width = (min(longest, -(-side // step) * step) for side in size)
        return Shape(height, width, zooms)

    def rows(self, shape: Hashable, batch: int) -> int:
        """Returns fewer rows for frames that have more pixels than those of crops."""
        assert isinstance(shape, Shape)
        pixels = shape.height * shape.width
        return max(1, min(batch, batch * self.frame.target**2 // pixels))

    def before(
        self, kept: Tree, prompts: Prompts, state: Tree, shape: Hashable
    ) -> network.Rows:
        """Cuts crops out of the photograph and of the last probabilities."""
        assert isinstance(shape, Shape)
        size = (shape.height, shape.width)

        def seen(box: jax.Array, part: jax.Array, last: jax.Array) -> jax.Array:
            # Bytes by a number of Python would be float32 in whatever is computed.
            layers = [(kept, np.float32(255)), (last[..., None], np.float32(1))]
            if not self.sizes.sees_previous:
                layers.pop()
            if shape.zooms:
                layers = [
                    (box_resize.into_part(layer, box, size, part), most)
                    for layer, most in layers
                ]
            pixels = jnp.concatenate([layer / most for layer, most in layers], axis=-1)
            return pixels if shape.zooms else _framed(pixels, size)

        pixels = jax.vmap(seen)(prompts.box, prompts.size, state)
        return network.Rows(
            pixels, prompts.size, prompts.points, prompts.mirrored, prompts.positive
        )

    def answer(
        self, variables: Tree, photographs: Tree, slots: Any, inputs: network.Rows
    ) -> Tree:
        """Returns logits of the frames, `f32[batch h w]`."""
        del photographs, slots
        net = network.Ritm(self.sizes, jnp.dtype(self.precision))
        return net.apply(variables, inputs, flip=self.frame.flip, method="answer")

    def after(self, kept: Tree, prompts: Prompts, outputs: Tree, state: Tree) -> After:
        """Puts probabilities into boxes; elsewhere they are 0."""
        del state
        shape = kept.shape[:2]

        def placed(logits: jax.Array, box: jax.Array, size: jax.Array) -> jax.Array:
            return box_resize.onto_map(jax.nn.sigmoid(logits), box, shape, size)

        answers = jax.vmap(placed)(outputs, prompts.placed, prompts.size)
        rule = isegm_crops.Rule(whole_first=self.frame.whole_first)
        notes = Notes(
            jax.vmap(box_resize.box_of)(answers > rule.threshold), prompts.kept
        )
        return After(answers, answers, notes)


def _framed(pixels: jax.Array, size: tuple[int, int]) -> jax.Array:
    """Returns a photograph in a frame of another size, which holds it."""
    short, narrow = (
        max(0, side - own) for side, own in zip(size, pixels.shape, strict=False)
    )
    padded = jnp.pad(pixels, ((0, short), (0, narrow), (0, 0)))
    return padded[: size[0], : size[1]]


def from_torch(
    state: state_dicts.State, precision: str, *, frame: Frame
) -> tuple[RitmMethod, Tree]:
    """Returns the method and its variables, of a state dict of published weights.

    Raises:
        DataError: It is of no RITM.
    """
    sizes, variables = weights.from_torch(state)
    cast = parts.in_precision(variables, jnp.dtype(precision))
    return RitmMethod(sizes, precision, frame), cast
