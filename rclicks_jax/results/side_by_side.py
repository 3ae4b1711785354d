"""Pictures for the page of a comparison: the same objects of runs side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.jobs import store
from rclicks_jax.reporting import click_words
from rclicks_jax.results import comparison, object_pictures
from rclicks_jax.results.kept_pictures import Key
from rclicks_jax.results.object_pictures import ObjectOfRun, ObjectPictures
from rclicks_jax.types import json_part

# Number of objects that are drawn, and most runs in which each is drawn.
_SHOWN, _MOST_RUNS = 6, 4


class Shown(NamedTuple):
    """Objects that several runs played.

    Attributes:
        objects: The objects that are drawn, with their pictures.
        links: Their ids in the page, by dataset and object.
        unreadable: A sentence on each picture that could not be read.
    """

    objects: list[ObjectPictures]
    links: dict[Key, str]
    unreadable: list[str]


def clicks_of(runs: Sequence[comparison.Run]) -> tuple[str, str]:
    """Returns which clicks the runs simulated, in words, and their click models."""
    words = [click_words.of_run(json_part(run.identity, "click_model")) for run in runs]
    return (
        " or ".join(dict.fromkeys(of_run.phrase for of_run in words)),
        " or ".join(dict.fromkeys(of_run.name or "none" for of_run in words)),
    )


def draw(runs: Sequence[comparison.Run]) -> Shown:
    """Draws objects that have pictures in two runs or more.

    The first are those with the largest difference of last IoU between runs.

    Args:
        runs: The compared runs; the first four are drawn.
    """
    runs = runs[:_MOST_RUNS]
    unreadable = [text for run in runs for text in run.pictures.unreadable]
    kept = [run.pictures.objects for run in runs]
    spread = {}
    for key in set().union(*kept):
        ends = [_end(objects[key].record) for objects in kept if key in objects]
        if len(ends) > 1:
            spread[key] = max(ends) - min(ends)
    drawn: dict[Key, ObjectPictures] = {}
    for key in sorted(spread, key=lambda key: (-spread[key], key))[:_SHOWN]:
        of_runs: list[ObjectOfRun] = []
        for run in runs:
            try:
                of_run = _read(run, key)
            except errors.DataError as error:
                unreadable.append(f"{run.label}: a picture is left out. {error}")
                continue
            # In a run on other data, the same name may be another object.
            if of_run is not None and (
                not of_runs
                or np.array_equal(of_runs[0].layers.target, of_run.layers.target)
            ):
                of_runs.append(of_run)
        if len(of_runs) > 1:
            anchor = f"object-{len(drawn) + 1}"
            drawn[key] = object_pictures.of_object(anchor, key[0], of_runs, {})
    links = {key: pictured.anchor for key, pictured in drawn.items()}
    return Shown(list(drawn.values()), links, unreadable)


def _read(run: comparison.Run, key: Key) -> ObjectOfRun | None:
    """Reads the pictures of an object; None if the run kept none.

    Raises:
        DataError: They cannot be read.
    """
    if key not in run.pictures.objects:
        return None
    dataset, name = key
    image_id, record = run.pictures.objects[key]
    folder = store.RunFolder(run.folder)
    layers = artifacts.read(folder, dataset, image_id, name)
    return ObjectOfRun(run.label, record, layers)


def _end(record: records.InstanceRecord) -> float:
    """Returns the mean IoU of an object's trajectories after their last click."""
    ends = [
        trajectory.intersection[-1] / max(1, trajectory.union[-1])
        for trajectory in record.trajectories
        if (trajectory.strategy, trajectory.group) in artifacts.SHOWN
    ]
    return float(np.mean(ends)) if ends else 0.0
