"""Tables and pages of run folders, made of them and written beside them."""

from collections.abc import Sequence

from etils import epath

from rclicks_jax import config, errors
from rclicks_jax.results import (
    aggregate,
    comparison,
    comparison_figures,
    correlations,
    difficulty,
    formats,
    pages,
    paper_tables,
    report,
    side_by_side,
    tables,
)
from rclicks_jax.runs import store

_WRITERS = {
    "csv": formats.to_csv,
    "md": formats.to_markdown,
    "tex": formats.to_latex,
}


def folder_of(text: str) -> tuple[str, store.RunFolder]:
    """Splits `FOLDER`, or `LABEL=FOLDER`, into its label, perhaps empty, and folder."""
    label, _, path = text.rpartition("=")
    return label, store.RunFolder(path)


def open_run(text: str) -> comparison.Run:
    """Reads a run: `FOLDER`, or `LABEL=FOLDER`.

    Raises:
        RunFolderError: It is no run of a benchmark, or has no record yet.
    """
    label, folder = folder_of(text)
    hashed = folder.info()["hashed"]
    if "segmenter" not in hashed:
        raise errors.RunFolderError(
            f"{folder.path} holds {hashed.get('kind', 'something else')}: there are no "
            "such tables of it."
        )
    results = aggregate.collect(folder.read_all())
    if not results:
        raise errors.RunFolderError(f"{folder.path} has no finished image yet.")
    protocol = config.Protocol(**hashed["protocol"])
    segmenter = hashed["segmenter"]
    return comparison.Run(
        label or segmenter["name"],
        protocol,
        {one.dataset: one for one in results},
        segmenter,
    )


def make_tables(run: comparison.Run) -> list[formats.Table]:
    """Returns every table of a run."""
    results = list(run.results.values())
    made = [make(results, run.protocol) for make in tables.MAKERS]
    return made + [make([run]) for make in paper_tables.MAKERS]


def write_tables(folder: epath.PathLike, made: Sequence[formats.Table]) -> None:
    """Writes every table as CSV, Markdown and LaTeX into `tables/` of a folder."""
    for table in made:
        for suffix, write in _WRITERS.items():
            path = epath.Path(folder) / "tables" / f"{table.name}.{suffix}"
            store.write_atomically(path, write(table).encode())


def publish(folder: store.RunFolder) -> list[formats.Table]:
    """Writes tables and report of a run; returns the tables."""
    made = make_tables(open_run(str(folder.path)))
    write_tables(folder.path, made)
    report.write(folder, made)
    return made


def compare(named: Sequence[str], out: epath.PathLike) -> list[formats.Table]:
    """Writes tables and a page of several runs; returns the tables.

    Args:
        named: Runs, as `open_run` takes them.
        out: A folder for both.

    Raises:
        RunFolderError: They cannot be compared.
    """
    runs = [open_run(text) for text in named]
    comparison.check(runs)
    made = [
        comparison.means(runs),
        comparison.differences(runs),
        *(make(runs) for make in paper_tables.MAKERS),
        difficulty.dataset_noise(runs),
        correlations.correlations(runs),
        difficulty.hardest(runs),
    ]
    made = [table for table in made if table.rows]
    write_tables(out, made)
    folders = [folder_of(text)[1] for text in named]
    beside = side_by_side.context(runs, folders)
    page = pages.render(
        "comparison.html.jinja",
        **beside,
        labels=[run.label for run in runs],
        datasets=comparison.datasets_of(runs),
        protocol=runs[0].protocol.name,
        tables=[pages.shown(table, beside["object_links"]) for table in made],
        charts=_charts(runs),
        runs=list(zip((run.label for run in runs), named, strict=True)),
    )
    store.write_atomically(epath.Path(out) / "comparison.html", page.encode())
    return made


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
            "Objects on which users fare differently",
            comparison_figures.noise(runs),
            "A point is an object, over segmenters. Hard ones are lower right.",
        ),
        (
            "How measures go together",
            comparison_figures.correlation_heatmap(runs),
            "Absolute correlation of means over segmenters, averaged over datasets.",
        ),
    ]
    return [chart for chart in every if chart[1]]
