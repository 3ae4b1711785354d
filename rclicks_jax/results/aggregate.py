"""Records of a run as arrays, and the metrics of each object. Pure functions."""

import collections
import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.clicks import strategies
from rclicks_jax.config import Protocol
from rclicks_jax.metrics import interaction
from rclicks_jax.runs import records
from rclicks_jax.types import Trajectory

THRESHOLD = 90


@dataclasses.dataclass(frozen=True)
class Areas:
    """Intersections and unions after each click.

    Attributes:
        whole: Of masks, `i64[... k 2]`.
        boundary: Of boundary bands, `i64[... k 2]`.
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
class DatasetResults:
    """What a run found on one dataset; only objects that are `ok` have a row.

    Attributes:
        dataset: Its name.
        instance_ids: The objects, in order, `[n]`.
        image_ids: The photograph of each, `[n]`.
        areas: Target pixels of each, `i64[n]`.
        groups: Numbers of the clicking groups, ascending.
        baseline: Of the baseline strategy, by object; None if it was not played.
        by_group: By repeat, group and object; None if no group was played.
        robots: Of each further robot, by object.
        user_ious: IoU of every real first click alone, by object, `f64[u]` each.
        sampled_ious: The same of as many first clicks sampled from the click map.
        input_devices: What made those clicks, over all objects.
        counts: Objects by status.
        problems: Instance, status and reason of those that are not `ok`.
        seconds: Of all images, by part of the work.
        clicks: Clicks that were played.
        encodes: Images encoded, over images.
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


def collect(images: Iterable[records.ImageRecord]) -> list[DatasetResults]:
    """Gathers records by dataset, in order of their names.

    Raises:
        RunFolderError: Objects of a dataset were played with different strategies.
    """
    by_dataset: dict[str, list[records.ImageRecord]] = collections.defaultdict(list)
    for image in images:
        by_dataset[image.dataset].append(image)
    return [_collect_one(name, by_dataset[name]) for name in sorted(by_dataset)]


def _collect_one(dataset: str, images: Sequence[records.ImageRecord]) -> DatasetResults:
    every = [(image, one) for image in images for one in image.instances]
    usable = [(image, one) for image, one in every if one.status == "ok"]
    seconds: collections.Counter[str] = collections.Counter()
    for image in images:
        seconds.update(image.seconds)
    tracks = [one.trajectories for _, one in usable]
    robot = [_of(each, strategies.BASELINE) for each in tracks]
    people = [_of(each, strategies.GROUP) for each in tracks]
    users = [_of(each, strategies.USER) for each in tracks]
    sampled = [_of(each, strategies.SAMPLED_USER) for each in tracks]
    robots = {
        name: _only([_of(each, name) for each in tracks]) for name in strategies.ROBOTS
    }
    keys = sorted({(t.repeat, t.group) for each in people for t in each})
    _check_alike(dataset, robot, people, keys)
    repeats = len({repeat for repeat, _ in keys})
    groups = sorted({group for _, group in keys})
    by_group = None
    if keys:
        stacked = _stack(people)
        shape = (repeats, len(groups))
        by_group = Areas(*(_by_group(one, shape) for one in stacked))
    return DatasetResults(
        dataset=dataset,
        instance_ids=[one.instance_id for _, one in usable],
        image_ids=[image.image_id for image, _ in usable],
        areas=np.array([one.area for _, one in usable], np.int64),
        groups=groups,
        baseline=_only(robot),
        by_group=by_group,
        robots={name: areas for name, areas in robots.items() if areas is not None},
        user_ious=[_first_ious(each) for each in users],
        sampled_ious=[_first_ious(each) for each in sampled],
        input_devices={one.input_device for _, one in usable if one.input_device},
        counts=records.count_statuses(one for _, one in every),
        problems=[
            (one.instance_id, one.status, one.reason)
            for _, one in every
            if one.status != "ok"
        ],
        seconds=dict(seconds),
        clicks=sum(len(t.clicks) for each in tracks for t in each),
        encodes=(sum(image.encodes for image in images), len(images)),
    )


def _of(trajectories: Sequence[Trajectory], strategy: str) -> list[Trajectory]:
    found = [t for t in trajectories if t.strategy == strategy]
    return sorted(found, key=lambda t: (t.repeat, t.group))


def _check_alike(
    dataset: str,
    robot: list[list[Trajectory]],
    people: list[list[Trajectory]],
    keys: list[tuple[int, int]],
) -> None:
    alike = len({len(each) for each in robot}) <= 1
    alike &= all([(t.repeat, t.group) for t in each] == keys for each in people)
    if not alike:
        raise errors.RunFolderError(
            f"Objects of {dataset} were played with different strategies: the folder "
            "holds records of more than one run."
        )


def _stack(tracks: list[list[Trajectory]]) -> tuple[np.ndarray, np.ndarray]:
    """Returns areas by object and trajectory, `i64[n t k 2]`: masks and boundaries."""
    whole = [[(t.intersection, t.union) for t in each] for each in tracks]
    edges = [
        [(t.boundary_intersection, t.boundary_union) for t in each] for each in tracks
    ]
    stacked = (np.array(part, np.int64) for part in (whole, edges))
    first, second = (np.moveaxis(part, 2, -1) for part in stacked)
    return first, second


def _by_group(stacked: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Turns `[n t k 2]` into `[repeat group n k 2]`."""
    count, _, *rest = stacked.shape
    return np.moveaxis(stacked.reshape(count, *shape, *rest), 0, 2)


def _only(tracks: list[list[Trajectory]]) -> Areas | None:
    if not tracks or not tracks[0]:
        return None
    whole, edges = _stack(tracks)
    return Areas(whole[:, 0], edges[:, 0])


def _first_ious(trajectories: Sequence[Trajectory]) -> np.ndarray:
    both = np.array([(t.intersection[0], t.union[0]) for t in trajectories])
    both = both.reshape(-1, 2)
    return interaction.iou(both[:, 0], both[:, 1])
