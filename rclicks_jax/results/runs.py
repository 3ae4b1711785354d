"""Runs of benchmarks as values: read from their folders, alone or to be compared."""

from collections.abc import Collection, Sequence

from etils import epath

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.jobs import opening, store
from rclicks_jax.results import aggregate, comparison


def open_run(folder: epath.PathLike, label: str = "") -> comparison.Run:
    """Reads a run.

    Args:
        folder: Of a benchmark.
        label: What tables call it; the name of its segmenter if empty.

    Raises:
        RunFolderError: It is no run of a benchmark, or has no record yet.
    """
    opened = store.RunFolder(folder)
    info, values = opening.typed_info(opened, benchmark_job.KIND, BenchmarkIdentity)
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
    opened = [
        open_run(one.folder.path, one.label) for one in map(opening.labelled, texts)
    ]
    return comparison.check(opened, allowed)
