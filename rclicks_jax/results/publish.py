"""Tables and pages of run folders, made of them and written beside them."""

import dataclasses
from collections.abc import Collection, Sequence
from typing import NamedTuple, TypeVar

from etils import epath

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.jobs import identity as identity_lib
from rclicks_jax.jobs import store
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

T = TypeVar("T")
_WRITERS = {
    "csv": formats.to_csv,
    "md": formats.to_markdown,
    "tex": formats.to_latex,
}


class Named(NamedTuple):
    """A run folder, and what the user calls it.

    Attributes:
        label: Empty if the user gave no name.
        folder: The run folder.
    """

    label: str
    folder: store.RunFolder


def named(text: str) -> Named:
    """Reads `FOLDER`, or `LABEL=FOLDER`; a folder that is there may hold a `=`."""
    label, is_labelled, path = text.partition("=")
    if not is_labelled or epath.Path(text).exists():
        return Named("", store.RunFolder(text))
    return Named(label, store.RunFolder(path))


def info_of(
    folder: store.RunFolder, kind: str, cls: type[T]
) -> tuple[store.RunInfo, T]:
    """Returns what `run.json` says, and the identity of the run as typed values.

    Args:
        folder: The run folder.
        kind: The job that it must be of.
        cls: The dataclass of the identity.

    Raises:
        RunFolderError: `run.json` is missing, broken, of another job, or of a release
            that knows more.
    """
    info = folder.info()
    if info.kind != kind:
        raise errors.RunFolderError(
            f"{folder.path} holds {info.kind.replace('_', ' ')}: there are no such "
            "tables of it."
        )
    values = identity_lib.from_json(cls, info.identity, str(folder.path))
    whole = dataclasses.replace(info, identity=identity_lib.to_json(values))
    return whole, values


def open_run(folder: epath.PathLike, label: str = "") -> comparison.Run:
    """Reads a run.

    Args:
        folder: Of a benchmark.
        label: What tables call it; the name of its segmenter if empty.

    Raises:
        RunFolderError: It is no run of a benchmark, or has no record yet.
    """
    opened = store.RunFolder(folder)
    info, values = info_of(opened, benchmark_job.KIND, BenchmarkIdentity)
    name = str(values.segmenter.get("name") or "a segmenter without a name")
    results = aggregate.collect(records.read_all(opened))
    if not results:
        raise errors.RunFolderError(f"{opened.path} has no finished image yet.")
    return comparison.Run(
        label or name,
        values.protocol,
        {one.dataset: one for one in results},
        values.segmenter,
        info.identity,
        info.provenance,
        str(opened.path),
    )


def open_several(
    texts: Sequence[str], allowed: Collection[str] = ()
) -> comparison.Checked:
    """Reads runs, `FOLDER` or `LABEL=FOLDER` each, that may be set side by side.

    Args:
        texts: What the user named.
        allowed: Settings beside the segmenter that may differ.

    Raises:
        RunFolderError: They cannot be read, or not be compared.
    """
    opened = [open_run(one.folder.path, one.label) for one in map(named, texts)]
    return comparison.check(opened, allowed)


def make_tables(run: comparison.Run) -> list[formats.Table]:
    """Returns every table of a run; those with nothing to show have no rows."""
    results = list(run.results.values())
    made = [make(results, run.protocol) for make in tables.MAKERS]
    made += [make([run]) for make in paper_tables.MAKERS]
    users = run.identity.get("strategies", {}).get("users")
    missing = tables.not_written(made, wanted_users=bool(users))
    first = made[0]
    return [dataclasses.replace(first, notes=(*first.notes, *missing)), *made[1:]]


def write_tables(folder: epath.PathLike, made: Sequence[formats.Table]) -> None:
    """Writes tables as CSV, Markdown and LaTeX into `tables/` of a folder.

    A table without rows is not written.
    """
    for table in made:
        for suffix, write in _WRITERS.items() if table.rows else ():
            path = epath.Path(folder) / "tables" / f"{table.name}.{suffix}"
            store.write_atomically(path, write(table).encode())


def publish(folder: store.RunFolder) -> list[formats.Table]:
    """Writes tables and report of a run; returns the tables."""
    made = make_tables(open_run(folder.path))
    write_tables(folder.path, made)
    report.write(folder, made)
    return made


def compare(
    runs: Sequence[tuple[str, epath.PathLike]],
    out: epath.PathLike,
    allowed: Collection[str] = (),
) -> list[formats.Table]:
    """Writes tables and a page of several runs; returns the tables.

    Args:
        runs: Label, perhaps empty, and folder of each.
        out: A folder for both.
        allowed: Settings beside the segmenter that may differ, as `--allow` takes them.

    Raises:
        RunFolderError: They cannot be compared.
    """
    checked = comparison.check([open_run(path, label) for label, path in runs], allowed)
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
    made = [checked.named(table) for table in (first, *others) if table.rows]
    write_tables(out, made)
    shown = side_by_side.draw(opened)
    clicks, click_models = side_by_side.clicks_of(opened)
    page = pages.render(
        "comparison.html.jinja",
        labels=[run.label for run in opened],
        datasets=comparison.datasets_of(opened),
        protocol=opened[0].protocol.name,
        tables=[pages.shown(table, shown.links) for table in made],
        charts=_charts(on_shared),
        runs=[(run.label, run.folder) for run in opened],
        clicks=clicks,
        click_models=click_models,
        warnings=[*checked.notes, *shown.unreadable],
        gallery=shown.objects,
    )
    path = epath.Path(out) / "comparison.html"
    store.write_atomically(path, page.encode())
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
            "Spread of IoU over clicks, object by object",
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
