"""Tables and rows as files: CSV, Markdown, LaTeX and parquet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from etils import epath

from rclicks_jax import errors, files
from rclicks_jax.reporting import table_formats


def write_rows(
    name: str,
    rows: Iterable[Mapping[str, object]],
    out: epath.PathLike,
    types: Mapping[str, str] | None = None,
) -> list[epath.Path]:
    """Writes rows as `.csv` and `.parquet`.

    Parquet holds text as it is. In the CSV, a cell that a spreadsheet would read as a
    formula gets an apostrophe in front; `table_formats.from_csv_text` removes it.

    Args:
        name: Name of the files, without suffix.
        rows: Values by column.
        out: Folder for the files.
        types: Types of columns that pandas cannot infer, by column.

    Returns:
        The paths of the files.

    Raises:
        RunFolderError: There are no rows.
    """
    import pandas as pd

    to_encodable = _if_text(table_formats.encodable)
    encodable_rows = [
        {key: to_encodable(value) for key, value in row.items()} for row in rows
    ]
    if not encodable_rows:
        raise errors.RunFolderError(
            "There is nothing to export: no object or task of the run is ok."
        )
    # pandas has no type stubs.
    frame: Any = pd.DataFrame(encodable_rows).astype(types or {})
    columns = frame.to_parquet(index=False)
    returns = False
    for key in frame.select_dtypes(["object", "string"]):
        returns |= bool(frame[key].astype("string").str.contains("\r").any())
        frame[key] = frame[key].map(_if_text(table_formats.csv_text))
    # pandas quotes cells that hold a carriage return only if lines end with it too.
    lines = frame.to_csv(index=False, lineterminator="\r\n" if returns else "\n")
    written: list[epath.Path] = []
    for suffix, content in (("csv", lines.encode()), ("parquet", columns)):
        written.append(epath.Path(out) / f"{name}.{suffix}")
        files.write_output(written[-1], content)
    return written


def _if_text(change: Callable[[str], str]) -> Callable[[object], object]:
    return lambda value: change(value) if isinstance(value, str) else value


_WRITERS = {
    "csv": table_formats.to_csv,
    "md": table_formats.to_markdown,
    "tex": table_formats.to_latex,
}


def write_tables(folder: epath.PathLike, tables: Sequence[table_formats.Table]) -> None:
    """Writes tables as CSV, Markdown and LaTeX into `tables/` of a folder.

    A table without rows is not written.
    """
    for table in tables:
        for suffix, write in _WRITERS.items() if table.rows else ():
            path = epath.Path(folder) / "tables" / f"{table.name}.{suffix}"
            files.write_output(path, write(table).encode())
