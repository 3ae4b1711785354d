"""Records of a run as arrays, and the metrics of each object. Pure functions."""

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rclicks_jax import errors
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import strategies
from rclicks_jax.metrics import interaction
from rclicks_jax.settings.protocols import Protocol
from rclicks_jax.types import Trajectory

THRESHOLD = 90


@dataclasses.dataclass(frozen=True)
class Areas:
    """Intersections and unions after each click.

    Attributes:
        whole: Areas of masks, `i64[... k 2]`.
        boundary: Areas of boundary bands, `i64[... k 2]`.
    """

    whole: np.ndarray
    boundary: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """IoU after each click, `f64[... k]`."""
        return interaction.iou(self.whole[..., 0], self.whole[..., 1])

    @property
    def boundary_iou(self) -> np.ndarray:
        """Boundary IoU after each click, `f64[... k]`."""
        return interaction.iou(self.boundary[..., 0], self.boundary[..., 1])

    def reached(self, percent: int) -> np.ndarray:
        """Tells after which clicks IoU is at least a percentage, `bool[... k]`."""
        return interaction.reached(self.whole[..., 0], self.whole[..., 1], percent)


@dataclasses.dataclass(frozen=True)
class PersonTrajectory:
    """A person's trajectory on an object, replayed.

    Attributes:
        person: Name of the person; empty if it is not known.
        input_device: Device of the clicks.
        areas: Intersection and union after each click that was played, `i64[k 2]`.
        of_study: The same of the study's segmenter, after each click that stood there;
            None if it is not known of all.
    """

    person: str
    input_device: str
    areas: np.ndarray
    of_study: np.ndarray | None

    def is_unfinished(self, percent: int, protocol: Protocol) -> bool:
        """Tells whether it ended before a threshold of IoU, and before all clicks."""
        reached = interaction.reached(self.areas[:, 0], self.areas[:, 1], percent)
        return not reached.any() and len(self.areas) < protocol.max_clicks


@dataclasses.dataclass(frozen=True)
class DatasetResults:
    """The results of a run on one dataset; only objects that are `ok` have a row.

    Attributes:
        dataset: Name of the dataset.
        instance_ids: The objects, in order, `[n]`.
        image_ids: The photograph of each object, `[n]`.
        areas: Pixels of the target of each object, `i64[n]`.
        groups: Numbers of the clicking groups, ascending.
        baseline: Areas of the baseline by object; None if it was not played.
        by_group: Areas by repeat, group and object; None if no group was played.
        robots: Areas of each further robot, by object.
        user_ious: IoU after every real first click alone, by object, `f64[u]` each.
        sampled_ious: IoU after first clicks sampled from the click map, as many as
            there are real ones.
        input_devices: Devices of the real clicks, over all objects.
        counts: Objects by status.
        problems: Instance, status and reason of those that are not `ok`.
        seconds: Wall time of all images, by part of the work.
        clicks: Number of clicks that were played.
        encodes: Number of encoded images, and number of images.
        categories: Category of each object, `[n]`; empty if it is unknown.
        image_pixels: Pixels of the photograph of each object, `i64[n]`; 0 if unknown.
        seen_images: Every image that has a record.
        people: People's trajectories on each object, `[n]`; empty if none was replayed.
    """

    dataset: str
    instance_ids: list[str]
    image_ids: list[str]
    areas: np.ndarray
    groups: list[int]
    baseline: Areas | None
    by_group: Areas | None
    robots: dict[str, Areas]
    user_ious: list[np.ndarray]
    sampled_ious: list[np.ndarray]
    input_devices: set[str]
    counts: dict[str, int]
    problems: list[tuple[str, str, str]]
    seconds: dict[str, float]
    clicks: int
    encodes: tuple[int, int]
    categories: list[str] = dataclasses.field(default_factory=list)
    image_pixels: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros(0, np.int64)
    )
    seen_images: frozenset[str] = frozenset()
    people: list[list[PersonTrajectory]] = dataclasses.field(default_factory=list)

    def only(self, kept: Sequence[int]) -> "DatasetResults":
        """Returns the results of some objects.

        Counts of objects, problems, seconds and clicks stay those of the whole run.

        Args:
            kept: Indices of these objects, in the order of the new rows.
        """
        chosen = np.asarray(kept, np.int64)

        def listed(values: list[Any]) -> list[Any]:
            return [values[i] for i in chosen] if values else []

        def cut(areas: Areas) -> Areas:
            # The axes after that of the objects are the clicks and the two areas.
            return Areas(
                np.take(areas.whole, chosen, axis=-3),
                np.take(areas.boundary, chosen, axis=-3),
            )

        return dataclasses.replace(
            self,
            instance_ids=listed(self.instance_ids),
            image_ids=listed(self.image_ids),
            areas=self.areas[chosen],
            baseline=self.baseline and cut(self.baseline),
            by_group=self.by_group and cut(self.by_group),
            robots={name: cut(areas) for name, areas in self.robots.items()},
            user_ious=listed(self.user_ious),
            sampled_ious=listed(self.sampled_ious),
            categories=listed(self.categories),
            people=listed(self.people),
            image_pixels=self.image_pixels[chosen]
            if self.image_pixels.size
            else (self.image_pixels),
        )

    def noc(self, areas: Areas, protocol: Protocol, percent: int) -> np.ndarray:
        """Returns the number of clicks to a threshold, `i64[...]`."""
        return interaction.noc(areas.reached(percent), protocol.max_clicks)

    def failed(self, areas: Areas, protocol: Protocol, percent: int) -> np.ndarray:
        """Returns which objects count as failures at a threshold, `bool[...]`."""
        return interaction.failed(
            areas.reached(percent),
            protocol.max_clicks,
            last_counts=protocol.nof_counts_last_click,
        )


