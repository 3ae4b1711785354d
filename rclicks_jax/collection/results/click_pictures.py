"""Pictures of clicks: a task's display modes beside each other on its photograph."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.collection.results import status, task_maps
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.reporting import data_uris, overlays
from rclicks_jax.reporting.layers import Layers, as_bytes

COUNT = 6
RULE = "most clicks in the display mode that has fewest"
# Limits on the characters of all pictures of a task, and of one picture.
_TASK, _PICTURE = 400_000, 60_000
# Longer side of a picture, which is one of up to five in a row, and the spread of a
# click in a density, pixels.
_SIDE, _SIGMA = 420, 13.0


class Shown(NamedTuple):
    """The pictures of a task.

    Attributes:
        title: Name of the task.
        note: A sentence about it.
        dots: Caption and URI of the clicks in each display mode.
        densities: The same of the densities of these clicks.
    """

    title: str
    note: str
    dots: list[tuple[str, str]]
    densities: list[tuple[str, str]]


def choose(rows: Sequence[Click], count: int = COUNT) -> list[dict[str, list[Click]]]:
    """Returns the tasks that are drawn: clicks by display mode, first tasks first.

    Tasks are ranked by the fewest clicks in a display mode, then by all clicks.
    """
    shown = [mode for mode in words.MODES if any(row.mode == mode for row in rows)]
    groups: dict[str, dict[str, list[Click]]] = {}
    for row in rows:
        own = groups.setdefault(row.task.task_id, {mode: [] for mode in shown})
        own[row.mode].append(row)

    def rank(task_id: str) -> tuple[int, int, str, str]:
        numbers = [len(clicks) for clicks in groups[task_id].values()]
        task = next(own[0].task for own in groups[task_id].values() if own)
        return -min(numbers), -sum(numbers), task.full_stem, task.click_type

    return [groups[task_id] for task_id in sorted(groups, key=rank)[:count]]


def draw(
    study: study_files.Study, clicks: Mapping[str, Sequence[Click]], source: str
) -> Shown:
    """Draws the clicks of a task.

    Args:
        study: The study.
        clicks: Its clicks, by display mode; one or more.
        source: Whose clicks they are: `people` or `bots`.

    Raises:
        DataError: Its files cannot be read.
    """
    every = [row for own in clicks.values() for row in own]
    task = every[0].task
    # All modes are drawn in one window.
    layers = overlays.window(
        _layers(study, task),
        [(row.click.y, row.click.x, True) for row in every],
        overlays.CLOSE,
        _SIDE,
    )
    share = min(_PICTURE, _TASK // (2 * len(clicks)))
    dots: list[tuple[str, str]] = []
    densities: list[tuple[str, str]] = []
    for mode, own in clicks.items():
        places = np.array([(row.click.y, row.click.x) for row in own]).reshape(-1, 2)
        picture = overlays.with_samples(layers, {0: places})
        count = status.number_of("clicks", len(own))
        name = mode.replace("_", " ")
        dots.append((f"{name}: {count}", data_uris.photo_uri(picture, share)))
        if len(own):
            heat = dataclasses.replace(layers, click_map=density(layers, places))
            uri = data_uris.photo_uri(overlays.with_click_map(heat), share)
            densities.append((f"{name}: density of {count}", uri))
    kind = "" if task.click_type == "first" else f"later round “{task.click_type}”, "
    people = len({row.session.person_id for row in every})
    clicked = status.number_of("clicks", len(every))
    note = f"{kind}{clicked} of {status.number_of(source, people)}"
    title = " / ".join(filter(None, (task.image_stem, task.object_stem)))
    return Shown(title, note, dots, densities)


def _layers(study: study_files.Study, task: TaskFacts) -> Layers:
    query = task_maps.query(study, task)
    if query.image.shape[:2] != query.gt_mask.shape:
        raise errors.DataError(f"Photograph and mask of {task.full_stem} differ.")
    first = task.click_type == "first"
    others = {} if first else {overlays.ERROR: query.error_mask > 0}
    return Layers("", 1.0, query.image, query.gt_mask, None, others)


def density(layers: Layers, places: np.ndarray) -> np.ndarray:
    """Returns the density of clicks, 255 at its peak, `u8[h w]` like the layers.

    Args:
        layers: Layers of the task, as they are drawn.
        places: Clicks `(y, x)` in pixels of the photograph, `i64[n 2]`, n >= 1.
    """
    height, width = layers.target.shape
    counts = np.zeros((height, width), np.float32)
    for y, x in places.tolist():
        column, row = overlays.place_of(layers, y, x)
        counts[min(max(row, 0), height - 1), min(max(column, 0), width - 1)] += 1
    return as_bytes(cv2.GaussianBlur(counts, (0, 0), _SIGMA))
