"""Click maps of every object of some datasets: files, drawings and sampled clicks."""

import concurrent.futures
import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import tqdm
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
from rclicks_jax.clicks import click_models, groups, simulate
from rclicks_jax.config import ClickMapsConfig
from rclicks_jax.data import packages, specs
from rclicks_jax.models import infer
from rclicks_jax.runs import click_map_files as files
from rclicks_jax.runs import click_map_queries as queries
from rclicks_jax.runs import environment, plan, records, store

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
        RClicksError: It cannot start or write; a single bad image never raises.
    """
    _check(config)
    asked = specs.parse(config.data)
    spec = config.model
    model = click_models.load(spec, batch=config.batch, precision=config.precision)
    opened = packages.open_clicks if config.tasks else packages.open_instances
    datasets = [opened(each) for each in asked]
    planned = plan.units(
        datasets, split=config.split, max_images=config.max_images, pictures=0
    )
    folder = store.RunFolder(out)
    _begin(folder, _hashed(config, spec, datasets), model, planned, config.tasks)
    stopped = _Writer(config, model, folder).work(planned)
    if not stopped:
        hosts.barrier("click maps")
        if hosts.is_first():
            files.write_tables(folder)
    return Outcome(files.count(folder), files.problems(folder), stopped)


def _check(config: ClickMapsConfig) -> None:
    allowed = {*range(groups.GROUP_COUNT + 1)}
    if not {*config.groups} <= allowed or len({*config.groups}) < len(config.groups):
        raise errors.BadValueError(
            "--groups",
            ",".join(map(str, config.groups)),
            "numbers 1 to 10, or 0 for the whole map, each once",
        )
    for name in ("samples", "batch", "max_images"):
        given = getattr(config, name)
        if given < 0:
            raise errors.BadValueError(f"--{name}", given, "0 or more")


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
    }


def _begin(
    folder: store.RunFolder,
    hashed: dict[str, Any],
    model: click_models.ClickModel,
    planned: Sequence[plan.Unit],
    tasks: bool,
) -> None:
    """Starts the folder, or makes sure that it holds this run; reports precision."""
    noted = {"command": sys.argv, "card": {}, "precision_error": None}
    if isinstance(model, infer.ClickabilityModel):
        noted["card"] = dataclasses.asdict(model.card)
        if model.precision != infer.FLOAT32 and not folder.exists():
            noted["precision_error"] = _precision_error(model, planned, tasks)
    folder.begin(hashed, {**noted, **environment.describe()})
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
    """Measures on the first objects, or says why it cannot, which ends no run."""
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
            RClicksError: The device has too little memory for the batch.
        """
        mine = [unit for unit in planned if hosts.owns(queries.key_of(unit))]
        left = [
            unit
            for unit in mine
            if not files.is_finished(self._folder, unit.package.dataset, unit.row.name)
        ]
        bar = tqdm.tqdm(
            total=len(mine),
            initial=len(mine) - len(left),
            desc="Writing click maps",
            unit="task" if self._config.tasks else "image",
            disable=not hosts.is_first(),
        )
        # Encoding and writing leave Python's lock to each other.
        pool = concurrent.futures.ThreadPoolExecutor()
        with hosts.stop_on_signal() as stop, pool, bar:
            for together in queries.gather(left, self._config.tasks, self._batch):
                self._write(together, pool)
                bar.update(len(together))
                if stop:
                    break
        return stop.reason

    def _write(
        self, together: Sequence[queries.Image], pool: concurrent.futures.Executor
    ) -> None:
        """Writes the objects of some images, a batch at a time, then their records."""
        owners = [image for image in together for _ in image.asked]
        asked = [one for image in together for one in image.asked]
        for first in range(0, len(asked), self._batch):
            piece = asked[first : first + self._batch]
            asked_of_model = [one.query for one in piece]
            made = queries.made(self._model, asked_of_model, queries.why)
            written = pool.map(self._object, piece, made)
            for image, described in zip(owners[first:], written, strict=False):
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
        if not np.isfinite(click_map).all():
            raise errors.DataError("the click model gave values that are no numbers")
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
