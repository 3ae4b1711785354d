"""Two sets of real clicks on the same tasks: by input device, and by display mode.

Source: emb-ai/rclicks, scripts/evaluate_mobile_pc.py and evaluate_previews.py.
"""

import dataclasses
from collections.abc import Collection, Iterator

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import click_sets, clicks_csv, folders, sources

PC, MOBILE = "pc", "mobile"
# The mode that the others are compared with, where it was shown: no picture of the
# object biases it.
_UNBIASED_MODE = "Text_Description"
_PREVIEWS = "previews.csv"


@dataclasses.dataclass(frozen=True)
class ClickPair:
    """A click task with the clicks of two sets of people.

    Attributes:
        dataset: Name of the dataset.
        click_set_id: The click task.
        image_id: The image.
        click_type: `first`, `fn` or `fp`.
        one: Name of the first set: a device, or the reference mode.
        other: Name of the second set.
        one_yx: Clicks of the first set, `i32[n 2]`.
        other_yx: Clicks of the second, `i32[m 2]`.
        gt_mask: The target, `u8[h w]`, 255 for the object; None with a problem.
        problem: Why the task cannot be used; empty if it can.
        notes: What was decided when the photograph and its masks were read.
        one_people: Who made each click of the first set; empty if the table does not
            say.
        other_people: The same of the second set.
    """

    dataset: str
    click_set_id: str
    image_id: str
    click_type: str
    one: str
    other: str
    one_yx: np.ndarray
    other_yx: np.ndarray
    gt_mask: np.ndarray | None
    problem: str
    notes: tuple[raw.Note, ...] = ()
    one_people: tuple[str, ...] = ()
    other_people: tuple[str, ...] = ()


def notes(spec: specs.DataSpec, *, by_mode: bool) -> list[raw.Note]:
    """Returns what was decided or left out when clicks and photographs were matched.

    Args:
        spec: The dataset.
        by_mode: Whether display modes are compared, else devices.

    Raises:
        DataError: The dataset's folders are not as they must be.
    """
    source = open_modes(spec)[0] if by_mode else sources.open_source(spec)
    return list(source.notes)


def by_device(spec: specs.DataSpec, split: str) -> Iterator[ClickPair]:
    """Yields the clicks of PC and of mobile on every task of a split.

    Raises:
        DataError: The dataset does not have clicks of both devices.
        BadValueError: It does not have the split.
    """
    source = sources.open_source(spec)
    both = {PC, MOBILE}
    devices: set[str] = set()
    if isinstance(source, folders.FolderSource):
        for click_set in source.clicks.values():
            devices |= set(click_set.device_of_each.tolist())
    if not isinstance(source, folders.FolderSource) or not both <= devices:
        raise errors.DataError(
            f"{spec.name} has clicks by {', '.join(sorted(devices)) or 'no device'}; "
            f"to be compared it needs a clicks.csv with clicks by {PC} and {MOBILE}."
        )
    for name_of_split in raw.splits_of(spec.name, source.split_names, split):
        for task in source.tasks(name_of_split):
            recorded = source.clicks[task.click_set_id]
            yield _pair(
                source.name,
                task,
                recorded.of_device(PC),
                recorded.of_device(MOBILE),
                (PC, MOBILE),
            )


def by_display_mode(spec: specs.DataSpec) -> Iterator[ClickPair]:
    """Yields the clicks of the reference mode with those of each other mode, by task.

    The reference is the description in words, or without it the first mode by name.

    Raises:
        DataError: Neither the dataset's folder nor the folder above has a
            `previews.csv` with two modes or more.
    """
    source, modes = open_modes(spec)
    if len(modes) < 2:
        raise errors.DataError(
            f"{spec.folder} has {', '.join(modes) or 'no display mode'}; in a "
            f"{_PREVIEWS} there or in the folder above there must be two display modes "
            "or more."
        )
    reference_mode = _reference_of(modes)
    reference = modes.pop(reference_mode)
    for split in source.split_names:
        for task in source.tasks(split):
            name = task.click_set_id
            # One that the reference mode lacks is counted: nobody clicked there.
            one = reference.get(name) or source.clicks[name].of_device("")
            for mode, sets in modes.items():
                if name in sets:
                    names = (reference_mode, mode)
                    yield _pair(source.name, task, one, sets[name], names)


def open_modes(
    spec: specs.DataSpec,
) -> tuple[folders.FolderSource, dict[str, dict[str, click_sets.ClickSet]]]:
    """Opens a dataset with the clicks of its `previews.csv`.

    Returns:
        The photographs with all tasks of the table, and the click sets of each mode by
        task; no modes without a table.

    Raises:
        DataError: The dataset is no folder, or the table is none.
    """
    if spec.folder is None or spec.json_path is not None:
        raise errors.DataError(
            f"{spec.name} has no display modes: give the folder of the photographs "
            f"that {_PREVIEWS} is about, --data=TETRIS:DIR."
        )
    layout = sources.layout_of(spec)
    path = folders.FolderSource(spec.name, spec.folder, layout, {}).beside(_PREVIEWS)
    tables = clicks_csv.read_all(path) if path else {}
    modes = {mode: click_sets.sets_by_id(sets) for mode, sets in tables.items()}
    all_sets = {
        name: click_set for sets in modes.values() for name, click_set in sets.items()
    }
    if modes:
        all_sets |= modes[_reference_of(modes)]
    return folders.FolderSource(spec.name, spec.folder, layout, all_sets), modes


def _reference_of(modes: Collection[str]) -> str:
    return _UNBIASED_MODE if _UNBIASED_MODE in modes else min(modes)


def _pair(
    dataset: str,
    task: raw.RawTask,
    one: click_sets.ClickSet,
    other: click_sets.ClickSet,
    names: tuple[str, str],
) -> ClickPair:
    shape = task.image.shape
    problem = task.problem or one.problem_in(shape) or other.problem_in(shape)
    return ClickPair(
        dataset=dataset,
        click_set_id=task.click_set_id,
        image_id=task.image.image_id,
        click_type=task.click_type,
        one=names[0],
        other=names[1],
        one_yx=one.in_shape(shape),
        other_yx=other.in_shape(shape),
        gt_mask=None if problem else task.gt_mask,
        problem=problem,
        notes=tuple(n for n in task.image.notes if n.kind not in folders.CLICK_NOTES),
        one_people=one.people,
        other_people=other.people,
    )
