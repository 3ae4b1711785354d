"""What the page of a comparison shows of its runs: the same objects, side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rclicks_jax import errors
from rclicks_jax.results import click_words, comparison, object_pictures, report
from rclicks_jax.results.object_pictures import Pictured, Played
from rclicks_jax.results.report import Key
from rclicks_jax.runs import artifacts, records, store

# Objects that are drawn, and runs of which each is.
_SHOWN, _MOST_RUNS = 6, 4


def context(
    runs: Sequence[comparison.Run], folders: Sequence[store.RunFolder]
) -> dict[str, Any]:
    """Returns what the page takes of its runs beside tables and charts.

    Args:
        runs: What is compared.
        folders: Where each run is.

    Returns:
        `gallery`: objects; `clicks`: whose clicks the runs simulated; `warnings`: what
        the page of each run warns of.
    """
    notes: dict[str, list[str]] = {}
    named = []
    for run, folder in zip(runs, folders, strict=True):
        info = folder.info()
        results = list(run.results.values())
        for note in report.warnings_of(info["hashed"], info["noted"], results):
            notes.setdefault(note, []).append(run.label)
        named.append(click_words.of_run(info["hashed"].get("click_model", {})).phrase)
    warnings = [
        note if len(labels) == len(runs) else f"{', '.join(labels)}: {note}"
        for note, labels in notes.items()
    ]
    shown = objects(runs[:_MOST_RUNS], folders[:_MOST_RUNS], warnings)
    return {
        "gallery": list(shown.values()),
        "object_links": {key: one.anchor for key, one in shown.items()},
        "clicks": "; ".join(dict.fromkeys(named)),
        "warnings": warnings,
    }


def objects(
    runs: Sequence[comparison.Run],
    folders: Sequence[store.RunFolder],
    warnings: list[str],
) -> dict[Key, Pictured]:
    """Draws objects of which two runs or more kept pictures.

    Those come first whose runs ended with most different IoU.

    Args:
        runs: What is compared.
        folders: Where each run is.
        warnings: Takes a sentence for each picture that cannot be read.
    """
    kept = [report.kept_objects(folder, warnings) for folder in folders]
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
                warnings.append(f"{run.label}: a picture is left out. {error}")
                continue
            if not played or played[0].layers.photo.shape == layers.photo.shape:
                played.append(Played(run.label, record, layers))
        if len(played) > 1:
            anchor = f"object-{len(drawn) + 1}"
            drawn[key] = object_pictures.of_object(anchor, key[0], played, {})
    return drawn


def _end(record: records.InstanceRecord) -> float:
    """Returns the mean IoU of an object's trajectories after their last click."""
    ends = [
        track.intersection[-1] / max(1, track.union[-1])
        for track in record.trajectories
        if (track.strategy, track.group) in artifacts.SHOWN
    ]
    return float(np.mean(ends)) if ends else 0.0
