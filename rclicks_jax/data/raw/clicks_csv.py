"""Real clicks as RClicks publishes them: `clicks.csv` and `previews.csv`.

Source: emb-ai/rclicks, rclicks/rclicks/clickmap.py, `Clicks`.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

from rclicks_jax import errors

COLUMNS = (
    "dataset",
    "image_stem",
    "object_stem",
    "full_stem",
    "click_type",
    "model_type",
    "device",
    "x",
    "y",
    "w",
    "h",
)
_NUMBERS = ("x", "y", "w", "h")
CLICK_TYPES = ("first", "fn", "fp")


@dataclasses.dataclass(frozen=True)
class ClickSet:
    """The clicks of one task, in the frame they were recorded in.

    Attributes:
        full_stem: Names image, object and, in later rounds, the previous mask.
        image_stem: Names the image.
        object_stem: Id of the object in its label image; empty for all that is not 0.
        click_type: `first`, `fn` or `fp`.
        mask_source: What made the previous mask; empty for first clicks.
        input_device: `pc`, `mobile` or `synthetic`; several are joined by `+`.
        clicks_yx: As recorded, `i64[n 2]`; may lie outside the frame.
        frame: Height and width of the frame.
        device_of_each: What made each click, `str[n]`.
    """

    full_stem: str
    image_stem: str
    object_stem: str
    click_type: str
    mask_source: str
    input_device: str
    clicks_yx: np.ndarray
    frame: tuple[int, int]
    device_of_each: np.ndarray

    def of_device(self, device: str) -> "ClickSet":
        """Returns the clicks that one kind of device made."""
        inside = self.device_of_each == device
        return dataclasses.replace(
            self,
            input_device=device,
            clicks_yx=self.clicks_yx[inside],
            device_of_each=self.device_of_each[inside],
        )

    def outside(self) -> int:
        """Returns how many clicks lie outside the frame."""
        low = (self.clicks_yx < 0).any(axis=1)
        high = (self.clicks_yx >= np.array(self.frame)).any(axis=1)
        return int((low | high).sum())

    def in_shape(self, shape: tuple[int, int]) -> np.ndarray:
        """Returns the clicks clipped to the frame and moved to a smaller shape.

        Args:
            shape: Height and width; the frame's, or those of the shrunken image.

        Returns:
            `i32[n 2]`; coordinates are cut, not rounded, as in the original.
        """
        clipped = np.clip(self.clicks_yx, 0, np.array(self.frame) - 1)
        if shape == self.frame:
            return clipped.astype(np.int32)
        return (clipped * np.array(shape) / np.array(self.frame)).astype(np.int32)


def notes_of(sets: Iterable[ClickSet]) -> list[str]:
    """Says how many clicks lie outside their frame, if any do."""
    every = list(sets)
    off = [one.outside() for one in every]
    if not any(off):
        return []
    return [
        f"{sum(off)} of {sum(len(one.clicks_yx) for one in every)} clicks, in "
        f"{sum(map(bool, off))} tasks, lie off their photograph: they count as at its "
        "edge, as in the original"
    ]


@functools.lru_cache(maxsize=4)
def _read(path: pathlib.Path, modified: int) -> dict[str, dict[str, ClickSet]]:
    del modified  # Part of the key: a changed file is read again.
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype={"object_stem": str})
    except (ValueError, OSError) as error:
        raise errors.DataError(f"{path} cannot be read as CSV: {error}") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise errors.DataError(
            f"{path} lacks the columns {', '.join(missing)}; it must have "
            f"{', '.join(COLUMNS)}."
        )
    unknown = sorted(set(table["click_type"]) - set(CLICK_TYPES))
    if unknown:
        raise errors.DataError(f"{path} has unknown click types: {', '.join(unknown)}.")
    _check_numbers(path, table)
    sets: dict[str, dict[str, ClickSet]] = {}
    keys = ["dataset", "full_stem", "click_type"]
    for _, rows in table.groupby(keys, sort=False):
        first = rows.iloc[0]
        of_dataset = sets.setdefault(str(first["dataset"]), {})
        of_dataset[str(first["full_stem"])] = ClickSet(
            full_stem=str(first["full_stem"]),
            image_stem=str(first["image_stem"]),
            object_stem=str(first["object_stem"]),
            click_type=str(first["click_type"]),
            mask_source=str(first["model_type"]),
            input_device="+".join(sorted(set(rows["device"].astype(str)))),
            clicks_yx=rows[["y", "x"]].to_numpy(np.int64),
            frame=(int(first["h"]), int(first["w"])),
            device_of_each=rows["device"].to_numpy(str),
        )
    return sets


def _check_numbers(path: pathlib.Path, table: pd.DataFrame) -> None:
    for column in _NUMBERS:
        values = np.asarray(pd.to_numeric(table[column], errors="coerce"), float)
        wrong = np.flatnonzero(~(np.abs(values) < np.iinfo(np.int32).max))
        if len(wrong):
            raise errors.DataError(
                f"{path}, line {wrong[0] + 2}: {column} is "
                f"{str(table[column][wrong[0]])!r}, not a number"
                f" ({len(wrong)} such lines)."
            )


def read_all(path: pathlib.Path) -> dict[str, dict[str, ClickSet]]:
    """Reads the click sets of every dataset, by its name and full stem.

    In `previews.csv` the display modes of the ablation stand for datasets.

    Raises:
        DataError: The file is no such table.
    """
    return _read(path, path.stat().st_mtime_ns)


def read(path: pathlib.Path, dataset: str) -> dict[str, ClickSet]:
    """Reads the click sets of one dataset, by full stem; empty if it has none.

    `COCO_MVal` is called `COCO` in the published file.

    Raises:
        DataError: The file is no such table.
    """
    sets = read_all(path)
    aliases = [dataset, "COCO"] if dataset == "COCO_MVal" else [dataset]
    found = [sets[alias] for alias in aliases if alias in sets]
    return found[0] if found else {}
