"""Estimates the work to annotate a data set, from a run on a part of it.

Time of an object = time to find it + clicks x (time of a click + time to look at the
answer), plus the time of a polygon if all clicks were not enough. Some thousand
projects are simulated. Each project draws all uncertain values: the images of the part,
the clicks of every other object, the clicking group of its annotator, and the speed of
people. An interval contains 95 % of the projects.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.metrics import intervals
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import comparison, measures
from rclicks_jax.results.aggregate import THRESHOLD, DatasetResults
from rclicks_jax.results.paces import Pace, Project, Seconds
from rclicks_jax.settings.protocols import Protocol

_DRAWS = 4000
_LEVEL = 0.95
# Parts of the work that another part may contain.
_MAY_BE_NONE = ("inspection", "instance")
# More than any dataset has, and small enough to be exact in floating point.
_MOST_OBJECTS = 10**12


class Simulated(NamedTuple):
    """Results of simulated projects, `f64[d]` each.

    Attributes:
        clicks: Mean number of clicks for an object.
        unsolved: Share of objects that all clicks do not solve.
        seconds: Seconds for an object, objects drawn by hand included.
        polygon: Seconds for an object if all were drawn by hand.
        break_even: Clicks for an object at which clicking takes as long as drawing.
    """

    clicks: np.ndarray
    unsolved: np.ndarray
    seconds: np.ndarray
    polygon: np.ndarray
    break_even: np.ndarray


def simulate(
    result: DatasetResults,
    protocol: Protocol,
    project: Project,
    pace: Pace,
    *,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Simulated:
    """Simulates the annotation of a data set, given a run on a part of it.

    Args:
        result: The results of the part, with clicking groups.
        protocol: The protocol of the run.
        project: The annotation project.
        pace: The speed of annotators.
        draws: Number of simulated projects.
        seed: Seed of all random draws.

    Raises:
        BadValueError: No group was played, or the project has no objects.
    """
    if not result.instance_ids:
        raise errors.BadValueError(
            f"Objects of {result.dataset}", "none that all runs finished", "1 or more"
        )
    if result.by_group is None:
        raise errors.BadValueError(
            f"Strategies of {result.dataset}", "no clicking group", "a run with groups"
        )
    _check(project)
    if not measures.is_known(THRESHOLD, protocol):
        raise errors.BadValueError(
            f"Trajectories of {result.dataset}",
            f"ended at {protocol.stop_at} % IoU",
            f"a run without --config.stop_at, or with {THRESHOLD}",
        )
    # Each repeat and group is one possible trajectory of an object.
    noc = result.noc(result.by_group, protocol, THRESHOLD)
    lost = np.asarray(~result.by_group.reached(THRESHOLD).any(axis=-1))
    generator = np.random.Generator(np.random.Philox(seed))
    images = np.unique(np.array(result.image_ids), return_inverse=True)[1]
    weights = _resampled_weights(images, draws, generator)
    # Both use the same noise: a project with more clicks has more unsolved objects.
    noise = generator.standard_normal(draws) / np.sqrt(project.objects)
    clicks = _project_mean(noc, weights, noise)
    unsolved = np.clip(_project_mean(lost, weights, noise), 0, 1)
    click, look, find, polygon = (
        _draw_seconds(name, duration, draws, generator)
        for name, duration in pace._asdict().items()
    )
    seconds = find + clicks * (click + look) + unsolved * polygon
    # The time to draw unsolved objects by hand does not depend on the speed of clicks.
    spare = (1 - unsolved) * polygon - find
    break_even = np.maximum(spare, 0) / (click + look)
    return Simulated(clicks, unsolved, seconds, polygon, break_even)


def _check(project: Project) -> None:
    allowed = (
        ("objects", 1, _MOST_OBJECTS),
        ("hourly_price", 0, math.inf),
        ("hours_a_day", 0, 24),
        ("days", 0, math.inf),
    )
    for name, low, high in allowed:
        value = getattr(project, name)
        positive = value > 0 or name == "hourly_price"
        if not (low <= value <= high and positive and math.isfinite(value)):
            text = f"1 to {high}" if name == "objects" else "a number above 0"
            text = "0 or more" if name == "hourly_price" else text
            text += ", at most 24" if high == 24 else ""
            raise errors.BadValueError(f"--{name}", value, text)


def _resampled_weights(
    images: np.ndarray, draws: int, generator: np.random.Generator
) -> np.ndarray:
    """Returns the weight of each object in resamples of images, `f64[d n]`, sum 1."""
    count = images.max() + 1
    counts = generator.multinomial(count, np.full(count, 1 / count), draws)
    weights = counts[:, images].astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _project_mean(
    values: np.ndarray, weights: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Returns the mean over the objects of each simulated project.

    Args:
        values: Number for each repeat, group and object, `[r g n]`.
        weights: Weights of the objects in each project, `f64[d n]`.
        noise: Deviation of each project's mean, in standard deviations of an object,
            `f64[d]`.
    """
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    mean = weights @ flat.mean(axis=0)
    variance = weights @ (flat**2).mean(axis=0) - mean**2
    return mean + noise * np.sqrt(np.maximum(variance, 0))


