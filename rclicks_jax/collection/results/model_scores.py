"""Click models on the clicks so far, by the metrics of an evaluation.

A display mode takes the place of an evaluation's dataset: people click elsewhere in
another mode.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tqdm

from rclicks_jax import errors, hashing
from rclicks_jax.collection.results import task_maps
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.evaluation import choices, click_scores, task_scoring
from rclicks_jax.evaluation.click_scores import Scores
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.evaluation.task_scoring import TaskWithMaps
from rclicks_jax.settings import protocols
from rclicks_jax.settings.evaluation import EvaluateConfig
from rclicks_jax.types import ClickQuery

Tasks = Mapping[tuple[str, str], Sequence[Click]]


def by_task(rows: Iterable[Click], most: int) -> dict[tuple[str, str], list[Click]]:
    """Returns clicks by display mode and task: tasks with most clicks, by mode.

    Args:
        rows: Clicks that are data.
        most: Largest number of tasks of a display mode; 0 for all.
    """
    groups: dict[tuple[str, str], list[Click]] = {}
    for row in rows:
        groups.setdefault((row.mode, row.task.task_id), []).append(row)
    chosen: dict[tuple[str, str], list[Click]] = {}
    for mode in sorted({mode for mode, _ in groups}):
        own = [key for key in groups if key[0] == mode]
        own.sort(key=lambda key: (-len(groups[key]), _name(groups[key])))
        chosen |= {key: groups[key] for key in own[: most or None]}
    return chosen


def _name(rows: Sequence[Click]) -> tuple[str, str]:
    return rows[0].task.full_stem, rows[0].task.click_type


def score(
    study: study_files.Study,
    tasks: Tasks,
    models: Mapping[str, task_maps.Model],
    source: str,
    *,
    show: bool = False,
) -> list[Scores]:
    """Compares click models with clicks.

    Args:
        study: The study.
        tasks: Clicks by display mode and task, as `by_task` returns them.
        models: Click models, by name.
        source: Whose clicks they are, in words.
        show: Whether a bar shows progress.

    Returns:
        Scores by display mode, then click model; a task that cannot be read is counted
        as failed.
    """
    config = EvaluateConfig()
    protocol = protocols.protocol(config.protocol)
    maps = choices.MASKED if protocol.mask_evaluated_maps else choices.RAW
    records: dict[str, list[TaskRecord]] = {}
    bar = tqdm.tqdm(tasks.items(), "click models", disable=None if show else True)
    for (mode, _), rows in bar:
        records.setdefault(mode, []).append(_record(study, mode, rows, models, source))
    return [
        click_scores.of_records(own, name, model.described, maps)
        for own in records.values()
        for name, model in models.items()
    ]


def _record(
    study: study_files.Study,
    mode: str,
    rows: Sequence[Click],
    models: Mapping[str, task_maps.Model],
    source: str,
) -> TaskRecord:
    """Returns the record of a task, with all its click models measured."""
    task = rows[0].task
    record = TaskRecord(
        dataset=mode,
        click_set_id=task.full_stem,
        image_id=task.image_stem,
        click_type=task.click_type,
        input_device=source,
        clicks=len(rows),
    )
    try:
        job = _with_maps(study, task, rows, models)
    except errors.RClicksError as error:
        return task_scoring.rejected(record, error)
    return task_scoring.measure((record, job))


def _map(model: task_maps.Model, query: ClickQuery) -> np.ndarray | str:
    """Returns a click map, or why there is none."""
    try:
        return model.map_of(query)
    except errors.DeviceError:
        raise
    except Exception as error:
        return task_scoring.why(error)


def _with_maps(
    study: study_files.Study,
    task: TaskFacts,
    rows: Sequence[Click],
    models: Mapping[str, task_maps.Model],
) -> TaskWithMaps:
    config = EvaluateConfig()
    query = task_maps.query(study, task)
    key = f"{task.full_stem}/{task.click_type}"
    return TaskWithMaps(
        clicks_yx=np.array([(row.click.y, row.click.x) for row in rows], np.int32),
        box_hw=task_scoring.box_of(query.gt_mask),
        error_mask=query.error_mask,
        maps={name: _map(model, query) for name, model in models.items()},
        seeds={
            name: (config.seed, hashing.stable_hash(f"{key}/{name}")) for name in models
        },
        draws=config.draws,
        people=tuple(row.session.person_id for row in rows),
        nss_epsilon=protocols.protocol(config.protocol).nss_epsilon,
    )
