"""What can be known of a benchmark's settings before anything is loaded or packaged.

Nothing here needs JAX, so a command refuses a wrong name before it takes seconds to
start.
"""

from collections.abc import Callable, Sequence

from rclicks_jax import errors
from rclicks_jax.clicks import specs as click_model_specs
from rclicks_jax.data import recorded_trajectories
from rclicks_jax.data import specs as data_specs
from rclicks_jax.segmenters import specs as segmenter_specs
from rclicks_jax.settings import protocols
from rclicks_jax.settings.benchmark import BenchmarkConfig


def check(config: BenchmarkConfig, segmenters: Sequence[str] = ()) -> None:
    """Makes sure of all that can be known before anything is loaded or packaged.

    Args:
        config: Settings of a run.
        segmenters: Specs of segmenters that run one after another; if empty, the one
            of `config` runs.

    Raises:
        RClicksError: A spec names nothing, or an option is wrong; the message has each.
    """
    named = segmenters or [config.segmenter]
    checks: list[Callable[[], object]] = [
        lambda: check_strategies(config),
        lambda: protocols.protocol(config.protocol),
        lambda: data_specs.parse(config.data, config.max_side),
        lambda: segmenter_specs.check_all(named),
    ]
    if config.trajectories:
        checks.append(lambda: recorded_trajectories.read(config.trajectories))
    if config.groups:
        checks.append(lambda: click_model_specs.check(config.click_model))
    errors.check_all(checks)


def check_strategies(config: BenchmarkConfig) -> None:
    """Makes sure that something clicks, and that every robot is known.

    Raises:
        BadValueError: Neither the baseline nor a group is played.
        UnknownNameError: There is no such robot.
    """
    if not config.groups and not config.baseline:
        raise errors.BadValueError(
            "Strategies", "none", "--config.baseline, --config.groups, or both"
        )
    if config.robots:
        # They need OpenCV.
        from rclicks_jax.clicks import strategies

        for robot in config.robots:
            if robot not in strategies.ROBOTS:
                raise errors.UnknownNameError("robot", robot, strategies.ROBOTS)
