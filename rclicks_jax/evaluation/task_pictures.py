"""Pictures of some tasks of an evaluation: the clicks and the map of each model.

The tasks have evenly spaced ranks by NSS of the last click model, from the worst to the
best, so the records alone determine them. Each is drawn once and kept.
"""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from etils import epath

from rclicks_jax import errors, files
from rclicks_jax.clicks import click_models
from rclicks_jax.clicks.click_models import ClickModel
from rclicks_jax.data import packages
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.jobs import store
from rclicks_jax.reporting import layers, overlays
from rclicks_jax.types import ClickExample, ClickQuery, JsonObject

COUNT = 5
RULE = "even ranks of NSS of the last click model, from the worst to the best"
_METRIC = "nss"
_INDEX_NAME = "index.json"
_PEOPLE = "people"


class Picture(NamedTuple):
    """One picture of a task.

    Attributes:
        name: `people`, or the name of a click model.
        jpeg: Content of the JPEG file.
    """

    name: str
    jpeg: bytes


def select(records: Sequence[TaskRecord], identity: JsonObject) -> list[TaskRecord]:
    """Returns the tasks to be drawn, from the worst to the best.

    Args:
        records: The records of an evaluation.
        identity: The identity of its run.
    """
    model = list(task_records.models_of(identity))[-1]
    maps = task_records.shown_maps(identity)
    known = [
        (
            task_records.value(record, model, maps, _METRIC),
            record.dataset,
            record.click_set_id,
        )
        for record in records
        if record.status == "ok"
    ]
    ranked = sorted(key for key in known if np.isfinite(key[0]))
    places = np.linspace(0, len(ranked) - 1, min(COUNT, len(ranked)))
    by_key = {(record.dataset, record.click_set_id): record for record in records}
    return [by_key[ranked[place][1:]] for place in np.rint(places).astype(int)]


def write(
    folder: store.RunFolder,
    datasets: Sequence[packages.Package],
    models: Mapping[str, ClickModel],
) -> None:
    """Draws the selected tasks, unless they are drawn already.

    Args:
        folder: A finished evaluation.
        datasets: The packages of its datasets.
        models: Its click models, by their names in the records.
    """
    identity = folder.info().identity
    masked = task_records.shown_maps(identity) == task_records.MASKED
    by_name = {package.dataset: package for package in datasets}
    for record in select(task_records.read_all(folder), identity):
        place = _place(folder, record)
        if (place / _INDEX_NAME).exists():
            continue
        package = by_name[record.dataset]
        (row,) = (row for row in package.rows if row.name == record.click_set_id)
        example: ClickExample = package.read(row)
        query = ClickQuery(example.image, example.gt_mask, example.error_mask)
        answers = {
            name: click_models.attempt(model, [query])[0]
            for name, model in models.items()
        }
        maps: dict[str, np.ndarray | None] = {_PEOPLE: None}
        for name, click_map in answers.items():
            # If a worker fails now, its picture is left out.
            if not isinstance(click_map, Exception):
                drawn_map = click_map * example.error_mask if masked else click_map
                maps[name] = layers.as_bytes(drawn_map)
        if example.prev_mask is None:
            # Target and error region are the same, so one outline is drawn.
            query = query._replace(error_mask=example.gt_mask)
        for number, click_map in enumerate(maps.values()):
            picture = overlays.of_query(query, click_map, {0: example.clicks_yx})
            content = overlays.to_jpeg(picture)
            files.write_output(place / f"{number}.jpg", content)
        index = json.dumps({"pictures": list(maps)})
        files.write_output(place / _INDEX_NAME, index.encode())


def read(folder: store.RunFolder, record: TaskRecord) -> list[Picture]:
    """Reads the pictures of a task; empty if it has none.

    Raises:
        DataError: They cannot be read.
    """
    place = _place(folder, record)
    if not (place / _INDEX_NAME).exists():
        return []
    try:
        names = json.loads((place / _INDEX_NAME).read_text())["pictures"]
        return [
            Picture(str(name), (place / f"{number}.jpg").read_bytes())
            for number, name in enumerate(names)
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise errors.DataError(f"Pictures in {place} cannot be read.") from error


def _place(folder: store.RunFolder, record: TaskRecord) -> epath.Path:
    # The pictures of a task lie in the folder of its image.
    of_image = folder.artifacts(record.dataset, record.image_id)
    return of_image / store.file_name(record.click_set_id)
