"""Click models on the tasks of a study; JAX is imported only for a network."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.clicks import region_maps, specs
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import private_files, regions
from rclicks_jax.data import raw
from rclicks_jax.ops import images
from rclicks_jax.types import ClickQuery, JsonObject


class Model(NamedTuple):
    """A click model.

    Attributes:
        described: What identifies it, as an evaluation records it.
        map_of: Returns its click map of a query, non-negative, `f32[h w]`.
    """

    described: JsonObject
    map_of: Callable[[ClickQuery], np.ndarray]


def load(named: Iterable[str]) -> dict[str, Model]:
    """Loads click models; returns them by their names in tables.

    Args:
        named: UD, DT, model folders and others, as `--click_model` takes them.

    Raises:
        UnknownNameError: There is no such click model.
        DataError: There is no such folder, or it is a folder of something else.
        BadValueError: One comes twice, or an option is not allowed.
    """
    return {title: _load(spec) for title, spec in specs.titles(list(named)).items()}


def _load(spec: str) -> Model:
    specs.check(spec)
    function = region_maps.FUNCTIONS.get(spec)
    if function is not None:
        return Model({"name": spec}, function)
    # It imports JAX.
    from rclicks_jax.clicks import click_models

    model = click_models.load(spec, batch=1)
    return Model(
        click_models.describe(spec),
        lambda query: click_models.maps_of(model, [query])[0],
    )


def query(study: study_files.Study, task: TaskFacts) -> ClickQuery:
    """Reads what a click model is asked of a task.

    Raises:
        DataError: Its files cannot be read.
    """
    photograph = private_files.photograph_path(study, task)
    mask = private_files.mask_path(study, task)
    region = private_files.region_path(study, task.task_id)
    try:
        contents = [path.read_bytes() for path in (photograph, mask, region)]
    except OSError as error:
        raise errors.DataError(
            f"Files of the task {task.full_stem} cannot be read: "
            f"{errors.reason(error)}."
        ) from error
    return ClickQuery(
        images.decode_image(contents[0], task.image_stem),
        images.decode_mask(contents[1], mask.name) == raw.OBJECT,
        regions.decode(contents[2], region.name),
    )
