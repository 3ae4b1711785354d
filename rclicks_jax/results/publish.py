"""Tables and report of a run folder, made of it and written into it."""

from collections.abc import Sequence

from rclicks_jax import config, errors
from rclicks_jax.results import aggregate, formats, report, tables
from rclicks_jax.runs import store


def make_tables(folder: store.RunFolder) -> list[formats.Table]:
    """Returns every table of a run: a pure function of its folder.

    Raises:
        RunFolderError: It is no run folder, or has no record yet.
    """
    hashed = folder.info()["hashed"]
    if "segmenter" not in hashed:
        raise errors.RunFolderError(
            f"{folder.path} holds {hashed.get('kind', 'something else')}: there are "
            "tables of benchmarks only."
        )
    protocol = config.Protocol(**hashed["protocol"])
    results = aggregate.collect(folder.read_all())
    if not results:
        raise errors.RunFolderError(f"{folder.path} has no finished image yet.")
    return [make(results, protocol) for make in tables.MAKERS]


def write_tables(folder: store.RunFolder, made: Sequence[formats.Table]) -> None:
    """Writes every table as CSV, Markdown and LaTeX into `tables/`."""
    writers = {
        "csv": formats.to_csv,
        "md": formats.to_markdown,
        "tex": formats.to_latex,
    }
    for table in made:
        for suffix, write in writers.items():
            path = folder.path / "tables" / f"{table.name}.{suffix}"
            store.write_atomically(path, write(table).encode())


def publish(folder: store.RunFolder) -> list[formats.Table]:
    """Writes tables and report of a run; returns the tables."""
    made = make_tables(folder)
    write_tables(folder, made)
    report.write(folder, made)
    return made