@dataclasses.dataclass(frozen=True)
class _Object:
    """The part of an object's record that results need, with arrays for lists.

    Attributes:
        instance_id: The object.
        image_id: The photograph of the object.
        area: Pixels of the target.
        category: Category of the object; empty if it is unknown.
        image_pixels: Pixels of the photograph; 0 if unknown.
        input_device: Device of the real clicks.
        clicks: Number of clicks that were played.
        played: By strategy, the `(repeat, group)` of its trajectories in order, and
            their areas, `i64[t k 4]`.
        people: People's trajectories.
    """

    instance_id: str
    image_id: str
    area: int
    category: str
    image_pixels: int
    input_device: str
    clicks: int
    played: dict[str, tuple[list[tuple[int, int]], np.ndarray]]
    people: list[PersonTrajectory]


class _DatasetRecords:
    """The content of the records of a dataset, gathered one record after the other."""

    def __init__(self) -> None:
        self.objects: list[_Object] = []
        self.counts = {"ok": 0, "skipped": 0, "failed": 0}
        self.problems: list[tuple[str, str, str]] = []
        self.seconds: collections.Counter[str] = collections.Counter()
        self.encodes = [0, 0]
        self.images: set[str] = set()

    def add(self, image: records.ImageRecord) -> None:
        self.images.add(image.image_id)
        self.seconds.update(image.seconds)
        self.encodes[0] += image.encodes
        self.encodes[1] += 1
        for instance in image.instances:
            self.counts[instance.status] += 1
            if instance.status == "ok":
                self.objects.append(_compact(image.image_id, instance))
            else:
                problem = instance.instance_id, instance.status, instance.reason
                self.problems.append(problem)


class Collector:
    """Gathers records one by one, in about a tenth of their size."""

    def __init__(self) -> None:
        """Starts without records."""
        self._by_dataset: dict[str, _DatasetRecords] = {}

    def add(self, image: records.ImageRecord) -> None:
        """Adds the record of an image."""
        of_dataset = self._by_dataset.setdefault(image.dataset, _DatasetRecords())
        of_dataset.add(image)

    def collected(self) -> list[DatasetResults]:
        """Returns the results by dataset, in order of their names.

        Raises:
            RunFolderError: Objects of a dataset were played with different strategies.
        """
        return [
            _results(name, of_dataset)
            for name, of_dataset in sorted(self._by_dataset.items())
        ]


def collect(images: Iterable[records.ImageRecord]) -> list[DatasetResults]:
    """Gathers the records of a run by dataset, in order of their names.

    Raises:
        RunFolderError: Objects of a dataset were played with different strategies.
    """
    collector = Collector()
    for image in images:
        collector.add(image)
    return collector.collected()


