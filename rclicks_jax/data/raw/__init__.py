"""Datasets as people have them on disk: what every reader yields.

A reader never stops at a bad file: it yields the image or the object with the
problem in words, so that it is counted, recorded and named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from rclicks_jax import errors

if TYPE_CHECKING:
    import numpy as np

    from rclicks_jax.types import Status

OBJECT, IGNORE, BACKGROUND = 255, 128, 0
ALL = "all"
HELD_OUT = "held_out"
TRAIN, VAL = "train", "val"
UNLISTED = "test"
EMPTY = "the mask has no object pixel"
NO_MASK = "the annotation has no mask"
# Problems of objects that are whole but cannot be a target: they are skipped, and
# whatever else is wrong with an object is a failure.
NO_TARGET = (EMPTY, NO_MASK)

# Places named of one kind of note.
_EXAMPLES = 5


@dataclasses.dataclass(frozen=True)
class Note:
    """What a reader decided or left out, which a user should know of.

    Notes of one kind are counted together, so `kind` names no file and no object.

    Attributes:
        kind: A sentence without its full stop, such as "annotations are crowds
            (iscrowd) and are left out".
        where: The file, image or object that it speaks of.
    """

    kind: str
    where: str


@dataclasses.dataclass(frozen=True)
class Counts:
    """How many objects of a dataset can be used: in the doctor, a package and a run.

    Attributes:
        images: Number of images.
        ok: Objects that can be used.
        skipped: Objects that are no target, such as those of empty masks.
        failed: Objects with another problem.
    """

    images: int
    ok: int
    skipped: int
    failed: int

    def text(self) -> str:
        """Writes the counts in one line."""
        return (
            f"{self.images} images, {self.ok} usable objects, {self.skipped} skipped, "
            f"{self.failed} failed"
        )


class RawObject:
    """One object of an image.

    Its mask is kept as a PNG and decoded whenever it is asked for: a photograph may
    have hundreds of objects.

    Attributes:
        instance_id: Stable within the dataset.
        encoded_mask: PNG of the mask; None with a problem.
        problem: Why the object cannot be used; empty if it can.
        clicks_yx: Real first clicks, `i32[n 2]`.
        input_device: What made them, joined by `+`; empty without clicks.
        category: What kind of thing it is, as the dataset calls it; empty if unknown.
    """

    def __init__(
        self,
        instance_id: str,
        mask: np.ndarray | None,
        problem: str = "",
        clicks_yx: np.ndarray | None = None,
        input_device: str = "",
        category: str = "",
    ) -> None:
        """Takes a mask, `u8[h w]` of `OBJECT`, `IGNORE` and `BACKGROUND`."""
        # Commands that only name datasets start without NumPy and OpenCV.
        import numpy as np

        from rclicks_jax.ops import images

        self.instance_id = instance_id
        self.encoded_mask = None if mask is None else images.encode_png(mask)
        self.problem = problem
        no_clicks = np.zeros((0, 2), np.int32)
        self.clicks_yx = no_clicks if clicks_yx is None else clicks_yx
        self.input_device = input_device
        self.category = category

    @property
    def mask(self) -> np.ndarray | None:
        """Returns the mask, `u8[h w]`; None with a problem."""
        if self.encoded_mask is None:
            return None
        from rclicks_jax.ops import images

        return images.decode_mask(self.encoded_mask, self.instance_id)


@dataclasses.dataclass(frozen=True)
class RawImage:
    """An image file with its objects.

    Attributes:
        image_id: Stable within the dataset.
        encoded: The file as it is; empty with a problem.
        shape: Height and width that masks and clicks refer to: the image's own, or
            smaller where the dataset limits its longest side.
        objects: In a stable order.
        problem: Why the image cannot be used; empty if it can.
        notes: What was decided or left out while its files were read.
    """

    image_id: str
    encoded: bytes
    shape: tuple[int, int]
    objects: tuple[RawObject, ...]
    problem: str = ""
    notes: tuple[Note, ...] = ()


@dataclasses.dataclass(frozen=True)
class RawTask:
    """A click task; attributes as in `types.ClickExample`.

    Attributes:
        click_set_id: Stable within the dataset.
        image: The photograph; its objects are not used.
        click_type: `first`, `fn` or `fp`.
        mask_source: What made the previous mask; empty for first clicks.
        input_device: What made the clicks, joined by `+`.
        gt_mask: `u8[h w]`, 255 for the object; None with a problem.
        prev_mask: `u8[h w]`, 255 times a soft mask; None for first clicks.
        clicks_yx: `i32[n 2]`.
        problem: Why the task cannot be used; empty if it can.
    """

    click_set_id: str
    image: RawImage
    click_type: str
    mask_source: str
    input_device: str
    gt_mask: np.ndarray | None
    prev_mask: np.ndarray | None
    clicks_yx: np.ndarray
    problem: str = ""


class RawSource(Protocol):
    """A dataset on disk.

    Attributes:
        name: What tables call it.
        split_names: `train` and `val`; `test` for images that no list names.
    """

    name: str
    split_names: tuple[str, ...]

    @property
    def notes(self) -> Sequence[Note]:
        """Returns what was decided or left out when the files were listed.

        What is known of a single image is in its own `notes`.
        """
        ...

    @property
    def has_clicks(self) -> bool:
        """Tells whether clicks are known for the dataset at all."""
        ...

    def __len__(self) -> int:
        """Returns the number of images."""
        ...

    def images(self, split: str) -> Iterator[RawImage]:
        """Yields every image of a split with its objects, in a stable order."""
        ...

    def tasks(self, split: str) -> Iterator[RawTask]:
        """Yields every click task of a split in a stable order; none without clicks."""
        ...


def splits_of(dataset: str, known: Sequence[str], asked: str) -> list[str]:
    """Returns the splits that a name stands for.

    Args:
        dataset: What an error calls it.
        known: The splits that it has.
        asked: One of them; `all`; or `held_out`, which is `val` or, in a dataset
            without, all that is not for training: what the paper evaluates on.

    Raises:
        BadValueError: The name stands for nothing here.
    """
    held_out = [VAL] if VAL in known else [name for name in known if name != TRAIN]
    meanings = {name: [name] for name in known} | {ALL: list(known)}
    if held_out:
        meanings[HELD_OUT] = held_out
    if asked not in meanings:
        what = f"Split of {dataset}"
        near = errors.meant(asked, meanings)
        raise errors.BadValueError(what, repr(asked), ", ".join(meanings), near)
    return meanings[asked]


def status_of(problem: str) -> Status:
    """Returns what becomes of an object with a problem, or with none (empty)."""
    if not problem:
        return "ok"
    return "skipped" if problem in NO_TARGET else "failed"


def count(images: Iterable[Iterable[str]]) -> Counts:
    """Counts objects by status.

    Args:
        images: The problem of each object of each image; empty if it has none.
    """
    listed = [[status_of(problem) for problem in image] for image in images]
    statuses = [status for image in listed for status in image]
    return Counts(
        len(listed), *(statuses.count(each) for each in ("ok", "skipped", "failed"))
    )


def describe(notes: Iterable[Note]) -> list[str]:
    """Counts notes of one kind together and names a few of their places.

    Returns:
        A line for each kind, in order of their first note:
        "KIND (2: first place, second place)".
    """
    places: dict[str, list[str]] = {}
    for note in notes:
        places.setdefault(note.kind, []).append(note.where)
    lines = []
    for kind, where in places.items():
        lines.append(f"{kind} ({len(where)}: {errors.few(where, _EXAMPLES)})")
    return lines


def object_problem(mask: np.ndarray, shape: tuple[int, int]) -> str:
    """Says why a mask cannot be a target; empty if it can.

    Args:
        mask: `u8[h w]`.
        shape: Height and width of the image.
    """
    if mask.shape != shape:
        return other_size(mask.shape, shape)
    if not (mask == OBJECT).any():
        return EMPTY
    return ""


def other_size(mask: Sequence[int], image: Sequence[int]) -> str:
    """Says that a mask and its image differ in size, of which heights come first."""
    return f"the mask is {mask[0]}x{mask[1]} pixels, the image {image[0]}x{image[1]}"
