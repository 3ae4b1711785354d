"""Tasks of later rounds: masks with mistakes, from segmenters or distortions.

An object gets at most one task of missed target and one of wrong foreground, as in the
original. First clicks are tried in an order that depends on nothing but their places;
the first mask with a large enough mistake of a kind gives the task of that kind.

Nothing else of this package imports segmenters: a web server never runs this module.
"""

import contextlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from rclicks_jax import files, hashing
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files, tokens
from rclicks_jax.collection.tasks import (
    assets,
    demand,
    first_clicks,
    private_files,
    regions,
)
from rclicks_jax.data import raw
from rclicks_jax.data.synthetic import distortions
from rclicks_jax.ops import distance, images
from rclicks_jax.types import Clicks

# First clicks of an object that are tried.
_MOST_TRIED = 5
KINDS: tuple[str, ...] = ("fn", "fp")
# Names of sources, and masks, one after another.
_Attempts = Generator[tuple[str, np.ndarray], None, None]
_Tries = Callable[[TaskFacts, np.ndarray], _Attempts]


class Added(NamedTuple):
    """What was added.

    Attributes:
        tasks: Tasks by kind of mistake.
        without_clicks: Objects that had no accepted first click.
        good: Objects for which no mask had a large enough mistake.
    """

    tasks: dict[str, int]
    without_clicks: int
    good: int


def add_distortions(
    study: study_files.Study,
    store: Store,
    kinds: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Added:
    """Adds tasks with distorted masks.

    Args:
        study: The study.
        store: Its database.
        kinds: Distortions, in the order in which they are tried.
        progress: Is told how many objects are done, and of how many.
    """

    def tries(task: TaskFacts, pixels: np.ndarray) -> _Attempts:
        gt_mask = _target(study, task)
        others = [_target(study, other) for other in beside[task.full_stem]]
        order = sorted(
            kinds, key=lambda k: hashing.stable_hash(f"{task.full_stem}/{k}")
        )
        for kind in order:
            seed = hashing.stable_hash(f"{task.full_stem}/{kind}")
            generator = np.random.Generator(np.random.Philox(seed))
            mask = distortions.distort(kind, gt_mask, others, generator)
            if mask is not None:
                yield f"distorted-{kind}", mask

    firsts = _firsts(store)
    beside = {
        task.full_stem: [
            other
            for other in firsts
            if other.image_id == task.image_id and other != task
        ]
        for task in firsts
    }
    return _add_all(study, store, tries, progress)


def add_answers(
    study: study_files.Study,
    store: Store,
    spec: str,
    clicks: Mapping[str, Sequence[tuple[int, int]]] | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Added:
    """Adds tasks with masks of a segmenter that was given first clicks.

    Args:
        study: The study.
        store: Its database.
        spec: The segmenter.
        clicks: First clicks `(y, x)` of each task, by id; None for the middle of each
            object.
        progress: Is told how many objects are done, and of how many.
    """
    # It imports JAX, which takes seconds.
    from rclicks_jax.segmenters import load

    segmenter = load.load(spec, 1)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", segmenter.name).strip("-")

    def tries(task: TaskFacts, pixels: np.ndarray) -> _Attempts:
        gt_mask = _target(study, task)
        if clicks is None:
            places = [distance.deepest_pixel(gt_mask, gt_mask)[1]]
        else:
            places = clicks.get(task.task_id, ())
        if not places:
            raise _NoClicksError
        features = segmenter.encode(pixels)
        try:
            for y, x in places[:_MOST_TRIED]:
                session = segmenter.start(features, [gt_mask])
                first = Clicks(
                    np.array([[[y, x]]], np.int32),
                    np.ones((1, 1), bool),
                    np.ones(1, np.int32),
                )
                yield name, session.predict(np.zeros(1, np.int32), first)[0]
        finally:
            segmenter.release(features)

    try:
        return _add_all(study, store, tries, progress)
    finally:
        close = getattr(segmenter, "close", None)
        if close is not None:
            close()


class _NoClicksError(Exception):
    """An object has no first click."""


def _add_all(
    study: study_files.Study,
    store: Store,
    tries: _Tries,
    progress: Callable[[int, int], None],
) -> Added:
    """Adds tasks for each object that lacks a kind; goes on where it was stopped."""
    there = {
        (task.image_stem, task.object_stem, task.click_type)
        for task in store.read(catalogue.tasks)
    }
    counts, lacking, good = dict.fromkeys(KINDS, 0), 0, 0
    firsts = _firsts(store)
    for number, task in enumerate(firsts):
        wanted = [
            kind
            for kind in KINDS
            if (task.image_stem, task.object_stem, kind) not in there
        ]
        if wanted:
            try:
                made = _of_object(study, task, wanted, tries)
            except _NoClicksError:
                lacking += 1
                continue
            finally:
                progress(number + 1, len(firsts))
            good += not made
            store.write(lambda db, made=made: demand.put(db, study, made)).result()
            for later in made:
                counts[later.click_type] += 1
        progress(number + 1, len(firsts))
    return Added(counts, lacking, good)


def _of_object(
    study: study_files.Study, task: TaskFacts, wanted: list[str], tries: _Tries
) -> list[TaskFacts]:
    """Writes the files of an object's tasks of later rounds; returns the tasks."""
    path = private_files.photograph_path(study, task)
    pixels = assets.decode(path.read_bytes(), task.image_stem, study.config.limits)
    stored = private_files.mask_path(study, task).read_bytes()
    gt_mask = images.decode_mask(stored, task.full_stem)
    limits = study.config.limits
    least = max(limits.region_px, limits.region_share * gt_mask.size)
    made: dict[str, TaskFacts] = {}
    with contextlib.closing(tries(task, pixels)) as attempts:
        for source, mask in attempts:
            prev_mask = mask.astype(np.uint8) * 255
            for kind in wanted:
                region = regions.of_task(gt_mask, prev_mask, kind)
                if kind not in made and np.count_nonzero(region) >= least:
                    made[kind] = _write(
                        study, task, kind, source, pixels, prev_mask, region
                    )
            if len(made) == len(wanted):
                break
    return list(made.values())


def _write(
    study: study_files.Study,
    first: TaskFacts,
    kind: str,
    source: str,
    pixels: np.ndarray,
    prev_mask: np.ndarray,
    region: np.ndarray,
) -> TaskFacts:
    full_stem = f"{first.full_stem}_{source}_{kind}"
    task_id = tokens.keyed(study.secret, "task", full_stem, kind)
    later = msgspec.structs.replace(
        first,
        task_id=task_id,
        full_stem=full_stem,
        click_type=kind,
        mask_source=source,
        targets=assets.store_targets(study, pixels, region),
        # Nobody can describe a part of a mistake.
        texts={},
        **first_clicks.frame_of(study, task_id, region),
    )
    content = images.encode_png(prev_mask)
    files.write_output(private_files.prev_mask_path(study, later), content)
    return later


def _firsts(store: Store) -> list[TaskFacts]:
    """Returns the tasks of first clicks that are data."""
    every = store.read(lambda db: catalogue.tasks(db, "main"))
    return [task for task in every if task.click_type == "first"]


def _target(study: study_files.Study, task: TaskFacts) -> np.ndarray:
    stored = private_files.mask_path(study, task).read_bytes()
    return images.decode_mask(stored, task.full_stem) == raw.OBJECT