def _compact(image_id: str, instance: records.InstanceRecord) -> _Object:
    by_strategy: dict[str, list[Trajectory]] = collections.defaultdict(list)
    for trajectory in instance.trajectories:
        by_strategy[trajectory.strategy].append(trajectory)
    # Theirs have lengths of their own.
    of_people = by_strategy.pop(strategies.USER_TRAJECTORY, [])
    return _Object(
        instance.instance_id,
        image_id,
        instance.area,
        instance.category,
        instance.image_pixels,
        instance.input_device,
        sum(len(trajectory.clicks) for trajectory in instance.trajectories),
        {name: _arrays(trajectories) for name, trajectories in by_strategy.items()},
        [
            _of_person(person, trajectory)
            for person, trajectory in zip(instance.people, of_people, strict=True)
        ],
    )


def _of_person(person: records.Person, trajectory: Trajectory) -> PersonTrajectory:
    in_study = [*zip(person.intersection, person.union, strict=True)]
    known = all(None not in areas for areas in in_study)
    return PersonTrajectory(
        person.name,
        person.input_device,
        np.array([trajectory.intersection, trajectory.union], np.int64).T,
        np.array(in_study, np.int64) if known else None,
    )


def _arrays(
    trajectories: list[Trajectory],
) -> tuple[list[tuple[int, int]], np.ndarray]:
    ordered = sorted(trajectories, key=lambda t: (t.repeat, t.group))
    areas = [
        (t.intersection, t.union, t.boundary_intersection, t.boundary_union)
        for t in ordered
    ]
    keys = [(t.repeat, t.group) for t in ordered]
    return keys, np.moveaxis(np.array(areas, np.int64), 1, -1)


def _results(dataset: str, read: _DatasetRecords) -> DatasetResults:
    objects = read.objects
    _check_alike(dataset, objects)
    robots = {name: _only(objects, name) for name in strategies.ROBOTS}
    groups, by_group = _by_group(objects)
    return DatasetResults(
        dataset=dataset,
        instance_ids=[each.instance_id for each in objects],
        image_ids=[each.image_id for each in objects],
        areas=np.array([each.area for each in objects], np.int64),
        groups=groups,
        baseline=_only(objects, strategies.BASELINE),
        by_group=by_group,
        robots={name: areas for name, areas in robots.items() if areas is not None},
        user_ious=[_first_ious(each, strategies.USER) for each in objects],
        sampled_ious=[_first_ious(each, strategies.SAMPLED_USER) for each in objects],
        input_devices={each.input_device for each in objects} - {""},
        counts=read.counts,
        problems=read.problems,
        seconds=dict(read.seconds),
        clicks=sum(each.clicks for each in objects),
        encodes=(read.encodes[0], read.encodes[1]),
        categories=[each.category for each in objects],
        image_pixels=np.array([each.image_pixels for each in objects], np.int64),
        seen_images=frozenset(read.images),
        people=[each.people for each in objects],
    )


def _check_alike(dataset: str, objects: Sequence[_Object]) -> None:
    """Raises if objects were played with different strategies, first clicks apart."""
    played = {
        tuple(
            (name, tuple(keys))
            for name, (keys, _) in sorted(each.played.items())
            if name not in (strategies.USER, strategies.SAMPLED_USER)
        )
        for each in objects
    }
    if len(played) > 1:
        raise errors.RunFolderError(
            f"Objects of {dataset} were played with different strategies: the folder "
            "holds records of more than one run."
        )


def _by_group(objects: Sequence[_Object]) -> tuple[list[int], Areas | None]:
    """Returns the groups, and their areas by repeat, group and object."""
    if not objects or strategies.GROUP not in objects[0].played:
        return [], None
    keys, _ = objects[0].played[strategies.GROUP]
    groups = sorted({group for _, group in keys})
    stacked = np.stack([each.played[strategies.GROUP][1] for each in objects], axis=1)
    repeats = len(keys) // len(groups)
    shaped = stacked.reshape(repeats, len(groups), *stacked.shape[1:])
    return groups, Areas(shaped[..., :2], shaped[..., 2:])


def _only(objects: Sequence[_Object], strategy: str) -> Areas | None:
    """Returns the areas of a strategy that each object was played with once."""
    if not objects or strategy not in objects[0].played:
        return None
    stacked = np.stack([each.played[strategy][1][0] for each in objects])
    return Areas(stacked[..., :2], stacked[..., 2:])


def _first_ious(played_object: _Object, strategy: str) -> np.ndarray:
    """Returns IoU after each first click of a strategy, `f64[u]`."""
    if strategy not in played_object.played:
        return np.zeros(0)
    _, areas = played_object.played[strategy]
    return interaction.iou(areas[:, 0, 0], areas[:, 0, 1])
