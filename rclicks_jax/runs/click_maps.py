"""Click maps of every object of some datasets: files, drawings and sampled clicks."""

import concurrent.futures
import dataclasses
import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
from rclicks_jax.clicks import click_models, simulate
from rclicks_jax.config import ClickMapsConfig
from rclicks_jax.data import packages, specs
from rclicks_jax.models import infer
from rclicks_jax.runs import attempts, environment, plan, progress, records, store
from rclicks_jax.runs import click_map_files as files
from rclicks_jax.runs import click_map_queries as queries

# Objects worked on together where the click model does not say.
_TOGETHER = 10
# Objects on which the error of bfloat16 is measured.
_MEASURED = 10


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        counts: Objects by status, earlier runs included.
        problems: A line on each object that is not ok.
        stopped: Name of the signal that ended it early; empty if it is complete.
    """

    counts: dict[str, int]
    problems: list[str]
    stopped: str

    def failed_share(self) -> float:
        """Returns the share of objects that failed."""
        return records.failed_share(self.counts)


def run(config: ClickMapsConfig, out: epath.PathLike) -> Outcome:
    """Writes click maps, or what is left of them.

    Args:
        config: Of what, and how.
        out: The folder.

    Raises:
        RClicksError: It cannot start or write, or nothing works: the first images all
            failed in the same way. A single bad image never raises.
    """
    spec = config.model
    parsed = functools.partial(specs.parse, config.data, config.max_side)
    errors.check_all([parsed, lambda: click_models.check(spec)])
    asked = parsed()
    model = click_models.load(spec, batch=config.batch, precision=config.precision)
    opened = packages.open_clicks if config.tasks else packages.open_instances
    datasets = [opened(each) for each in asked]
    planned = plan.units(
        datasets, split=config.split, max_images=config.max_images, pictures=0
    )
    folder = store.RunFolder(out)
    if not folder.exists():
        read = functools.partial(queries.problems, tasks=config.tasks)
        plan.require_usable(planned, read, config.data)
    _begin(folder, _hashed(config, spec, datasets), model, planned, config.tasks)
    facts = {"click model": click_models.title(spec), "protocol": config.protocol}
    progress.say_start("Click maps", planned, facts, _unit(config))
    stopped = _Writer(config, model, folder).work(planned)
    if not stopped:
        hosts.barrier("click maps")
        if hosts.is_first():
            files.write_tables(folder)
    progress.say_failures(
        one["reason"] for one in files.read_objects(folder) if one["status"] == "failed"
    )
    return Outcome(files.count(folder), files.problems(folder), stopped)


def _unit(config: ClickMapsConfig) -> str:
    return "click task" if config.tasks else "image"


def _hashed(
    config: ClickMapsConfig, spec: str, datasets: Sequence[packages.Package]
) -> dict[str, Any]:
    """Returns all that can change what is written of an image."""
    return {
        "kind": "click maps",
        "model": click_models.describe(spec, config.precision),
        "protocol": dataclasses.asdict(config_lib.protocol(config.protocol)),
        "seed": config.seed,
        "samples": config.samples,
        "groups": list(config.groups),
        "drawings": config.drawings,
        "tasks": config.tasks,
        "split": config.split,
        "data": {package.dataset: package.checksum for package in datasets},
        **({"max_side": config.max_side} if config.max_side else {}),
    }


def _begin(
    folder: store.RunFolder,
    hashed: dict[str, Any],
    model: click_models.ClickModel,
    planned: Sequence[plan.Unit],
    tasks: bool,
) -> None:
    """Starts the folder, or makes sure that it holds this run; reports precision."""
    noted = {
        "command": sys.argv,
        "card": {},
        "precision_error": None,
        "batches": {"click_maps": getattr(model, "batch", None)},
    }
    if isinstance(model, infer.ClickabilityModel):
        noted["card"] = dataclasses.asdict(model.card)
        if model.precision != infer.FLOAT32 and not folder.exists():
            noted["precision_error"] = _precision_error(model, planned, tasks)
    folder.begin(
        hashed,
        {**noted, **environment.describe()},
        mendable=("model",),
        has_results=functools.partial(files.has_results, folder),
    )
    attempts.note(folder)
    found = folder.info()["noted"]["precision_error"]
    if not found or not hosts.is_first():
        return
    told = found.get("problem") or (
        "click maps, which lie in [0, 1], differ from those in float32 by "
        f"{found['mean']:.2g} on average and {found['largest']:.2g} at most "
        f"({found['maps']} objects)."
    )
    print(f"{hashed['model']['precision']}: {told}", file=sys.stderr)


def _precision_error(
    model: infer.ClickabilityModel, planned: Sequence[plan.Unit], tasks: bool
) -> dict[str, Any]:
    """Measures on the first objects; a failure here does not stop the run."""
    try:
        first = queries.first_queries(planned, tasks, _MEASURED)
        return dataclasses.asdict(model.precision_error(first))
    except Exception as error:
        return {"problem": f"not compared with float32: {queries.why(error)}"}


class _Writer:
    """Writes the click maps of images, and never stops because of one of them."""

    def __init__(
        self,
        config: ClickMapsConfig,
        model: click_models.ClickModel,
        folder: store.RunFolder,
    ) -> None:
        """Takes what all images share."""
        self._config = config
        self._rules = config_lib.protocol(config.protocol)
        self._model = model
        self._batch: int = getattr(model, "batch", _TOGETHER)
        self._folder = folder

    def work(self, planned: Sequence[plan.Unit]) -> str:
        """Works on what is left; returns the name of the signal that ended it, if any.

        Raises:
            RunFolderError: A file cannot be written.
            RClicksError: Nothing works: the first images all failed in the same way.
        """
        mine = [unit for unit in planned if hosts.owns(plan.key_of(unit))]
        left = plan.unfinished(mine, functools.partial(files.is_finished, self._folder))
        # Encoding and writing leave Python's lock to each other.
        pool = concurrent.futures.ThreadPoolExecutor()
        unit = _unit(self._config)
        bar = progress.Bar("Writing click maps", unit, len(mine), len(mine) - len(left))
        first = progress.FirstFailures(self._config.max_failed)
        with hosts.stop_on_signal() as stop, pool, bar:
            for together in queries.gather(left, self._config.tasks, self._batch):
                self._write(together, pool)
                bar.advance(len(together))
                for image in together:
                    self._check_first(first, image)
                if stop:
                    break
        return stop.reason

    def _check_first(self, first: progress.FirstFailures, image: queries.Image) -> None:
        """Ends a run of which nothing works."""
        failed = [one["reason"] for one in image.done if one["status"] == "failed"]
        some_ok = any(one["status"] == "ok" for one in image.done)
        too_many = first.add(failed * bool(image.asked), some_ok)
        if too_many and not files.has_results(self._folder):
            raise progress.stop_of(failed[0], _unit(self._config), "--max_failed")

    def _write(
        self, together: Sequence[queries.Image], pool: concurrent.futures.Executor
    ) -> None:
        """Writes the objects of some images, a batch at a time, then their records."""
        places = [
            (image, number) for image in together for number in range(len(image.asked))
        ]
        for first in range(0, len(places), self._batch):
            owners = places[first : first + self._batch]
            piece = [image.asked[number] for image, number in owners]
            asked_of_model = [one.query for one in piece]
            made = queries.made(self._model, asked_of_model, queries.why)
            written = pool.map(self._object, piece, made)
            for (image, _), described in zip(owners, written, strict=True):
                image.done.append(described)
        for image in together:
            dataset, name = image.unit.package.dataset, image.unit.row.name
            files.write_record(self._folder, dataset, name, image.done)

    def _object(self, asked: queries.Asked, made: np.ndarray | str) -> dict[str, Any]:
        """Draws clicks and writes the files of an object; returns what is recorded."""
        if isinstance(made, str):
            return asked.described("failed", made)
        try:
            return self._drawn(asked, made)
        except errors.RunFolderError:
            raise
        except Exception as error:
            return asked.described("failed", queries.why(error))

    def _drawn(self, asked: queries.Asked, click_map: np.ndarray) -> dict[str, Any]:
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
        return files.write_object(
            self._folder, asked, levels, clicks, drawn=config.drawings
        )
