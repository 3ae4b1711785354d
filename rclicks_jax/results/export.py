"""Exports every click of a run as a row, in CSV and parquet, for other tools."""

from collections.abc import Iterable, Iterator

from etils import epath

from rclicks_jax.benchmark import records
from rclicks_jax.clicks import strategies
from rclicks_jax.jobs import store
from rclicks_jax.reporting import table_files
from rclicks_jax.types import Trajectory

# Types of columns that may lack a value, as pandas names them.
COLUMN_TYPES = {"y": "Int32", "x": "Int32", "positive": "boolean"}


def rows(images: Iterable[records.ImageRecord]) -> Iterator[dict[str, object]]:
    """Yields a row for each click of each object that is `ok`.

    Areas are in pixels; `iou` is intersection over union.
    """
    for image in images:
        for instance in image.instances:
            for trajectory in instance.trajectories:
                is_of_person = trajectory.strategy == strategies.USER_TRAJECTORY
                person = instance.people[trajectory.group - 1] if is_of_person else None
                for index in range(len(trajectory.union)):
                    yield {
                        "dataset": image.dataset,
                        "image_id": image.image_id,
                        "instance_id": instance.instance_id,
                        **_of_click(trajectory, index),
                        "person": person.name if person else None,
                    }


def _of_click(trajectory: Trajectory, index: int) -> dict[str, object]:
    """Returns the columns of a click; without position if no click was needed."""
    clicked = index < len(trajectory.clicks)
    y, x, positive = trajectory.clicks[index] if clicked else (None,) * 3
    intersection, union = trajectory.intersection[index], trajectory.union[index]
    return {
        "strategy": trajectory.strategy,
        "group": trajectory.group,
        "repeat": trajectory.repeat,
        "click": index + 1,
        "y": y,
        "x": x,
        "positive": positive,
        "intersection": intersection,
        "union": union,
        "iou": intersection / union if union else None,
        "boundary_intersection": trajectory.boundary_intersection[index],
        "boundary_union": trajectory.boundary_union[index],
    }


def write(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `clicks.csv` and `clicks.parquet`; returns their paths."""
    every = rows(records.read_all(folder))
    return table_files.write_rows("clicks", every, out, COLUMN_TYPES)
