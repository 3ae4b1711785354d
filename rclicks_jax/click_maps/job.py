"""Click maps of every object of some datasets, as a job."""

import concurrent.futures
import dataclasses
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.click_maps import files, preconditions, queries
from rclicks_jax.click_maps.identity import ClickMapsIdentity
from rclicks_jax.clicks import click_models, simulate
from rclicks_jax.data import packages, specs
from rclicks_jax.jobs import engine, records, store, work_units
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.networks import infer
from rclicks_jax.settings import protocols
from rclicks_jax.settings.click_maps import ClickMapsConfig

KIND = "click_maps"
# Objects worked on together where the click model does not say.
_TOGETHER = 10
# Objects on which the error of bfloat16 is measured.
_MEASURED = 10


def run(config: ClickMapsConfig, out: epath.PathLike) -> engine.Outcome:
    """Writes click maps, or what is left of them.

    Args:
        config: Of what, and how.
        out: The folder.

    Raises:
        RClicksError: It cannot start or write, or nothing works: the first images all
            failed in the same way. A single bad image never raises.
    """
    preconditions.check(config)
    model = click_models.load(
        config.model, batch=config.batch, precision=config.precision
    )
    opened = packages.open_clicks if config.tasks else packages.open_instances
    datasets = [opened(spec) for spec in specs.parse(config.data, config.max_side)]
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
    """Where people would click on the objects of datasets."""

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
        precision_error: dict[str, Any] | None,
    ) -> None:
        """Takes what all images share."""
        self.unit = self.step = "click task" if config.tasks else "image"
        self._config = config
        self._datasets = datasets
        self._rules = protocols.protocol(config.protocol)
        self._model = model
        self._precision_error = precision_error
        self._batch: int = getattr(model, "batch", _TOGETHER)

    def identity(self) -> ClickMapsIdentity:
        """Returns all that can change what is written of an image."""
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
        )

    def provenance(self) -> Mapping[str, Any]:
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
        """Returns click model and protocol."""
        name = click_models.title(self._config.model)
        return {"click model": name, "protocol": self._config.protocol}

    def begun(self, folder: store.RunFolder) -> None:
        """Says how far the precision moves click maps."""
        found = folder.info().provenance["job"].get("precision_error")
        if not found:
            return
        told = found.get("problem") or (
            "click maps, which lie in [0, 1], differ from those in float32 by "
            f"{found['mean']:.2g} on average and {found['largest']:.2g} at most "
            f"({found['maps']} objects)."
        )
        precision = folder.info().identity["model"]["precision"]
        print(f"{precision}: {told}", file=sys.stderr)

    def work(
        self, units: Iterable[Unit], folder: store.RunFolder, advance: engine.Advance
    ) -> Iterator[records.Record]:
        """Works on as many images at a time as fill a batch of the click model."""
        # Encoding and writing leave Python's lock to each other.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for together in queries.gather(units, self._config.tasks, self._batch):
                yield from self._written(together, folder, pool)

    def finish(self, folder: store.RunFolder, stopped: str) -> None:
        """Writes what is made of all records."""
        if not stopped:
            files.write_tables(folder)

    def _written(
        self,
        together: Sequence[queries.Image],
        folder: store.RunFolder,
        pool: concurrent.futures.Executor,
    ) -> Iterator[records.Record]:
        """Writes the objects of some images, a batch at a time; yields records."""
        places = [
            (image, number) for image in together for number in range(len(image.asked))
        ]
        write = functools.partial(self._object, folder)
        for first in range(0, len(places), self._batch):
            owners = places[first : first + self._batch]
            piece = [image.asked[number] for image, number in owners]
            asked_of_model = [one.query for one in piece]
            made = click_models.maps_or_reasons(
                self._model, asked_of_model, queries.why
            )
            rows = pool.map(write, piece, made)
            for (image, _), row in zip(owners, rows, strict=True):
                image.done.append(row)
        for image in together:
            yield records.Record(
                image.unit.dataset,
                image.unit.name,
                tuple(image.done),
                asked=bool(image.asked),
            )

    def _object(
        self, folder: store.RunFolder, asked: queries.Asked, made: np.ndarray | str
    ) -> dict[str, Any]:
        """Draws clicks and writes the files of an object; returns its row."""
        if isinstance(made, str):
            return asked.row("failed", made)
        try:
            return self._drawn(folder, asked, made)
        except errors.RunFolderError:
            raise
        except Exception as error:
            return asked.row("failed", queries.why(error))

    def _drawn(
        self, folder: store.RunFolder, asked: queries.Asked, click_map: np.ndarray
    ) -> dict[str, Any]:
        if click_models.is_blank(click_map):
            raise errors.DataError("the click map is zero everywhere")
        config, region = self._config, asked.query.error_mask
        levels = simulate.drawable_levels(click_map, region, self._rules)
        clicks = {
            group: simulate.draw(
                levels,
                region,
                group,
                config.samples,
                seed=config.seed,
                name=f"{asked.dataset}/{asked.instance_id}",
                protocol=self._rules,
            )
            for group in config.groups
        }
        return files.write_object(folder, asked, levels, clicks, drawn=config.drawings)


def _precision_error(
    model: click_models.ClickModel, units: Sequence[Unit], tasks: bool
) -> dict[str, Any] | None:
    """Measures on the first objects; a failure here does not stop the run."""
    if not isinstance(model, infer.ClickabilityModel):
        return None
    if model.precision == infer.FLOAT32:
        return None
    try:
        first = queries.first_queries(units, tasks, _MEASURED)
        return dataclasses.asdict(model.precision_error(first))
    except Exception as error:
        return {"problem": f"not compared with float32: {queries.why(error)}"}
