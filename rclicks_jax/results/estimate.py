"""What annotating a data set will take, from a run on a part of it.

Time of an object = time to find it + clicks x (time of a click + time to look at the
answer), and the time of a polygon where all clicks were not enough. Every uncertain
thing is drawn anew in each of some thousand simulated projects: which images the part
happened to hold, how much each object of the rest takes and which clicking group its
annotator is in, and how fast people are. An interval is where 95 % of them fall.
"""

import math
from collections.abc import Sequence
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
# Beyond any dataset, and within what floating point counts exactly.
_MOST_OBJECTS = 10**12


class Simulated(NamedTuple):
    """Simulated projects, `f64[d]` each.

    Attributes:
        clicks: Mean clicks an object.
        unsolved: Share of objects that all clicks do not solve.
        seconds: An object, those that are drawn by hand included.
        polygon: Seconds an object if all were drawn by hand.
        break_even: Clicks an object at which clicking takes as long as drawing.
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
    """Simulates annotating a data set of which a run has a part.

    Args:
        result: Of the part; its groups were played.
        protocol: It was run with.
        project: What is to be annotated.
        pace: How fast.
        draws: Simulated projects.
        seed: Of them.

    Raises:
        BadValueError: No group was played, or nothing is to be annotated.
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
    # Over repeats and groups: each is one way an object may go.
    noc = result.noc(result.by_group, protocol, THRESHOLD)
    lost = np.asarray(~result.by_group.reached(THRESHOLD).any(axis=-1))
    generator = np.random.Generator(np.random.Philox(seed))
    images = np.unique(np.array(result.image_ids), return_inverse=True)[1]
    weights = _resampled_weights(images, draws, generator)
    # The same for both: a project with more clicks has more that are not solved.
    noise = generator.standard_normal(draws) / np.sqrt(project.objects)
    clicks = _project_mean(noc, weights, noise)
    unsolved = np.clip(_project_mean(lost, weights, noise), 0, 1)
    click, look, find, polygon = (_drawn(one, draws, generator) for one in pace)
    seconds = find + clicks * (click + look) + unsolved * polygon
    # What is drawn by hand after all does not depend on how fast people click.
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
    """Returns how often each object is in a resample of images, `f64[d n]`, sum 1."""
    count = images.max() + 1
    drawn = generator.multinomial(count, np.full(count, 1 / count), draws)
    weights = drawn[:, images].astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _project_mean(
    values: np.ndarray, weights: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Returns the mean over the objects of each simulated project.

    Args:
        values: Of each repeat, group and object, `[r g n]`.
        weights: Of the objects in each project, `f64[d n]`.
        noise: Deviation of each project's mean, in deviations of an object, `f64[d]`.
    """
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    mean = weights @ flat.mean(axis=0)
    variance = weights @ (flat**2).mean(axis=0) - mean**2
    return mean + noise * np.sqrt(np.maximum(variance, 0))


def _drawn(seconds: Seconds, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Draws positive means with a deviation: log-normal."""
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
        values: Of each simulated project, `f64[d]`.
        images: Photographs of the part that was measured; of too few there is a mean
            alone, since resampling them tells nothing of the rest.
    """
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return intervals.between(values.mean(), low, high, images)


def table(runs: Sequence[comparison.Run], project: Project, pace: Pace) -> Table:
    """What each segmenter would take on each data set.

    Several are estimated from the objects that all of them finished.
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
    return Table("estimate", "What annotating will take", columns, rows)


def _row(run: comparison.Run, dataset: str, project: Project, pace: Pace) -> Row:
    result = run.results[dataset]
    found = simulate(result, run.protocol, project, pace)
    hours = found.seconds * project.objects / 3600
    by_hand = found.polygon * project.objects / 3600
    images = len(set(result.image_ids))

    def of(values: np.ndarray) -> Interval:
        return interval(values, images)

    row: Row = {
        "dataset": dataset,
        "segmenter": run.label,
        "part": len(result.instance_ids),
        "objects": project.objects,
        "clicks": of(found.clicks),
        "unsolved": of(100 * found.unsolved),
        "seconds": of(found.seconds),
        "hours": of(hours),
        "cost": of(hours * project.hourly_price),
        "annotators": of(hours / (project.hours_a_day * project.days)),
        "polygon_hours": of(by_hand),
        "saved": of(100 * (1 - hours / by_hand)),
        "break_even": of(found.break_even),
    }
    if result.baseline is not None:
        clicks = result.noc(result.baseline, run.protocol, THRESHOLD).mean()
        lost = ~result.baseline.reached(THRESHOLD).any(axis=-1)
        seconds = pace.instance.mean + lost.mean() * pace.polygon.mean
        seconds += clicks * (pace.click.mean + pace.inspection.mean)
        row["robot_hours"] = float(seconds * project.objects / 3600)
    return row


def assumptions(project: Project, pace: Pace) -> Table:
    """Names what an estimate rests on."""
    columns = {"what": ("Assumption", "s"), "value": ("Value", "s")}
    parts = zip(
        ("a click", "looking at an answer", "finding an object", "a polygon"),
        pace,
        Pace(),
        strict=True,
    )
    rows: list[Row] = [
        {
            "what": f"seconds for {name}",
            "value": f"{given.mean:g} ± {given.spread:g}"
            + (" (assumed, not measured)" if given == default else ""),
        }
        for name, given, default in parts
    ]
    rows += [
        {"what": "price of an hour", "value": f"{project.hourly_price:g}"},
        {"what": "hours a day", "value": f"{project.hours_a_day:g}"},
        {
            "what": "who clicks",
            "value": "the clicking groups that were played, equally often",
        },
        {"what": "what is not solved", "value": "is drawn by hand, after all clicks"},
    ]
    return Table("assumptions", "What the estimate rests on", columns, rows)
