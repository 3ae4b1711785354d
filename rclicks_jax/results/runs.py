"""Reads runs of benchmarks from their folders, one run or several to compare."""

from collections.abc import Collection, Sequence

from etils import epath

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.jobs import opening, store
from rclicks_jax.results import aggregate, comparison, kept_pictures


def open_run(folder: epath.PathLike, label: str = "") -> comparison.Run:
    """Reads a run. Each record is read once; pictures are read when they are drawn.

    Args:
        folder: Run folder of a benchmark.
        label: Label of the run in tables; the name of its segmenter if empty.

    Raises:
        RunFolderError: It is not a run of a benchmark, or has no record yet.
    """
    opened = store.RunFolder(folder)
    info, values = opening.typed_info(opened, benchmark_job.KIND, BenchmarkIdentity)
    name = str(values.segmenter.get("name") or "a segmenter without a name")
    results = aggregate.Collector()
    pictures = kept_pictures.Collector(opened)
    for image in records.read_all(opened):
        results.add(image)
        pictures.add(image)
    by_dataset = {result.dataset: result for result in results.collected()}
    if not by_dataset:
        raise errors.RunFolderError(f"{opened.path} has no finished image yet.")
    return comparison.Run(
        label=label or name,
        protocol=values.protocol,
        results=by_dataset,
        segmenter=values.segmenter,
        identity=info.identity,
        provenance=info.provenance,
        folder=str(opened.path),
        hash=info.hash,
        pictures=pictures.collected(),
    )


def open_several(
    texts: Sequence[str], allowed: Collection[str] = ()
) -> comparison.ComparableRuns:
    """Reads several runs, and checks that they can be compared.

    Args:
        texts: The runs as the user named them: `FOLDER` or `LABEL=FOLDER` each.
        allowed: Settings beside the segmenter that may differ.

    Raises:
        RunFolderError: The runs cannot be read, or cannot be compared.
    """
    named = map(opening.labelled, texts)
    runs = [open_run(run.folder.path, run.label) for run in named]
    return comparison.check(runs, allowed)
