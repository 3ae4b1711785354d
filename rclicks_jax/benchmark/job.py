"""The benchmark as a job: an image with all its objects is a unit of work."""

import contextlib
import dataclasses
import functools
import itertools
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
from etils import epath

from rclicks_jax.benchmark import host_processes, play, preconditions, questions
from rclicks_jax.benchmark.identity import BenchmarkIdentity
from rclicks_jax.benchmark.records import ImageRecord, read_all, to_record
from rclicks_jax.benchmark.setup import Setup, Strategies
from rclicks_jax.clicks import click_models, on_device, sampling
from rclicks_jax.data import packages, recorded_trajectories, specs
from rclicks_jax.jobs import engine, processes, records, scheduler, work_units
from rclicks_jax.jobs.store import RunFolder
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.segmenters import base, load
from rclicks_jax.settings import dicts, protocols
from rclicks_jax.settings.benchmark import BenchmarkConfig
from rclicks_jax.types import JsonObject

KIND = "benchmark"
# Objects in play even if they fill more than the passes of the click model.
_FEWEST = 4
# What the threads of the host do beside them keeps no more processes at work.
_MOST_PROCESSES = 8
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
    people = _people(config, datasets)
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
        job = Benchmark(config, setup, datasets, units, segmenter, click_model, people)
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
        on_device=on_device.is_at_hand(),
    )


class _People(NamedTuple):
    """People's trajectories that are replayed.

    Attributes:
        recorded: All of them.
        objects: The same by object.
    """

    recorded: recorded_trajectories.RecordedTrajectories
    objects: recorded_trajectories.Objects

    def described(self, units: Sequence[Unit]) -> JsonObject:
        """Returns what a run records of them, beside their checksum."""
        played = {(unit.dataset, name) for unit in units for name in unit.objects}
        by_object = self.objects.by_object
        others = [len(by_object[key]) for key in by_object if key not in played]
        return {
            "path": self.recorded.path,
            "source": self.recorded.source,
            "segmenter": self.recorded.segmenter,
            "trajectories": len(self.recorded.trajectories),
            "without_click": self.objects.without_click,
            "of_other_images": sum(others),
        }


