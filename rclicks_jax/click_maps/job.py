"""The job that writes click maps for every object of datasets."""

import dataclasses
import functools
import sys
from collections.abc import Generator, Mapping, Sequence

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.click_maps import files, preconditions, queries
from rclicks_jax.click_maps.identity import ClickMapsIdentity
from rclicks_jax.clicks import click_models, on_device, sampling, simulate
from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import (
    engine,
    meter,
    processes,
    records,
    scheduler,
    store,
    work_units,
)
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.networks import infer
from rclicks_jax.settings import protocols
from rclicks_jax.settings.click_maps import ClickMapsConfig
from rclicks_jax.types import JsonObject, json_part

KIND = "click_maps"
# The click model in questions and reports.
_CLICK_MODEL = "click model"
# Objects under way: as many as fill so many passes, but never fewer than these.
_PASSES, _FEWEST = 3, 10
# Memory of an object under way, bytes for each pixel of its image: photograph, mask,
# map, levels, and what is drawn; a map of an accelerator comes in its static shape.
_BYTES = 32
# Number of objects on which the error of bfloat16 is measured.
_MEASURED = 10


def run(config: ClickMapsConfig, out: epath.PathLike) -> engine.Outcome:
    """Writes click maps; a run that was stopped goes on.

    Args:
        config: The settings.
        out: The run folder.

    Raises:
        RClicksError: The run cannot start or write, or nothing works: the first images
            all failed in the same way. A single bad image never raises.
    """
    preconditions.check(config)
    model = click_models.load(
        config.model,
        batch=config.batch,
        devices=config.devices,
        precision=config.precision,
    )
    open_package = packages.open_clicks if config.tasks else packages.open_instances
    parsed = specs.parse(config.data, config.max_side)
    datasets = [open_package(spec) for spec in parsed]
    units = work_units.of_packages(
        datasets, split=config.split, max_images=config.max_images
    )
    folder = store.RunFolder(out)
    error = None
    if not folder.exists():
        read = functools.partial(queries.problems, tasks=config.tasks)
        work_units.require_usable(units, read, config.data)
        error = _precision_error(model, units, config.tasks)
    job = ClickMaps(config, datasets, model, error)
    limits = engine.Limits(config.shard, config.max_failed, "--max_failed")
    return engine.run(job, units, out, limits)


