"""Raw datasets: the values that every reader yields.

A reader never stops at a bad file: it yields the image or the object with a problem in
words, so that it is counted, recorded and named.
"""

from __future__ import annotations

import collections
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
# Problems of objects that are intact but cannot be a target: these are skipped. Any
# other problem is a failure.
NO_TARGET = (EMPTY, NO_MASK)

# Number of places that are named for one kind of note.
_EXAMPLES = 5


@dataclasses.dataclass(frozen=True)
class Note:
    """A note for the user on what a reader decided or left out.

    Notes of one kind are counted together, so `kind` names no file and no object.

    Attributes:
        kind: A sentence without its full stop, such as "annotations are crowds
            (iscrowd) and are left out".
        where: The file, image or object of the note.
    """

    kind: str
    where: str


@dataclasses.dataclass(frozen=True)
class Counts:
    """Counts of objects by status, for the doctor, packages and runs.

    Attributes:
        images: Number of images.
        ok: Number of objects that can be used.
        skipped: Number of objects that cannot be a target, such as empty masks.
        failed: Number of objects with another problem.
    """

    images: int
    ok: int
    skipped: int
    failed: int

    def text(self) -> str:
        """Returns the counts as one line of text."""
        return (
            f"{self.images} images, {self.ok} usable objects, {self.skipped} skipped, "
            f"{self.failed} failed"
        )


class RawObject:
    """One object of an image.

    The mask is kept as a PNG and decoded at each access, since a photograph may have
    hundreds of objects.

    Attributes:
        instance_id: Stable identity within the dataset.
        encoded_mask: PNG of the mask; None with a problem.
        problem: Reason why the object cannot be used; empty if it can.
        clicks_yx: Real first clicks, `i32[n 2]`.
        input_device: Devices of the clicks, joined by `+`; empty without clicks.
        category: Category of the object in the dataset; empty if unknown.
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
        """The mask, `u8[h w]`; None with a problem."""
        if self.encoded_mask is None:
            return None
        from rclicks_jax.ops import images

        return images.decode_mask(self.encoded_mask, self.instance_id)


@dataclasses.dataclass(frozen=True)
class RawImage:
    """An image file with its objects.

    Attributes:
        image_id: Stable identity within the dataset.
        encoded: Content of the file; empty with a problem.
        shape: Height and width of the frame of masks and clicks: the image's own size,
            or a smaller one if the longest side is limited.
        objects: The objects, in a stable order.
        problem: Reason why the image cannot be used; empty if it can.
        notes: Notes on what was decided or left out while its files were read.
    """

    image_id: str
    encoded: bytes
    shape: tuple[int, int]
    objects: tuple[RawObject, ...]
    problem: str = ""
    notes: tuple[Note, ...] = ()


@dataclasses.dataclass(frozen=True)
class RawTask:
    """A click task of a reader.

    Attributes:
        click_set_id: Stable identity within the dataset.
        image: The photograph; its objects are not used.
        click_type: `first`, `fn` or `fp`.
        mask_source: Source of the previous mask; empty for first clicks.
        input_device: Devices of the clicks, joined by `+`.
        gt_mask: The target, `u8[h w]`, 255 for the object; None with a problem.
        prev_mask: The previous mask, soft, scaled to 255, `u8[h w]`; None for first
            clicks.
        clicks_yx: The clicks, `i32[n 2]`.
        problem: Reason why the task cannot be used; empty if it can.
        people: Who made each click; empty if the dataset does not say.
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
    people: tuple[str, ...] = ()


class RawSource(Protocol):
    """A dataset on disk.

    Attributes:
        name: Name of the dataset in tables.
        split_names: `train` and `val`; `test` for images that no list names.
    """

    name: str
    split_names: tuple[str, ...]

    @property
    def notes(self) -> Sequence[Note]:
        """Notes on what was decided or left out when the files were listed.

        Notes on a single image are in its own `notes`.
        """
        ...

    @property
    def has_clicks(self) -> bool:
        """Whether the dataset has clicks."""
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


def splits_of(dataset: str, known: Sequence[str], name: str) -> list[str]:
    """Returns the splits that a name stands for.

    Args:
        dataset: Name of the dataset, for messages.
        known: The splits of the dataset.
        name: One of them; `all`; or `held_out`, which is `val` or, without such a
            split, all that is not for training: what the paper evaluates on.

    Raises:
        BadValueError: The dataset has no such split.
    """
    held_out = [VAL] if VAL in known else [split for split in known if split != TRAIN]
    meanings = {split: [split] for split in known} | {ALL: list(known)}
    if held_out:
        meanings[HELD_OUT] = held_out
    if name not in meanings:
        what = f"Split of {dataset}"
        near = errors.meant(name, meanings)
        raise errors.BadValueError(what, repr(name), ", ".join(meanings), near)
    return meanings[name]


def status_of(problem: str) -> Status:
    """Returns the status of an object with a problem; an empty problem means `ok`."""
    if not problem:
        return "ok"
    return "skipped" if problem in NO_TARGET else "failed"


def count(images: Iterable[Iterable[str]]) -> Counts:
    """Counts objects by status.

    Args:
        images: The problem of each object, by image; empty if it has none.
    """
    by_image = [[status_of(problem) for problem in image] for image in images]
    counts = collections.Counter(status for image in by_image for status in image)
    return Counts(len(by_image), counts["ok"], counts["skipped"], counts["failed"])


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
    """Returns why a mask cannot be a target; empty if it can.

    Args:
        mask: The mask, `u8[h w]`.
        shape: Height and width of the image.
    """
    if mask.shape != shape:
        return other_size(mask.shape, shape)
    if not (mask == OBJECT).any():
        return EMPTY
    return ""


def other_size(mask: Sequence[int], image: Sequence[int]) -> str:
    """Returns the problem of a mask whose (height, width) is not that of its image."""
    return f"the mask is {mask[0]}x{mask[1]} pixels, the image {image[0]}x{image[1]}"
