"""The clicks of a task in the frames in which they were recorded.

Source: emb-ai/rclicks, rclicks/rclicks/clickmap.py, `Clicks`.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rclicks_jax import errors

# Full stem and click type.
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class ClickSet:
    """The clicks of one task, in the frames in which they were recorded.

    Attributes:
        full_stem: Name of image, object and, in later rounds, previous mask.
        image_stem: Stem of the image.
        object_stem: Id of the object in its label image; empty for all labels but 0.
        click_type: `first`, `fn` or `fp`.
        mask_source: Sources of the previous mask, joined by `+`; empty for first
            clicks.
        input_device: `pc`, `mobile` or `synthetic`; several are joined by `+`.
        clicks_yx: The recorded positions, `i64[n 2]`; they may lie outside the frame.
        frames: Height and width of the frame of each click, `i64[n 2]`, positive.
        lines: Line of each click in the file, `i64[n]`, from 1.
        device_of_each: Device of each click, `str[n]`.
        person_of_each: Name of the person who made each click, `str[n]`; empty where
            the table does not say.
        problem: Reason why the set cannot be used; empty if it can.
        table: Name of the file, for messages.
    """

    full_stem: str
    image_stem: str
    object_stem: str
    click_type: str
    mask_source: str
    input_device: str
    clicks_yx: np.ndarray
    frames: np.ndarray
    lines: np.ndarray
    device_of_each: np.ndarray
    person_of_each: np.ndarray
    problem: str = ""
    table: str = "clicks.csv"

    def of_device(self, device: str) -> "ClickSet":
        """Returns the clicks of one kind of device."""
        inside = self.device_of_each == device
        return dataclasses.replace(
            self,
            input_device=device,
            clicks_yx=self.clicks_yx[inside],
            frames=self.frames[inside],
            lines=self.lines[inside],
            device_of_each=self.device_of_each[inside],
            person_of_each=self.person_of_each[inside],
        )

    @property
    def people(self) -> tuple[str, ...]:
        """Who made each click; empty unless that is known of every click."""
        names: list[str] = self.person_of_each.tolist()
        return tuple(names) if all(names) else ()

    def outside(self) -> int:
        """Returns the number of clicks outside their frame."""
        outside = (self.clicks_yx < 0) | (self.clicks_yx >= self.frames)
        return int(outside.any(axis=1).sum())

    def problem_in(self, shape: tuple[int, int]) -> str:
        """Returns why the clicks cannot be moved to a photograph; empty if they can.

        A frame may be that of the photograph, also at another scale: then both its
        sides are those of the photograph times one number, give or take a pixel by
        rounding.

        Args:
            shape: Height and width of the photograph.
        """
        if self.problem:
            return self.problem
        wrong = np.flatnonzero(~is_of_shape(self.frames, shape))
        if not len(wrong):
            return ""
        frame = self.frames[wrong[:1]]
        turned = "; w and h are exchanged" * bool(is_of_shape(frame, shape[::-1])[0])
        return (
            f"line {self.lines[wrong[0]]} of {self.table} has a frame of another "
            f"shape: w={frame[0, 1]}, h={frame[0, 0]}; the photograph has "
            f"{shape[1]}x{shape[0]} pixels{turned}"
        )

    def is_first_on(self, stem: str, shape: tuple[int, int]) -> bool:
        """Tells whether they are first clicks on a photograph of this shape."""
        mine = self.click_type == "first" and self.image_stem == stem
        return mine and not self.problem_in(shape)

    def in_shape(self, shape: tuple[int, int]) -> np.ndarray:
        """Returns the clicks clipped to their frames and moved to a photograph.

        Args:
            shape: Height and width of the photograph, perhaps scaled.

        Returns:
            The positions, `i32[n 2]`; coordinates are cut, not rounded, as in the
            original.
        """
        clipped = np.clip(self.clicks_yx, 0, self.frames - 1)
        # This is exact if the frame is that of the photograph.
        return (clipped * np.array(shape) / self.frames).astype(np.int32)


def is_of_shape(frames: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Tells which frames `i64[n 2]` fit a photograph at some scale, `bool[n]`."""
    sides = np.array(shape)
    with np.errstate(divide="ignore"):
        least = (frames - 1) / (sides + 1)
        most = (frames + 1) / (sides - 1)
    # A frame of a single pixel would fit any photograph.
    tells = (frames.max(axis=1) > 1) | (sides.max() == 1)
    return (least.max(axis=1) <= most.min(axis=1)) & tells


def sets_by_id(sets: Mapping[Key, ClickSet]) -> dict[str, ClickSet]:
    """Names click sets by their full stem, and by their type if several types share it.

    First clicks keep the full stem, which is also the name of their object.

    Args:
        sets: Click sets by full stem and click type.

    Raises:
        DataError: Two sets would have the same name.
    """
    types: dict[str, list[str]] = {}
    for full_stem, click_type in sets:
        types.setdefault(full_stem, []).append(click_type)
    named: dict[str, ClickSet] = {}
    for (full_stem, click_type), click_set in sets.items():
        alone = len(types[full_stem]) == 1 or click_type == "first"
        name = full_stem if alone else f"{full_stem}_{click_type}"
        if name in named or (not alone and name in types):
            raise errors.DataError(
                f"{click_set.table} has two tasks that would be called {name}: give "
                "each click type of an object a full_stem of its own."
            )
        named[name] = click_set
    return named


def notes_of(sets: Iterable[ClickSet]) -> list[str]:
    """Returns a note on the number of clicks outside their frame, if there are any."""
    click_sets = list(sets)
    off = [click_set.outside() for click_set in click_sets]
    if not any(off):
        return []
    return [
        f"{sum(off)} of {sum(len(s.clicks_yx) for s in click_sets)} clicks, in "
        f"{sum(map(bool, off))} tasks, lie off their photograph: they count as at its "
        "edge, as in the original"
    ]
