"""Makes the tables and pages of run folders, and writes them into folders."""

import dataclasses
from collections.abc import Collection, Sequence

from etils import epath

from rclicks_jax import files
from rclicks_jax.jobs import store
from rclicks_jax.reporting import pages, table_files, table_formats
from rclicks_jax.results import (
    comparison,
    comparison_figures,
    correlations,
    difficulty,
    paper_tables,
    people_tables,
    report,
    side_by_side,
    tables,
)
from rclicks_jax.results import runs as runs_lib
from rclicks_jax.types import json_part


def make_tables(run: comparison.Run) -> list[table_formats.Table]:
    """Returns every table of a run; a table that does not apply has no rows."""
    results = list(run.results.values())
    every = [make(results, run.protocol) for make in tables.MAKERS]
    every += [make([run]) for make in paper_tables.MAKERS]
    users = json_part(run.identity, "strategies").get("users")
    missing = tables.not_written(every, wanted_users=bool(users))
    first, *others = every
    return [dataclasses.replace(first, notes=(*first.notes, *missing)), *others]


def first_shown(
    every: Sequence[table_formats.Table],
) -> list[table_formats.Table]:
    """Returns the tables that a terminal shows: means, and people's trajectories."""
    first, *others = every
    return [first, *(t for t in others if t.name == people_tables.NAME and t.rows)]


def write(folder: store.RunFolder) -> list[table_formats.Table]:
    """Reads a run, writes its tables and report, and returns the tables.

    Raises:
        RunFolderError: The run cannot be read, or a file cannot be written.
    """
    return write_tables_and_report(runs_lib.open_run(folder.path))


def write_tables_and_report(run: comparison.Run) -> list[table_formats.Table]:
    """Writes tables and report of a run that was read; returns the tables.

    Raises:
        RunFolderError: A file cannot be written.
    """
    every = make_tables(run)
    table_files.write_tables(run.folder, every)
    report.write(run, every)
    return every


def compare(
    runs: Sequence[tuple[str, epath.PathLike]],
    out: epath.PathLike,
    allowed: Collection[str] = (),
) -> list[table_formats.Table]:
    """Writes tables and a page of several runs; returns the tables.

    Args:
        runs: Label, perhaps empty, and folder of each run.
        out: Folder for the tables and the page.
        allowed: Settings beside the segmenter that may differ, as `--allow` takes them.

    Raises:
        RunFolderError: The runs cannot be compared.
    """
    checked = comparison.check(
        [runs_lib.open_run(path, label) for label, path in runs], allowed
    )
    opened = checked.runs
    on_shared = comparison.on_shared(opened)
    first, *others = [
        comparison.means(opened),
        comparison.differences(opened),
        *(make(on_shared) for make in paper_tables.MAKERS),
        difficulty.dataset_noise(opened),
        correlations.correlations(opened),
        difficulty.hardest(opened),
    ]
    first = dataclasses.replace(first, notes=(*checked.notes, *first.notes))
    named = [checked.named(table) for table in (first, *others) if table.rows]
    table_files.write_tables(out, named)
    shown = side_by_side.draw(opened)
    clicks, click_models = side_by_side.clicks_of(opened)
    page = pages.render(
        "comparison.html.jinja",
        labels=[run.label for run in opened],
        datasets=comparison.datasets_of(opened),
        protocol=opened[0].protocol.name,
        tables=[pages.table_values(table, shown.links) for table in named],
        charts=_charts(on_shared),
        runs=[(run.label, run.folder) for run in opened],
        clicks=clicks,
        click_models=click_models,
        warnings=[*checked.notes, *shown.unreadable],
        gallery=shown.objects,
    )
    path = epath.Path(out) / "comparison.html"
    files.write_output(path, page.encode())
    return named


def _charts(runs: Sequence[comparison.Run]) -> list[tuple[str, str, str]]:
    """Returns title, SVG and explanation of the charts that these runs allow."""
    every = [
        (
            "IoU after each click",
            comparison_figures.iou_per_click(runs),
            "Mean over clicking groups in the band that they span; dashed: baseline.",
        ),
        (
            "Which segmenter for this data?",
            comparison_figures.pareto(runs),
            "Filled: no other segmenter is better in both. Bars are 95 % intervals.",
        ),
        (
            "Spread of IoU over clicks, object by object",
            comparison_figures.noise(runs),
            "Each point is an object, averaged over segmenters. Hard objects are at "
            "the lower right.",
        ),
        (
            "Correlation of measures",
            comparison_figures.correlation_heatmap(runs),
            "Absolute correlation of means over segmenters, averaged over datasets.",
        ),
    ]
    return [chart for chart in every if chart[1]]
