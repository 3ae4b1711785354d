"""Every click or task of a run as rows, for tools of others: CSV and parquet."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from etils import epath

from rclicks_jax.results import click_scores
from rclicks_jax.runs import records, store, task_records


def rows(images: Iterable[records.ImageRecord]) -> Iterator[dict[str, Any]]:
    """Yields a row for each click of each object that is `ok`.

    Areas are in pixels; `iou` is intersection over union.
    """
    for image in images:
        for instance in image.instances:
            for track in instance.trajectories:
                for index, union in enumerate(track.union):
                    clicked = index < len(track.clicks)
                    y, x, positive = track.clicks[index] if clicked else (None,) * 3
                    yield {
                        "dataset": image.dataset,
                        "image_id": image.image_id,
                        "instance_id": instance.instance_id,
                        "strategy": track.strategy,
                        "group": track.group,
                        "repeat": track.repeat,
                        "click": index + 1,
                        "y": y,
                        "x": x,
                        "positive": positive,
                        "intersection": track.intersection[index],
                        "union": union,
                        "iou": track.intersection[index] / union if union else None,
                        "boundary_intersection": track.boundary_intersection[index],
                        "boundary_union": track.boundary_union[index],
                    }


def task_rows(tasks: Iterable[task_records.TaskRecord]) -> Iterator[dict[str, Any]]:
    """Yields a row for each click task, click model and kind of map of an evaluation.

    A task that is not `ok` has one row, which says why.
    """
    for task in tasks:
        head = {
            name: getattr(task, name)
            for name in task_records.FIELDS
            if name != "models"
        }
        if task.status != "ok":
            yield head
            continue
        for model in task.models:
            for maps in task_records.MAPS:
                values = {
                    one.key: task_records.value(task, model, maps, one.key)
                    for one in click_scores.MEASURES
                }
                yield {**head, "model": model, "maps": maps, **values}


def write(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `clicks`, or `tasks` of an evaluation, as `.csv` and `.parquet`.

    Returns:
        The paths of the files.
    """
    import pandas as pd

    if folder.info()["hashed"].get("kind") == task_records.KIND:
        name = "tasks"
        frame = pd.DataFrame(task_rows(task_records.read_all(folder)))
    else:
        whole = {"y": "Int32", "x": "Int32", "positive": "boolean"}
        name, frame = "clicks", pd.DataFrame(rows(folder.read_all())).astype(whole)
    written = []
    for suffix, method in (("csv", "to_csv"), ("parquet", "to_parquet")):
        content = io.BytesIO()
        getattr(frame, method)(content, index=False)
        written.append(epath.Path(out) / f"{name}.{suffix}")
        store.write_atomically(written[-1], content.getvalue())
    return written
