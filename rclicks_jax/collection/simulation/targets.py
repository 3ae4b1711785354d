"""What bots click on: the regions of a study's tasks, and where in them they click.

A browser is not told what the target is. Bots know it from the study's private files.
"""

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import private_files, regions
from rclicks_jax.data import raw
from rclicks_jax.ops import images
from rclicks_jax.settings.collection import SimulationSettings

GAUSSIAN = "gaussian"
# Of a larger region every second pixel, or every third, ... is a place to click.
_MOST_PLACES = 20_000


@dataclasses.dataclass(frozen=True)
class Target:
    """A region, and the distribution of clicks on it.

    Attributes:
        facts: Its task.
        inside: The region, `bool[h w]`.
        ignored: Pixels that are neither object nor background, `bool[h w]`.
        places: Pixels `(y, x)` of the region, `i32[n 2]`.
        below: Probability of the places up to each one, `f64[n]`, the last is 1.
    """

    facts: TaskFacts
    inside: np.ndarray
    ignored: np.ndarray
    places: np.ndarray
    below: np.ndarray

    @property
    def middle(self) -> np.ndarray:
        """Middle of the region's box `(y, x)`, pixels, `f64[2]`."""
        y0, y1, x0, x1 = self.facts.box
        return np.array([(y0 + y1) / 2, (x0 + x1) / 2])

    def nearest_inside(self, yx: np.ndarray) -> np.ndarray:
        """Returns a place of the region: the given one, or the one next to it."""
        y, x = np.floor(yx).astype(int)
        if self.inside[y, x]:
            return yx
        distances = ((self.places + 0.5 - yx) ** 2).sum(axis=1)
        return self.places[int(distances.argmin())] + 0.5


class Targets:
    """The targets of a study, by what a browser is shown. For many threads."""

    def __init__(
        self,
        study: study_files.Study,
        tasks: Mapping[str, TaskFacts],
        settings: SimulationSettings,
    ) -> None:
        """Takes the tasks of a study, by id."""
        self._study = study
        self._settings = settings
        self._model: Any = None
        self._kept: dict[str, Target] = {}
        self._lock = threading.Lock()
        self._shown: dict[tuple[str, words.Mode, str], TaskFacts] = {}
        for task in tasks.values():
            for mode in task.modes(words.MODES):
                for told in _told(task, mode):
                    self._shown[task.image, mode, told] = task

    def of(self, task: messages.Task) -> Target:
        """Returns the target of a task that a browser was given."""
        picture = task.target.picture
        told = task.target.text if picture is None else _asset(picture.url)
        facts = self._shown[_asset(task.image.url), task.mode, told]
        with self._lock:
            if facts.task_id not in self._kept:
                self._kept[facts.task_id] = self._made(facts)
            return self._kept[facts.task_id]

    def _made(self, facts: TaskFacts) -> Target:
        path = private_files.region_path(self._study, facts.task_id)
        region = regions.decode(path.read_bytes(), path.name)
        places = np.argwhere(region).astype(np.int32)
        places = places[:: -(-len(places) // _MOST_PLACES)]
        if self._settings.model == GAUSSIAN:
            weights = self._gaussian(facts, places)
        else:
            click_map = self._click_map(facts, region)
            weights = click_map[places[:, 0], places[:, 1]].astype(np.float64)
        if not weights.sum() > 0:
            weights = np.ones(len(places))
        below = np.cumsum(weights)
        ignored = self._mask(facts) == raw.IGNORE
        return Target(facts, region, ignored, places, below / below[-1])

    def _mask(self, facts: TaskFacts) -> np.ndarray:
        path = private_files.mask_path(self._study, facts)
        return images.decode_mask(path.read_bytes(), facts.full_stem)

    def _gaussian(self, facts: TaskFacts, places: np.ndarray) -> np.ndarray:
        y0, y1, x0, x1 = facts.box
        middle = (y0 + y1) / 2, (x0 + x1) / 2
        apart = (places + 0.5 - middle) / (y1 - y0, x1 - x0)
        return np.exp(-0.5 * (apart**2).sum(axis=1) / self._settings.spread**2)

    def _click_map(self, facts: TaskFacts, region: np.ndarray) -> np.ndarray:
        """Returns the map of a click model; the network's needs JAX."""
        from rclicks_jax.clicks import click_models
        from rclicks_jax.types import ClickQuery

        if self._model is None:
            self._model = click_models.load(self._settings.model)
        path = private_files.photograph_path(self._study, facts)
        image = images.decode_image(path.read_bytes(), facts.image_stem)
        gt_mask = self._mask(facts) == raw.OBJECT
        query = ClickQuery(images.resize_image(image, region.shape), gt_mask, region)
        return click_models.maps_of(self._model, [query])[0]


def _told(task: TaskFacts, mode: words.Mode) -> list[str]:
    """Returns what tells a browser the target: the id of a picture, or texts."""
    if mode == words.TEXT_MODE:
        return list(task.texts.values())
    return [task.targets[mode]]


def _asset(url: str) -> str:
    return url.rpartition("/")[2].partition(".")[0]