class ClickMaps(engine.Job):
    """The job: maps of where people would click on the objects of datasets."""

    kind = KIND
    title = "Click maps"
    doing = "Writing click maps"
    mendable = ("model",)
    memory_advice = queries.MEMORY_ADVICE

    def __init__(
        self,
        config: ClickMapsConfig,
        datasets: Sequence[packages.Package],
        model: click_models.ClickModel,
        precision_error: dict[str, object] | None,
    ) -> None:
        """Takes what all images share.

        Args:
            config: The settings.
            datasets: The packages of the datasets.
            model: The click model.
            precision_error: Measured error of the model's precision; None if there is
                none to report.
        """
        self.unit = self.step = "click task" if config.tasks else "image"
        self._config = config
        self._datasets = datasets
        self._rules = protocols.protocol(config.protocol)
        self._model = model
        self._precision_error = precision_error

    def identity(self) -> ClickMapsIdentity:
        """Returns all values that can change a file of the run."""
        config = self._config
        return ClickMapsIdentity(
            model=click_models.describe(config.model, config.precision),
            protocol=self._rules,
            seed=config.seed,
            samples=config.samples,
            groups=config.groups,
            drawings=config.drawings,
            tasks=config.tasks,
            split=config.split,
            data={package.dataset: package.checksum for package in self._datasets},
            max_side=config.max_side,
            click_draws=sampling.METHOD if config.samples else "",
        )

    def provenance(self) -> JsonObject:
        """Returns the batch, the network's card, and the error of its precision."""
        card = {}
        if isinstance(self._model, infer.ClickabilityModel):
            card = dataclasses.asdict(self._model.card)
        return {
            "batches": {"click_maps": getattr(self._model, "batch", None)},
            "data_notes": packages.notes(self._datasets),
            "job": {"card": card, "precision_error": self._precision_error},
        }

    def facts(self) -> Mapping[str, str]:
        """Returns the names of click model and protocol."""
        name = click_models.title(self._config.model)
        return {"click model": name, "protocol": self._config.protocol}

    def begun(self, folder: store.RunFolder) -> None:
        """Prints how far the precision of the network changes click maps."""
        error = json_part(json_part(folder.info().provenance, "job"), "precision_error")
        if not error:
            return
        message = error.get("problem") or (
            "click maps, which lie in [0, 1], differ from those in float32 by "
            f"{error['mean']:.2g} on average and {error['largest']:.2g} at most "
            f"({error['maps']} objects)."
        )
        print(f"{self.identity().model['precision']}: {message}", file=sys.stderr)

    def work(
        self, units: engine.Units, folder: store.RunFolder, advance: engine.Advance
    ) -> Generator[records.Record]:
        """Works on objects of many images at a time; yields a record as an image ends.

        If the run is asked to stop, images under way are left.
        """
        stages = on_device.map_stages(self._model, on_device=on_device.is_at_hand())
        yield from scheduler.run(
            (self._image(unit, folder, units.meter) for unit in units),
            [scheduler.of_device(_CLICK_MODEL, stages)],
            scheduler.Limits(
                places=max(_FEWEST, _PASSES * stages.batch),
                bytes=processes.memory() // 4,
                threads=processes.cores(),
            ),
            units.meter,
            is_stopped=lambda: units.stopped,
        )

    def finish(self, folder: store.RunFolder, stopped: str) -> None:
        """Writes the tables of all records."""
        if not stopped:
            files.write_tables(folder)

    def _image(
        self, unit: Unit, folder: store.RunFolder, noted: meter.Meter
    ) -> scheduler.Coroutine[records.Record]:
        """Writes the files of all objects of an image; returns its record.

        Raises:
            RunFolderError: A file cannot be written.
            DeviceError: A device is lost.
        """
        with noted.part("decode"):
            image = queries.read(unit, self._config.tasks)
        count = len(image.targets)
        objects = [
            scheduler.Child(
                self._object(folder, image, number), bytes=_BYTES * image.pixels
            )
            for number in range(count)
        ]
        rows: list[dict[str, object] | Exception] = []
        if objects:
            rows = yield scheduler.Children(objects)
        done = image.rejected
        for row in rows:
            if isinstance(row, Exception):
                raise row
            done.append(row)
        return records.Record(unit.dataset, unit.name, tuple(done), asked=count > 0)

    def _object(
        self, folder: store.RunFolder, image: queries.Image, number: int
    ) -> scheduler.Coroutine[dict[str, object]]:
        """Writes the files of an object; returns its row."""
        # Its mask is decoded here.
        target = image.targets[number]
        try:
            question = scheduler.Question(_CLICK_MODEL, [target.query], _CLICK_MODEL)
            (click_map,) = yield question
            return self._write_files(folder, target, click_map)
        except (errors.RunFolderError, errors.DeviceError):
            raise
        except Exception as error:
            return target.row("failed", queries.why(error))

    def _write_files(
        self, folder: store.RunFolder, target: queries.Target, click_map: np.ndarray
    ) -> dict[str, object]:
        if click_models.is_blank(click_map):
            raise errors.DataError("the click map is zero everywhere")
        config, region = self._config, target.query.error_mask
        levels = simulate.drawable_levels(click_map, region, self._rules)
        clicks = {
            group: simulate.draw(
                levels,
                region,
                group,
                config.samples,
                seed=config.seed,
                name=f"{target.dataset}/{target.instance_id}",
                protocol=self._rules,
            )
            for group in config.groups
        }
        return files.write_object(folder, target, levels, clicks, draw=config.drawings)


def _precision_error(
    model: click_models.ClickModel, units: Sequence[Unit], tasks: bool
) -> dict[str, object] | None:
    """Measures the error of bfloat16 on the first objects, in the units of maps.

    A failure here does not stop the run.
    """
    if not isinstance(model, infer.ClickabilityModel):
        return None
    if model.precision == infer.FLOAT32:
        return None
    try:
        first = queries.first_queries(units, tasks, _MEASURED)
        return dataclasses.asdict(model.precision_error(first))
    except Exception as error:
        return {"problem": f"not compared with float32: {queries.why(error)}"}
