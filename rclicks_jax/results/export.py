"""Exports every click of a run as a row, in CSV and parquet, for other tools."""

from collections.abc import Iterable, Iterator

from etils import epath

from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.reporting import table_files

# Types of columns that may lack a value, as pandas names them.
COLUMN_TYPES = {"y": "Int32", "x": "Int32", "positive": "boolean"}


def rows(images: Iterable[records.ImageRecord]) -> Iterator[dict[str, object]]:
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


def write(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `clicks.csv` and `clicks.parquet`; returns their paths."""
    every = rows(records.read_all(folder))
    return table_files.write_rows("clicks", every, out, COLUMN_TYPES)