def _people(
    config: BenchmarkConfig, datasets: Sequence[packages.Package]
) -> _People | None:
    """Returns the trajectories of `--config.trajectories`; None without any.

    Raises:
        DataError: The file cannot be read, or is not of this data.
    """
    if not config.trajectories:
        return None
    recorded = recorded_trajectories.read(config.trajectories)
    shapes = {
        package.dataset: {
            name: row.shape for row in package.rows for name in row.instance_ids
        }
        for package in datasets
    }
    return _People(recorded, recorded_trajectories.match(recorded, shapes))


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
        people: _People | None = None,
    ) -> None:
        """Takes what all images share."""
        self._replayed = people
        self.doing = f"Benchmarking {segmenter.name}"
        self._config = config
        self._setup = setup
        self._datasets = datasets
        self._units = units
        self._segmenter = segmenter
        self._click_model = click_model
        self._together = config.instances_per_batch or default_instances_per_batch()
        self._processes = config.host_processes
        if self._processes < 0:
            self._processes = default_host_processes()
        self._people = None
        batch = 0
        if click_model is not None:
            self._people = on_device.answers(
                click_model,
                cut=setup.protocol.group_cut,
                empty_map=setup.protocol.empty_map,
                on_device=setup.on_device,
            )
            batch = self._people.batch
        shared = segmenter if isinstance(segmenter, base.SharedSegmenter) else None
        self._objects_in_flight = config.objects_in_flight or default_objects_in_flight(
            batch,
            len(setup.groups) * setup.repeats,
            shared.batch * shared.lanes if shared else 0,
            len(setup.trajectory_keys()),
            self._processes,
        )
        if shared:
            # Further ones are read, and perhaps encoded, before there is room to play.
            shared.reserve(self._objects_in_flight + self._limits.most_reading)
        self._player = play.ImagePlayer(
            setup,
            segmenter,
            users=config.users,
            together=self._together,
            in_processes=self._processes > 0,
            recorded=people.objects.by_object if people else None,
        )

    @property
    def _limits(self) -> scheduler.Limits:
        return scheduler.Limits(
            places=self._objects_in_flight,
            bytes=processes.memory() // 4,
            roots=self._segmenter.most_images,
            threads=processes.cores() if self._segmenter.lanes else 0,
        )

    def identity(self) -> BenchmarkIdentity:
        """Returns all that can change a number."""
        config = self._config
        precision = config.click_model_precision
        return dicts.made_of(
            BenchmarkIdentity,
            config,
            protocol=self._setup.protocol,
            strategies=dicts.made_of(
                Strategies,
                config,
                trajectories=self._replayed.recorded.checksum if self._replayed else "",
            ),
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
                "segmenter": getattr(self._segmenter, "batch", None),
            },
            "data_notes": packages.notes(self._datasets),
            "job": {
                "segmenter_versions": self._segmenter.versions,
                "host_processes": self._processes,
                "trajectories": self._replayed.described(self._units)
                if self._replayed
                else {},
            },
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
        self, units: engine.Units, folder: RunFolder, advance: engine.Advance
    ) -> Generator[records.Record]:
        """Plays objects of many images at a time; yields a record as an image ends.

        Which images are together, and in which order they end, changes no record. If
        the run is asked to stop, images in play are left.
        """
        pictured = {
            unit.key for unit in _first_of_each(self._units, self._config.pictures)
        }

        def image(unit: Unit) -> scheduler.Coroutine[ImageRecord]:
            of_report = folder if unit.key in pictured else None
            advanced = functools.partial(advance, unit)
            return self._player.play(unit, of_report, advanced, units.meter)

        segmenter = self._segmenter
        answerers = questions.segmenter_answerers(segmenter)
        if self._people is not None:
            answerers.append(scheduler.of_device(questions.CLICK_MODEL, self._people))
        player = self._player
        with contextlib.ExitStack() as stack:
            if self._processes:
                started = host_processes.HostProcesses(self._processes)
                answerers.append(
                    questions.process_answerer(stack.enter_context(started))
                )
            played = scheduler.run(
                map(image, units),
                answerers,
                self._limits,
                units.meter,
                is_stopped=lambda: units.stopped,
                abort=segmenter.abort,
            )
            # Before the processes end, nothing asks them any more.
            stack.enter_context(contextlib.closing(played))
            for record in played:
                encoded, encodes = player.encoded, segmenter.encodes
                assert encoded <= encodes <= player.asked, "an image is encoded once"
                yield to_record(record)


def _first_of_each(units: Iterable[Unit], count: int) -> Iterator[Unit]:
    """Yields so many units of each dataset; units of one follow each other."""
    for _, of_dataset in itertools.groupby(units, lambda unit: unit.dataset):
        yield from itertools.islice(of_dataset, count)


def default_objects_in_flight(
    batch: int, maps: int, rows: int = 0, trajectories: int = 1, processes: int = 0
) -> int:
    """Returns how many objects are played at a time.

    Three passes of the click model: one on the device, one that the host and the
    segmenter work on, and one to choose from. Or as many of the segmenter, or as keep
    all processes at work, if those are more objects.

    Args:
        batch: Queries of a pass of the click model; 0 if there are no passes.
        maps: Click maps that an object asks for in a round.
        rows: Trajectories of a pass of the segmenter, on all its lanes together; 0 if
            it has no passes.
        trajectories: Trajectories of an object.
        processes: Processes that search regions, each of one object at a time.
    """
    of_click_model = -(-batch // max(1, maps))
    of_segmenter = -(-rows // max(1, trajectories))
    return max(_FEWEST, 3 * max(of_click_model, of_segmenter), 2 * processes)


def default_host_processes() -> int:
    """Returns how many processes search regions: none on a CPU.

    There, cores that wait for nothing have other work: networks, or further threads.
    """
    if jax.default_backend() == "cpu":
        return 0
    return min(_MOST_PROCESSES, max(0, processes.cores() * 3 // 4 - 1))


def default_instances_per_batch() -> int:
    """Returns how many objects advance together: on CPU larger batches gain nothing."""
    return 1 if jax.default_backend() == "cpu" else 8
