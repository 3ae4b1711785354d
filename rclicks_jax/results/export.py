"""Every click of a run as rows, for tools of others: CSV and parquet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from etils import epath

from rclicks_jax import errors
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.results import formats


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


def write(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `clicks.csv` and `clicks.parquet`; returns their paths."""
    whole = {"y": "Int32", "x": "Int32", "positive": "boolean"}
    return write_rows("clicks", rows(records.read_all(folder)), out, whole)


def write_rows(
    name: str,
    rows: Iterable[Mapping[str, Any]],
    out: epath.PathLike,
    types: Mapping[str, str] | None = None,
) -> list[epath.Path]:
    """Writes rows as `.csv` and `.parquet`.

    Parquet holds text as it is. A cell of the CSV that a spreadsheet would take for a
    formula has an apostrophe in front; `formats.from_csv_text` takes it away.

    Args:
        name: Of the files.
        rows: Values by column.
        out: A folder.
        types: Of columns whose values do not say it, as pandas names them.

    Returns:
        The paths of the files.

    Raises:
        RunFolderError: There is no row.
    """
    import pandas as pd

    shown = _if_text(formats.encodable)
    every = [{key: shown(value) for key, value in row.items()} for row in rows]
    if not every:
        raise errors.RunFolderError(
            "There is nothing to export: no object or task of the run is ok."
        )
    frame = pd.DataFrame(every).astype(types or {})
    columns = frame.to_parquet(index=False)
    returns = False
    for key in frame.select_dtypes(["object", "string"]):
        returns |= bool(frame[key].astype("string").str.contains("\r").any())
        frame[key] = frame[key].map(_if_text(formats.csv_text))
    # A cell that holds "\r" is quoted only where lines end so as well.
    lines = frame.to_csv(index=False, lineterminator="\r\n" if returns else "\n")
    written = []
    for suffix, content in (("csv", lines.encode()), ("parquet", columns)):
        written.append(epath.Path(out) / f"{name}.{suffix}")
        store.write_atomically(written[-1], content)
    return written


def _if_text(change: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: change(value) if isinstance(value, str) else value
