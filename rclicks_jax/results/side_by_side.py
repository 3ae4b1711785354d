"""What the page of a comparison shows of its runs: the same objects, side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.jobs import store
from rclicks_jax.reporting import click_words
from rclicks_jax.results import comparison, object_pictures, report
from rclicks_jax.results.object_pictures import Pictured, Played
from rclicks_jax.results.report import Key
from rclicks_jax.types import json_part

# Objects that are drawn, and runs of which each is.
_SHOWN, _MOST_RUNS = 6, 4


class Shown(NamedTuple):
    """Objects that several runs played.

    Attributes:
        objects: With their pictures.
        links: Their ids in the page, by dataset and object.
        unreadable: A sentence on each picture that could not be read.
    """

    objects: list[Pictured]
    links: dict[Key, str]
    unreadable: list[str]


def clicks_of(runs: Sequence[comparison.Run]) -> tuple[str, str]:
    """Returns which clicks the runs simulated, in words, and their click models."""
    words = [click_words.of_run(json_part(run.identity, "click_model")) for run in runs]
    return (
        " or ".join(dict.fromkeys(each.phrase for each in words)),
        " or ".join(dict.fromkeys(each.name or "none" for each in words)),
    )


def draw(runs: Sequence[comparison.Run]) -> Shown:
    """Draws objects of which two runs or more kept pictures.

    Those come first whose runs ended with most different IoU.

    Args:
        runs: What is compared; the first four are drawn.
    """
    runs = runs[:_MOST_RUNS]
    folders = [store.RunFolder(run.folder) for run in runs]
    unreadable: list[str] = []
    kept = [report.kept_objects(folder, unreadable) for folder in folders]
    spread = {}
    for key in set().union(*kept):
        ends = [_end(each[key][1]) for each in kept if key in each]
        if len(ends) > 1:
            spread[key] = max(ends) - min(ends)
    drawn: dict[Key, Pictured] = {}
    for key in sorted(spread, key=lambda key: (-spread[key], key))[:_SHOWN]:
        played: list[Played] = []
        for run, folder, each in zip(runs, folders, kept, strict=True):
            if key not in each:
                continue
            image_id, record = each[key]
            try:
                layers = artifacts.read(folder, key[0], image_id, key[1])
            except errors.DataError as error:
                unreadable.append(f"{run.label}: a picture is left out. {error}")
                continue
            # Runs of other data may have another object of the same name.
            if not played or np.array_equal(played[0].layers.target, layers.target):
                played.append(Played(run.label, record, layers))
        if len(played) > 1:
            anchor = f"object-{len(drawn) + 1}"
            drawn[key] = object_pictures.of_object(anchor, key[0], played, {})
    links = {key: one.anchor for key, one in drawn.items()}
    return Shown(list(drawn.values()), links, unreadable)


def _end(record: records.InstanceRecord) -> float:
    """Returns the mean IoU of an object's trajectories after their last click."""
    ends = [
        track.intersection[-1] / max(1, track.union[-1])
        for track in record.trajectories
        if (track.strategy, track.group) in artifacts.SHOWN
    ]
    return float(np.mean(ends)) if ends else 0.0
