"""Runs as pandas frames: a row for each click, for each object, and tables."""

from typing import TYPE_CHECKING, Any

from rclicks_jax import errors
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.reporting import table_formats
from rclicks_jax.results import comparison, export, measures, outputs

if TYPE_CHECKING:
    import pandas as pd


def of_clicks(folder: store.RunFolder) -> "pd.DataFrame":
    """Returns a row for each click of each object that is `ok`; see `export.rows`.

    Raises:
        RunFolderError: No object of the run is `ok`.
    """
    import pandas as pd

    rows = list(export.rows(records.read_all(folder)))
    if not rows:
        raise errors.RunFolderError(
            f"{folder.path} has no click: no object of the run is ok."
        )
    return pd.DataFrame(rows).astype(export.COLUMN_TYPES)


def of_objects(run: comparison.Run) -> "pd.DataFrame":
    """Returns a row for each object that is `ok`, with every measure of the run.

    A measure has no column if the run has not played the clicks that it needs. It is
    NaN for an object for which it is not defined.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    for result in run.results.values():
        count = len(result.instance_ids)
        columns: dict[str, Any] = {
            "dataset": [result.dataset] * count,
            "image_id": result.image_ids,
            "instance_id": result.instance_ids,
            "category": result.categories or [""] * count,
            "target_pixels": result.areas,
        }
        for measure in measures.ALL:
            values = measure.values(result, run.protocol)
            if values is not None:
                columns[measure.key] = values
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def of_tables(run: comparison.Run) -> "dict[str, pd.DataFrame]":
    """Returns every table of a run that has rows, by the name of its files.

    A mean with an interval becomes three columns: the mean, `_low` and `_high`.
    """
    import pandas as pd

    return {
        table.name: pd.DataFrame([table_formats.flat(row) for row in table.rows])
        for table in outputs.make_tables(run)
        if table.rows
    }
