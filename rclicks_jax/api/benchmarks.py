"""Benchmarks: run one from a program, and read a run into pandas."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict, Unpack

from rclicks_jax import distributed
from rclicks_jax.api import arguments
from rclicks_jax.benchmark import job, preconditions, records
from rclicks_jax.jobs import store
from rclicks_jax.results import frames, outputs, runs
from rclicks_jax.settings import dicts
from rclicks_jax.settings.benchmark import BenchmarkConfig

if TYPE_CHECKING:
    import pandas as pd


class BenchmarkSettings(TypedDict, total=False):
    """Settings of a benchmark; docs/settings.md explains each and has its default."""

    protocol: str
    data: str
    split: str
    segmenter: str
    click_model: str
    groups: tuple[int, ...]
    baseline: bool
    robots: tuple[str, ...]
    users: bool
    trajectories: str
    repeats: int
    seed: int
    objects_in_flight: int
    instances_per_batch: int
    click_model_batch: int
    devices: int
    host_processes: int
    click_model_precision: str
    pictures: int
    max_images: int
    max_side: int
    stop_at: int
    shard: str
    max_failed: float


class Run:
    """A run of a benchmark, read from its folder.

    Attributes:
        folder: The run folder.
        counts: Objects by status: `ok`, `skipped` (no target) and `failed`.
        stopped: Name of the signal that ended `run_benchmark` early, such as `SIGTERM`;
            empty if it ended by itself, and for runs of `read_run`.
        left: Images that `run_benchmark` left to other shards and hosts and that are
            not finished; 0 for runs of `read_run`.
    """

    def __init__(self, folder: str, stopped: str = "", left: int = 0) -> None:
        """Reads a folder; use `run_benchmark` or `read_run`."""
        self._folder = store.RunFolder(folder)
        self._run = runs.open_run(self._folder.path)
        self.folder: str = folder
        self.stopped: str = stopped
        self.left: int = left
        counts = {"ok": 0, "skipped": 0, "failed": 0}
        for result in self._run.results.values():
            for status, count in result.counts.items():
                counts[status] += count
        self.counts: Mapping[str, int] = counts

    def problems(self) -> list[tuple[str, str, str]]:
        """Returns object, status and reason of each object that is not `ok`."""
        return [
            (
                f"{image.dataset}/{instance.instance_id}",
                instance.status,
                instance.reason,
            )
            for image in records.read_all(self._folder)
            for instance in image.instances
            if instance.status != "ok"
        ]

    def clicks(self) -> "pd.DataFrame":
        """Returns a row for each click of each object that is `ok`.

        Columns: `dataset`, `image_id`, `instance_id`; `strategy`, `group` and `repeat`
        of the trajectory; `click`, from 1; `y`, `x` in pixels and `positive`; the areas
        `intersection` and `union` in pixels and their ratio `iou` after the click; the
        same areas of the boundary band.

        Raises:
            RClicksError: No object is `ok`, or a record is damaged.
        """
        return frames.of_clicks(self._folder)

    def objects(self) -> "pd.DataFrame":
        """Returns a row for each object that is `ok`, with each measure as a column.

        Columns: `dataset`, `image_id`, `instance_id`, `category`, `target_pixels`; then
        measures such as `base_noc` and `sample_noc` (clicks to 90 % IoU), `base_auc`,
        `sample_auc`, `delta_sb`, `delta_gr`, `nsr` (percent), as far as the run has
        played what they need; docs/glossary.md explains them.
        """
        return frames.of_objects(self._run)

    def tables(self) -> "dict[str, pd.DataFrame]":
        """Returns the tables of the run by name, `summary` first.

        A mean over objects has its 95 % interval in columns `..._low` and `..._high`,
        which are NaN below five images.
        """
        return frames.of_tables(self._run)

    def write_report(self) -> str:
        """Writes tables and a page into the run folder; returns the path of the page.

        Raises:
            RClicksError: The folder cannot be written.
        """
        outputs.write(self._folder)
        return str(self._folder.path / "report.html")


def run_benchmark(
    workdir: str | os.PathLike[str], **settings: Unpack[BenchmarkSettings]
) -> Run:
    """Benchmarks a segmenter under realistic clicks, or does what is left of it.

    The same call goes on after an interruption. The run is that of `rclicks-benchmark`
    with the same settings; tables and page are written by `Run.write_report`.

    Args:
        workdir: Folder of the run; one that holds another run is refused.
        **settings: Settings that differ from their defaults, as in docs/settings.md:
            `data`, `segmenter`, `click_model`, `groups`, `max_images` and others.

    Returns:
        The run. Failed objects raise nothing: see `Run.counts` and `Run.problems`.

    Raises:
        RClicksError: A setting is wrong, the run cannot start, or nothing works.

    Examples:
        >>> import rclicks_jax
        >>> run = rclicks_jax.run_benchmark(
        ...     "runs/example", data="sample", split="val", max_images=1, pictures=0,
        ...     segmenter="noisy", click_model="DT", groups=(10,),
        ... )
        >>> run.counts["ok"], run.counts["failed"]
        (6, 0)
        >>> objects = run.objects()
        >>> list(objects["image_id"].unique()), "sample_noc" in objects
        (['camera'], True)
    """
    arguments.check_text("workdir", workdir, "the path of a folder")
    config = dicts.from_config_dict(BenchmarkConfig, settings)
    preconditions.check(config)
    distributed.use_compilation_cache()
    folder = os.fspath(workdir)
    outcome = job.run(config, folder)
    return Run(folder, outcome.stopped, outcome.left)


def read_run(folder: str | os.PathLike[str]) -> Run:
    """Reads a run of a benchmark, finished or not.

    Args:
        folder: The run folder, of any release.

    Raises:
        RClicksError: It is no run of a benchmark, is of a later release, or has no
            finished image yet.

    Examples:
        >>> import rclicks_jax
        >>> clicks = rclicks_jax.read_run("runs/example").clicks()
        >>> sorted(set(clicks["strategy"])), int(clicks["click"].max())
        (['baseline', 'group'], 20)
    """
    arguments.check_text("folder", folder, "the path of a run folder")
    return Run(os.fspath(folder))