def _draw_seconds(
    name: str, seconds: Seconds, draws: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws positive means from a log-normal distribution, `f64[d]`.

    What is measured as a part of something else takes no time of its own, for certain.
    """
    if seconds == (0, 0) and name in _MAY_BE_NONE:
        return np.zeros(draws)
    if not (0 < seconds.mean < math.inf and 0 <= seconds.spread < math.inf):
        raise errors.BadValueError(
            "Seconds",
            f"{seconds.mean:g} ± {seconds.spread:g}",
            "a mean above 0 and a spread of 0 or more, such as 2,0.5",
        )
    variance = np.log1p((seconds.spread / seconds.mean) ** 2)
    noise = generator.standard_normal(draws)
    return seconds.mean * np.exp(np.sqrt(variance) * noise - variance / 2)


def interval(values: np.ndarray, images: int) -> Interval:
    """Returns the mean and the middle 95 % of simulated values.

    Args:
        values: The value of each simulated project, `f64[d]`.
        images: Number of photographs in the measured part. With too few, there is only
            a mean, because resampling them says nothing about other photographs.
    """
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return intervals.between(values.mean(), low, high, images)


def table(runs: Sequence[comparison.Run], project: Project, pace: Pace) -> Table:
    """Makes the table of the estimated work with each segmenter on each data set.

    Several segmenters are estimated from the objects that all of them finished.
    """
    runs = comparison.on_shared(runs)
    columns = {
        "dataset": ("Dataset", "s"),
        "segmenter": ("Segmenter", "s"),
        "part": ("objects measured", "d"),
        "objects": ("objects to annotate", "d"),
        "clicks": ("clicks an object", ".2f"),
        "unsolved": ("drawn by hand %", ".1f"),
        "seconds": ("seconds an object", ".1f"),
        "hours": ("hours", ".1f"),
        "cost": ("cost", ".0f"),
        "annotators": (f"annotators for {project.days:g} days", ".1f"),
        "polygon_hours": ("hours, all by hand", ".1f"),
        "saved": ("hours saved %", ".1f"),
        "break_even": ("break-even, clicks", ".1f"),
        "robot_hours": ("hours, by the robot's clicks", ".1f"),
    }
    rows = [
        _row(run, dataset, project, pace)
        for dataset in comparison.datasets_of(runs)
        for run in runs
    ]
    return Table("estimate", "Estimate of the annotation work", columns, rows)


def _row(run: comparison.Run, dataset: str, project: Project, pace: Pace) -> Row:
    result = run.results[dataset]
    projects = simulate(result, run.protocol, project, pace)
    hours = projects.seconds * project.objects / 3600
    by_hand = projects.polygon * project.objects / 3600
    images = len(set(result.image_ids))

    def estimate(values: np.ndarray) -> Interval:
        return interval(values, images)

    row: Row = {
        "dataset": dataset,
        "segmenter": run.label,
        "part": len(result.instance_ids),
        "objects": project.objects,
        "clicks": estimate(projects.clicks),
        "unsolved": estimate(100 * projects.unsolved),
        "seconds": estimate(projects.seconds),
        "hours": estimate(hours),
        "cost": estimate(hours * project.hourly_price),
        "annotators": estimate(hours / (project.hours_a_day * project.days)),
        "polygon_hours": estimate(by_hand),
        "saved": estimate(100 * (1 - hours / by_hand)),
        "break_even": estimate(projects.break_even),
    }
    if result.baseline is not None:
        clicks = result.noc(result.baseline, run.protocol, THRESHOLD).mean()
        lost = ~result.baseline.reached(THRESHOLD).any(axis=-1)
        seconds = pace.instance.mean + lost.mean() * pace.polygon.mean
        seconds += clicks * (pace.click.mean + pace.inspection.mean)
        row["robot_hours"] = float(seconds * project.objects / 3600)
    return row


def assumptions(
    project: Project, pace: Pace, measured: Mapping[str, str] | None = None
) -> Table:
    """Makes the table of the assumptions of an estimate.

    Args:
        project: The annotation project.
        pace: The speed of annotators.
        measured: Who was measured, by the fields of `pace` that are measured.
    """
    columns = {"what": ("Assumption", "s"), "value": ("Value", "s")}
    parts = zip(
        ("a click", "looking at an answer", "finding an object", "a polygon"),
        pace._asdict().items(),
        Pace(),
        strict=True,
    )
    rows: list[Row] = []
    for words, (name, seconds), default in parts:
        origin = "assumed, not measured" if seconds == default else ""
        origin = (measured or {}).get(name, origin)
        value = f"{seconds.mean:g} ± {seconds.spread:g}"
        value += f" ({origin})" if origin else ""
        rows.append({"what": f"seconds for {words}", "value": value})
    rows += [
        {"what": "price of an hour", "value": f"{project.hourly_price:g}"},
        {"what": "hours a day", "value": f"{project.hours_a_day:g}"},
        {
            "what": "annotators",
            "value": "from each clicking group that was played, equally often",
        },
        {"what": "unsolved objects", "value": "are drawn by hand, after all clicks"},
    ]
    return Table("assumptions", "Assumptions of the estimate", columns, rows)
