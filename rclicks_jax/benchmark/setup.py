"""Who clicks in a run, how often, and by which rules."""

import dataclasses
from typing import NamedTuple

from rclicks_jax.clicks import strategies
from rclicks_jax.settings.protocols import Protocol


class TrajectoryKey(NamedTuple):
    """What tells apart the trajectories on one object.

    Attributes:
        strategy: `baseline`, another robot, or `group`.
        group: 1..10; 0 for robots.
        repeat: Number of the draw, from 0.
    """

    strategy: str
    group: int
    repeat: int


@dataclasses.dataclass(frozen=True)
class Strategies:
    """Who clicks, as the identity of a run has it.

    Attributes:
        groups: Clicking groups, 1 to 10.
        baseline: Whether the robot of the paper plays.
        users: Whether real first clicks are replayed.
        repeats: How often each group is played.
        robots: Further robots.
        trajectories: Checksum of the file of people's whole trajectories that are
            replayed; empty for none.
    """

    groups: tuple[int, ...]
    baseline: bool
    users: bool
    repeats: int
    robots: tuple[str, ...] = ()
    trajectories: str = ""


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is the same for every photograph of a run.

    Attributes:
        protocol: Switches that can change a number.
        seed: Seed of all random draws in the run.
        groups: Clicking groups to play.
        baseline: Whether the baseline strategy is played.
        repeats: Draws for each group.
        on_device: Whether an accelerator draws clicks, and counts areas where no
            process does.
        robots: Further robots, keys of `strategies.ROBOTS`.
    """

    protocol: Protocol
    seed: int
    groups: tuple[int, ...]
    baseline: bool
    repeats: int
    on_device: bool = False
    robots: tuple[str, ...] = ()

    def trajectory_keys(self) -> list[TrajectoryKey]:
        """Returns the keys of the trajectories on one object, in their order."""
        robots = (strategies.BASELINE,) * self.baseline + self.robots
        return [TrajectoryKey(robot, 0, 0) for robot in robots] + [
            TrajectoryKey(strategies.GROUP, group, repeat)
            for repeat in range(self.repeats)
            for group in self.groups
        ]
