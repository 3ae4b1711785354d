"""Adds tasks of later rounds to a study, by the accepted first clicks so far."""

import contextlib
import pathlib

from rclicks_jax import errors, hashing
from rclicks_jax.collection import actions
from rclicks_jax.collection.results import judged_clicks
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.tasks import later_rounds
from rclicks_jax.data.synthetic import distortions


def run(folder: str, segmenter: str, kinds: tuple[str, ...], *, clicks: str) -> int:
    """Adds tasks of later rounds to a study; returns the exit status.

    Args:
        folder: The study.
        segmenter: The segmenter that answers; empty for distortions.
        kinds: Distortions, keys of `distortions.KINDS`; empty for a segmenter.
        clicks: `study` for its accepted first clicks, `middle` for the middle of each
            object.

    Raises:
        BadValueError: Neither or both were given, or a distortion is unknown.
    """
    if bool(segmenter) == bool(kinds):
        raise errors.BadValueError(
            "--segmenter and --distortions",
            "both" if kinds else "neither",
            "one of them",
        )
    unknown = [kind for kind in kinds if kind not in distortions.KINDS]
    if unknown:
        near = errors.meant(unknown[0], distortions.KINDS)
        raise errors.BadValueError(
            "--distortions", unknown[0], ", ".join(distortions.KINDS), near
        )
    opened = open_studies.open_for_commands(pathlib.Path(folder))
    with contextlib.closing(opened.store):
        open_studies.expect_built(opened.study, opened.store)
        with actions.progress_bar("objects", "object") as progress:
            if kinds:
                added = later_rounds.add_distortions(
                    opened.study, opened.store, kinds, progress
                )
            else:
                given = first_clicks(opened) if clicks == "study" else None
                added = later_rounds.add_answers(
                    opened.study, opened.store, segmenter, given, progress
                )
    found = ", ".join(f"{count} {kind}" for kind, count in added.tasks.items())
    print(f"{folder}: tasks of later rounds: {found}.")
    if added.without_clicks:
        print(
            f"{added.without_clicks} objects have no accepted first click yet; "
            "--clicks=middle takes the middle of the object instead."
        )
    if added.good:
        print(f"{added.good} objects have no mask with a large enough mistake.")
    return 0


def first_clicks(opened: open_studies.Opened) -> dict[str, list[tuple[int, int]]]:
    """Returns the places of the accepted first clicks of each task, shuffled."""
    study = opened.study
    policy, source = study.config.judgement, opened.desk.source
    found = opened.store.read(
        lambda db: judged_clicks.read(db, study.secret, policy, source)
    )
    places: dict[str, list[tuple[int, int]]] = {}
    for row in found.data():
        if row.task.click_type == "first":
            place = row.click.y, row.click.x
            places.setdefault(row.task.task_id, []).append(place)
    for task_id, own in places.items():
        own.sort(key=lambda yx, t=task_id: hashing.stable_hash(f"{t}/{yx}"))
    return places
