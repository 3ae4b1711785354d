"""Values shared by every package: examples, queries, clicks, trajectories.

Pixels are `(y, x)` with the origin top left. Masks are bool, images are uint8 RGB.
Host values are frozen dataclasses of NumPy arrays; what goes to a device is a
NamedTuple, which JAX takes as a pytree.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import jax

# An array in host memory or on a device; this module does not import JAX.
Array: TypeAlias = "np.ndarray | jax.Array"
# A JSON object; the reader of a value checks its type.
JsonObject = Mapping[str, object]


def is_json_object(value: object) -> TypeGuard[JsonObject]:
    """Tells whether a JSON value is an object."""
    return isinstance(value, Mapping)


def json_part(values: JsonObject, key: str) -> JsonObject:
    """Returns the object at a key of a JSON object; empty if there is none."""
    part = values.get(key)
    return part if is_json_object(part) else {}


# Status of an object or of a click task in a record.
Status = Literal["ok", "skipped", "failed"]


class Clicks(NamedTuple):
    """Clicks given so far to a batch of trajectories; slots from `count` on are unused.

    Attributes:
        yx: Pixel positions, `i32[t k 2]`.
        positive: Foreground click or not, `bool[t k]`.
        count: Clicks in use, `i32[t]`, in 0..k.
    """

    yx: np.ndarray
    positive: np.ndarray
    count: np.ndarray

    def rows(self, index: slice | Sequence[int] | np.ndarray) -> "Clicks":
        """Returns the clicks of the trajectories `index` selects."""
        return Clicks(self.yx[index], self.positive[index], self.count[index])


class TrainBatch(NamedTuple):
    """A batch for the clickability network, letterboxed to a square of side `s`.

    Attributes:
        image: RGB, normalised with the ImageNet mean and deviation, zero in the
            padding, `f32[b s s 3]`.
        masks: Target mask and error mask, soft in [0, 1], in this order, `f32[b s s
            2]`.
        click_map: Ground-truth click density, not normalised, `f32[b s s]`.
        content: 1 where the photograph is, 0 in the padding, `f32[b s s]`.
        weight: 1 for an example, 0 for a row that only fills the batch, `f32[b]`.
    """

    image: Array
    masks: Array
    click_map: Array
    content: Array
    weight: "Array | np.floating"


class PackedBatch(NamedTuple):
    """The data of a `TrainBatch` in the form for disks and for transfer to devices.

    Attributes:
        image: RGB, `u8[b s s 3]`.
        masks: Target mask and error mask, 255 for 1, `u8[b s s 2]`.
        click_map: Ground-truth click density, in [0, 1], `f16[b s s]`.
        box: Half-open `(y0, y1, x0, x1)` of the photograph in the square, `i32[b 4]`.
        weight: Weight of each row, as in a `TrainBatch`, `f32[b]`.
    """

    image: np.ndarray
    masks: np.ndarray
    click_map: np.ndarray
    box: np.ndarray
    weight: np.ndarray | np.floating


@dataclasses.dataclass(frozen=True)
class InstanceExample:
    """One object to segment.

    Attributes:
        instance_id: Stable identity within its dataset; RClicks calls it `full_stem`.
        gt_mask: The target, `bool[h w]`.
        ignore_mask: Pixels that do not count, `bool[h w]`; None if all count.
        user_clicks_yx: Real first clicks on the object, `i32[n 2]`; empty where none
            are known.
        input_device: Device of the clicks: `pc`, `mobile` or `synthetic`; several are
            joined by `+`; empty without clicks.
        category: Category of the object in its dataset; empty if unknown.
    """

    instance_id: str
    gt_mask: np.ndarray
    ignore_mask: np.ndarray | None
    user_clicks_yx: np.ndarray
    input_device: str
    category: str = ""


@dataclasses.dataclass(frozen=True)
class ImageExample:
    """An image with all its objects: the unit of work of a benchmark.

    Attributes:
        dataset: Name of the dataset in tables.
        image_id: Stable identity within the dataset.
        image: The photograph, RGB, `u8[h w 3]`.
        instances: The objects that can be used, in a stable order. Those of a package
            are decoded at each access, so access each only once.
        problems: Instance id and reason of the objects that cannot be used.
    """

    dataset: str
    image_id: str
    image: np.ndarray
    instances: Sequence[InstanceExample]
    problems: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class ClickExample:
    """One click task: an object, the previous mask, and where people clicked.

    Attributes:
        dataset: Name of the dataset.
        click_set_id: Stable identity within the dataset: the full stem, with the type
            of the task.
        image_id: The image.
        click_type: `first` (nothing segmented yet), `fn` (missed target) or `fp` (wrong
            foreground).
        mask_source: Source of the previous mask; empty for first clicks.
        input_device: `pc`, `mobile` or `synthetic`; several are joined by `+`.
        image: The photograph, RGB, `u8[h w 3]`.
        gt_mask: The target, `bool[h w]`.
        prev_mask: The previous mask, soft in [0, 1], `f32[h w]`; None for first clicks.
        clicks_yx: Where people clicked, `i32[n 2]`.
        people: Who made each click; empty if the dataset does not say.
    """

    dataset: str
    click_set_id: str
    image_id: str
    click_type: str
    mask_source: str
    input_device: str
    image: np.ndarray
    gt_mask: np.ndarray
    prev_mask: np.ndarray | None
    clicks_yx: np.ndarray
    people: tuple[str, ...] = ()

    @property
    def error_mask(self) -> np.ndarray:
        """The region the click shall mend, soft in [0, 1], `f32[h w]`."""
        target = self.gt_mask.astype(np.float32)
        if self.prev_mask is None:
            return target
        if self.click_type == "fp":
            return (1 - target) * self.prev_mask
        return target * (1 - self.prev_mask)


class ClickQuery(NamedTuple):
    """A query to a click model: where would people click?

    Attributes:
        image: The photograph, RGB, `u8[h w 3]`.
        gt_mask: The target, `bool[h w]`, or soft `f32[h w]`.
        error_mask: The region to mend, `bool[h w]` or soft `f32[h w]`.
    """

    image: np.ndarray
    gt_mask: np.ndarray
    error_mask: np.ndarray


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """Clicks on one instance and their IoU; a part of a record's row.

    Lists run over the clicks. Pixels are counted where the target is not ignored.

    Attributes:
        strategy: `baseline`, `group`, `user` or another strategy.
        group: 1..10 for groups, the number of the user for `user` and
            `user_trajectory`, else 0.
        repeat: Number of the draw, from 0.
        clicks: `(y, x, positive)` of each click.
        intersection: Number of pixels in both target and prediction, after each click.
        union: Number of pixels in target or prediction, after each click.
        boundary_intersection: The intersection of the boundary bands of boundary IoU.
        boundary_union: The union of these bands.
    """

    strategy: str
    group: int
    repeat: int
    clicks: list[tuple[int, int, bool]]
    intersection: list[int]
    union: list[int]
    boundary_intersection: list[int]
    boundary_union: list[int]
