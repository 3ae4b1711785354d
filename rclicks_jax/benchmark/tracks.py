"""Trajectories while they are played, and what is the same for many of them."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Sequence

import numpy as np

from rclicks_jax.clicks import sampling, strategies
from rclicks_jax.metrics import interaction
from rclicks_jax.ops import morphology
from rclicks_jax.settings.protocols import Protocol
from rclicks_jax.types import Clicks, ImageExample, InstanceExample, Trajectory

PARTS = ("encode", "predict", "simulate", "score")
# Rounds whose masks are kept for pictures: as many as a PNG of three bytes has bits.
SEEN_ROUNDS = 24


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is the same for every photograph of a run.

    Attributes:
        protocol: Switches that can change a number.
        seed: Seed of all random draws in the run.
        groups: Clicking groups to play.
        baseline: Whether the baseline strategy is played.
        robots: Further robots, keys of `strategies.ROBOTS`.
        repeats: Draws for each group.
        on_device: Whether an accelerator draws clicks and counts areas.
    """

    protocol: Protocol
    seed: int
    groups: tuple[int, ...]
    baseline: bool
    repeats: int
    on_device: bool = False
    robots: tuple[str, ...] = ()

    def strategies(self) -> list[tuple[str, int, int]]:
        """Returns strategy, group and repeat of the trajectories of one object."""
        robots = [(strategies.BASELINE, 0, 0)] if self.baseline else []
        robots += [(name, 0, 0) for name in self.robots]
        people = [
            (strategies.GROUP, group, repeat)
            for repeat in range(self.repeats)
            for group in self.groups
        ]
        return robots + people


class Clock:
    """Seconds by part of the work.

    Attributes:
        seconds: By name.
    """

    def __init__(self) -> None:
        """Starts at zero."""
        self.seconds: dict[str, float] = dict.fromkeys(PARTS, 0.0)

    @contextlib.contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Adds the time spent inside to `part`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - start


class Target:
    """An object to segment, with what is the same at every click.

    Attributes:
        instance: The object.
    """

    def __init__(self, instance: InstanceExample, *, on_device: bool) -> None:
        """Prepares the boundary band."""
        self.instance = instance
        self._on_device = on_device
        ignore = instance.ignore_mask
        self._counted = None if ignore is None else ~ignore
        self._width = morphology.band_width(instance.gt_mask.shape)
        self._band = morphology.boundary_band(instance.gt_mask, self._width)

    def areas(self, pred_masks: Sequence[np.ndarray]) -> np.ndarray:
        """Returns intersection and union, of masks and of bands, `i64[t 4]`."""
        bands = [morphology.boundary_band(mask, self._width) for mask in pred_masks]
        pairs = ((pred_masks, self.instance.gt_mask), (bands, self._band))
        counts = [
            interaction.areas(masks, target, self._counted, on_device=self._on_device)
            for masks, target in pairs
        ]
        return np.concatenate(counts, axis=1)


@dataclasses.dataclass
class Track:
    """A trajectory while it is played.

    Attributes:
        target: The object.
        strategy: `baseline`, another robot, or `group`.
        group: 1..10; 0 for robots.
        repeat: Number of the draw.
        bits: Random bits of each click, `u64[k]`; empty for the baseline.
        pred_mask: What the segmenter said last, `bool[h w]`.
        not_clicked: Pixels without a click so far, `bool[h w]`.
        clicks: So far.
        areas: After each click, `i64[4]`.
        rounds: Bit k tells whether a pixel is in the mask after click k + 1,
            `u32[h w]`; None if nobody wants to see it.
    """

    target: Target
    strategy: str
    group: int
    repeat: int
    bits: np.ndarray
    pred_mask: np.ndarray
    not_clicked: np.ndarray
    clicks: list[tuple[int, int, bool]] = dataclasses.field(default_factory=list)
    areas: list[np.ndarray] = dataclasses.field(default_factory=list)
    rounds: np.ndarray | None = None

    def add_click(self, y: int, x: int, positive: bool) -> None:
        """Clicks."""
        self.clicks.append((y, x, positive))
        self.not_clicked[y, x] = False

    def add_answer(self, pred_mask: np.ndarray, areas: np.ndarray) -> None:
        """Takes the segmenter's answer to the newest click."""
        if self.rounds is not None and len(self.areas) < SEEN_ROUNDS:
            self.rounds |= pred_mask.astype(np.uint32) << len(self.areas)
        self.pred_mask = pred_mask
        self.areas.append(areas)

    def solved(self, percent: int) -> bool:
        """Tells whether IoU has reached a percentage; never for 0."""
        inside, union, *_ = self.areas[-1].tolist()
        return bool(percent) and bool(interaction.reached(inside, union, percent))

    def finished(self, max_clicks: int) -> Trajectory:
        """Returns the trajectory; if it ended early, its last areas repeat."""
        areas = self.areas + [self.areas[-1]] * (max_clicks - len(self.areas))
        columns = np.array(areas).T.tolist()
        return Trajectory(self.strategy, self.group, self.repeat, self.clicks, *columns)


def start(
    example: ImageExample, instances: Sequence[InstanceExample], setup: Setup
) -> list[Track]:
    """Returns the trajectories of some objects before their first click."""
    started = []
    shape = example.image.shape[:2]
    for instance in instances:
        target = Target(instance, on_device=setup.on_device)
        name = f"{example.dataset}/{instance.instance_id}"
        drawn = _bits(name, setup)
        for strategy, group, repeat in setup.strategies():
            bits = drawn.get((strategy, group, repeat), np.zeros(0, np.uint64))
            blank, free = np.zeros(shape, bool), np.ones(shape, bool)
            started.append(Track(target, strategy, group, repeat, bits, blank, free))
    return started


def _bits(name: str, setup: Setup) -> dict[tuple[str, int, int], np.ndarray]:
    """Returns the random bits of each trajectory of an object, `u64[k]`."""
    clicks = setup.protocol.max_clicks
    drawn = {}
    for repeat in range(setup.repeats if setup.groups else 0):
        streams = np.array(setup.groups, np.int32)
        bits = sampling.random_bits(setup.seed, name, streams, repeat, clicks)
        for group, of_group in zip(setup.groups, bits, strict=True):
            drawn[strategies.GROUP, group, repeat] = of_group
    for robot in setup.robots:
        stream = np.array([strategies.ROBOTS[robot].stream], np.int32)
        (of_robot,) = sampling.random_bits(setup.seed, name, stream, 0, clicks)
        drawn[robot, 0, 0] = of_robot
    return drawn


def clicks_of(playing: Sequence[Track], max_clicks: int) -> Clicks:
    """Returns the clicks so far of several trajectories, padded to `max_clicks`."""
    yx = np.zeros((len(playing), max_clicks, 2), np.int32)
    positive = np.zeros((len(playing), max_clicks), bool)
    count = np.array([len(track.clicks) for track in playing], np.int32)
    for row, track in enumerate(playing):
        given = np.array(track.clicks)
        yx[row, : len(given)] = given[:, :2]
        positive[row, : len(given)] = given[:, 2]
    return Clicks(yx, positive, count)


def score(playing: Sequence[Track], masks: np.ndarray) -> None:
    """Gives each trajectory its mask, `bool[t h w]`, with the areas for IoU."""
    for target in {id(track.target): track.target for track in playing}.values():
        rows = [row for row, track in enumerate(playing) if track.target is target]
        areas = target.areas([masks[row] for row in rows])
        for row, area in zip(rows, areas, strict=True):
            playing[row].add_answer(masks[row], area)
