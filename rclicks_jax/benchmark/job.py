"""The benchmark as a job: an image with all its objects is a unit of work."""

import dataclasses
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures

import jax
from etils import epath

from rclicks_jax.benchmark import play, preconditions
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.benchmark.records import read_all, to_record
from rclicks_jax.benchmark.setup import Setup, Strategies
from rclicks_jax.clicks import click_models, sampling
from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import engine, records, work_units
from rclicks_jax.jobs.store import RunFolder
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.segmenters import base, load
from rclicks_jax.settings import dicts, protocols
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.types import JsonObject

KIND = "benchmark"
_NO_CLICKS = (
    "warning: --config.users had no effect: no object of the run that was played has "
    "real clicks (clicks.csv; docs/add_a_dataset.md)."
)


def run(config: BenchmarkConfig, workdir: epath.PathLike) -> engine.Outcome:
    """Runs a benchmark, or what is left of it.

    To resume is to call this again: finished images are kept, failed ones are tried
    again, and a folder that holds another run is refused.

    Args:
        config: What to run.
        workdir: The run folder.

    Raises:
        RClicksError: It cannot start, or nothing works: the first images all failed in
            the same way. A single bad object or image never raises.
    """
    preconditions.check_strategies(config)
    datasets = [
        packages.open_instances(spec)
        for spec in specs.parse(config.data, config.max_side)
    ]
    units = work_units.of_packages(
        datasets, split=config.split, max_images=config.max_images
    )
    if not RunFolder(workdir).exists():
        work_units.require_usable(units, _problems, config.data)
    setup = _setup(config)
    together = config.instances_per_batch or default_instances_per_batch()
    trajectories = together * len(setup.trajectory_keys())
    segmenter = load.load(config.segmenter, trajectories, setup.protocol)
    try:
        click_model = None
        if config.groups:
            click_model = click_models.load(
                config.click_model,
                batch=config.click_model_batch,
                devices=config.devices,
                precision=config.click_model_precision,
            )
        job = Benchmark(config, setup, datasets, units, segmenter, click_model)
        limits = engine.Limits(config.shard, config.max_failed)
        return engine.run(job, units, workdir, limits)
    finally:
        segmenter.close()


def _setup(config: BenchmarkConfig) -> Setup:
    named = protocols.protocol(config.protocol)
    return dicts.made_of(
        Setup,
        config,
        protocol=dataclasses.replace(named, stop_at=config.stop_at),
        on_device=jax.default_backend() != "cpu",
    )


def _problems(unit: Unit) -> Iterator[str]:
    """Yields why objects of an image cannot be used; empty for those that can."""
    example = unit.source.read()
    if len(example.instances):
        yield ""
    yield from (reason for _, reason in example.problems)


class Benchmark(engine.Job):
    """A segmenter under realistic clicks."""

    kind = KIND
    title = "Benchmark"
    step = "click"
    mendable = ("segmenter", "click_model")
    memory_advice = play.MEMORY_ADVICE

    def __init__(
        self,
        config: BenchmarkConfig,
        setup: Setup,
        datasets: Sequence[packages.Package],
        units: Sequence[Unit],
        segmenter: base.Segmenter,
        click_model: click_models.ClickModel | None,
    ) -> None:
        """Takes what all images share."""
        self.doing = f"Benchmarking {segmenter.name}"
        self._config = config
        self._setup = setup
        self._datasets = datasets
        self._units = units
        self._segmenter = segmenter
        self._click_model = click_model
        self._together = config.instances_per_batch or default_instances_per_batch()
        self._player = play.ImagePlayer(
            setup,
            segmenter,
            click_model,
            users=config.users,
            together=self._together,
        )

    def identity(self) -> BenchmarkIdentity:
        """Returns all that can change a number."""
        config = self._config
        precision = config.click_model_precision
        return dicts.made_of(
            BenchmarkIdentity,
            config,
            protocol=self._setup.protocol,
            strategies=dicts.made_of(Strategies, config),
            segmenter=self._segmenter.description,
            click_model=click_models.describe(config.click_model, precision)
            if config.groups
            else {},
            data={package.dataset: package.checksum for package in self._datasets},
            click_draws=sampling.METHOD if config.groups or config.robots else "",
        )

    def provenance(self) -> JsonObject:
        """Returns settings, batches, and what was noted of data and segmenter."""
        return {
            "config": dataclasses.asdict(self._config),
            "batches": {
                "instances": self._together,
                "trajectories": self._together * len(self._setup.trajectory_keys()),
                "click_maps": getattr(self._click_model, "batch", None),
            },
            "data_notes": packages.notes(self._datasets),
            "job": {"segmenter_versions": self._segmenter.versions},
        }

    def facts(self) -> Mapping[str, str]:
        """Returns segmenter, protocol and click model."""
        config = self._config
        facts = {"segmenter": config.segmenter, "protocol": self._setup.protocol.name}
        if config.groups:
            facts["click model"] = click_models.title(config.click_model)
        return facts

    def steps(self, unit: Unit) -> int:
        """Returns how many clicks an image has at most."""
        # An image whose objects are not known yet counts as having one.
        objects = len(unit.objects) or 1
        trajectories = len(self._setup.trajectory_keys())
        return objects * trajectories * self._setup.protocol.max_clicks

    def finish(self, folder: RunFolder, stopped: str) -> None:
        """Says so if real clicks were wanted and there are none."""
        if not self._config.users:
            return
        instances = (each for image in read_all(folder) for each in image.instances)
        if not any(instance.input_device for instance in instances):
            print(_NO_CLICKS, file=sys.stderr)

    def work(
        self, units: Iterable[Unit], folder: RunFolder, advance: engine.Advance
    ) -> Iterator[records.Record]:
        """Works on as many images at a time as the segmenter can; yields what is done.

        Which images are together, and in which order they end, changes no record.
        """
        pictured = {
            unit.key for unit in _first_of_each(self._units, self._config.pictures)
        }

        def image(unit: Unit) -> records.Record:
            of_report = folder if unit.key in pictured else None
            advanced = functools.partial(advance, unit)
            return to_record(self._player.play(unit, of_report, advanced))

        for finished, record in enumerate(self._images(image, units), 1):
            encodes = self._segmenter.encodes
            most = finished + self._segmenter.parallel - 1
            assert encodes <= most, "an image is encoded once, whatever is played on it"
            yield record

    def _images(
        self, image: Callable[[Unit], records.Record], units: Iterable[Unit]
    ) -> Iterator[records.Record]:
        if self._segmenter.parallel == 1:
            yield from map(image, units)
            return
        units = iter(units)
        with (
            futures.ThreadPoolExecutor(self._segmenter.parallel) as pool,
            base.aborted_on_error(self._segmenter),
        ):
            pending: set[futures.Future[records.Record]] = set()
            while True:
                room = self._segmenter.parallel - len(pending)
                started = itertools.islice(units, room)
                pending |= {pool.submit(image, unit) for unit in started}
                if not pending:
                    return
                done, pending = futures.wait(
                    pending, return_when=futures.FIRST_COMPLETED
                )
                yield from (future.result() for future in done)


def _first_of_each(units: Iterable[Unit], count: int) -> Iterator[Unit]:
    """Yields so many units of each dataset; units of one follow each other."""
    for _, of_dataset in itertools.groupby(units, lambda unit: unit.dataset):
        yield from itertools.islice(of_dataset, count)


def default_instances_per_batch() -> int:
    """Returns how many objects advance together: on CPU larger batches gain nothing."""
    return 1 if jax.default_backend() == "cpu" else 8
