"""People's whole trajectories beside the clicking groups and the robot.

A person's clicks end where the study's segmenter made the person content. Under another
segmenter they may end before the threshold is reached, and nobody knows how many more
clicks that person would have made. So NoC of people has two ends: at least, as if the
next click reached the threshold, and at most, as if none did up to the protocol's last
click. A trajectory that reached it has one NoC, and so has one with all clicks.

Trajectories of one person depend on each other, so people are resampled with all of
theirs, as in comparisons of people's clicks, and the wider of that interval and the one
over photographs counts.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.metrics import interaction, intervals, people_intervals
from rclicks_jax.metrics.people_intervals import ToClicks
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import (
    THRESHOLD,
    DatasetResults,
    PersonTrajectory,
)
from rclicks_jax.settings.protocols import Protocol

NAME = "people"
_ALL = "all"
_NOTE = (
    "People's clicks were replayed in their order, whatever the segmenter under test "
    "answered. A trajectory that ends before {percent} % IoU is unfinished: NoC is at "
    "least that of one more click, and at most {most}. Clicks that were taken back are "
    "left out. Sample and Base NoC are over the same objects."
)
_IN_STUDY = (
    "In the study: what the same people reached there, with the study's segmenter."
)
_PEOPLE_KNOWN = (
    "Intervals of people's numbers, and of differences from them, hold what other "
    "people and what other photographs would give; those of Sample and Base NoC are "
    "over photographs."
)
_PEOPLE_UNKNOWN = (
    "Intervals are over photographs: it is not known who made some trajectories. Where "
    "a person made several, they are too narrow."
)


class NocBounds(NamedTuple):
    """The ends between which the NoC of trajectories lies, `i64[n]` each."""

    least: np.ndarray
    most: np.ndarray


def noc_bounds(
    trajectories: Sequence[np.ndarray], percent: int, max_clicks: int
) -> NocBounds:
    """Returns NoC of trajectories of any lengths.

    Args:
        trajectories: Intersection and union after each click of each, `i64[k 2]`, k of
            1 to `max_clicks`.
        percent: Threshold of IoU.
        max_clicks: Clicks of the protocol: NoC where no click reaches the threshold.
    """
    least, most = [], []
    for areas in trajectories:
        reached = interaction.reached(areas[:, 0], areas[:, 1], percent)
        is_reached = bool(reached.any())
        first = int(reached.argmax()) + 1
        least.append(first if is_reached else min(len(areas) + 1, max_clicks))
        most.append(first if is_reached else max_clicks)
    return NocBounds(np.array(least, np.int64), np.array(most, np.int64))


def people(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of people's NoC beside Sample and Base NoC on the same objects.

    A dataset with several input devices has a row for each of them, too. It is empty if
    no trajectory of people was replayed, or if trajectories ended below the threshold.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "input_device": ("Clicks by", "s"),
        "objects": ("objects", "d"),
        "people": ("people", "d"),
        "trajectories": ("trajectories", "d"),
        "unfinished": ("unfinished", "d"),
        "noc_least": (f"People NoC@{THRESHOLD} ↓, at least", ".2f"),
        "noc_most": (f"People NoC@{THRESHOLD} ↓, at most", ".2f"),
        "sample_noc": (measures.BY_KEY["sample_noc"].heading, ".2f"),
        "base_noc": (measures.BY_KEY["base_noc"].heading, ".2f"),
        "difference_least": ("Sample minus people, at least", "+.2f"),
        "difference_most": ("Sample minus people, at most", "+.2f"),
        "study_least": ("In the study, at least", ".2f"),
        "study_most": ("In the study, at most", ".2f"),
        "clicks": ("clicks each", ".2f"),
        "iou": ("IoU in the end % ↑", ".2f"),
        "of": ("of objects", "d"),
    }
    every_one = [each for result in results for own in result.people for each in own]
    is_known = all(each.person for each in every_one)
    rows: list[Row] = []
    for result in results if measures.is_known(THRESHOLD, protocol) else ():
        every = {each.input_device for own in result.people for each in own}
        devices = [_ALL, *sorted(every)] if len(every) > 1 else sorted(every)
        rows += [_row(result, protocol, device, is_known) for device in devices]
    notes = [_NOTE.format(percent=THRESHOLD, most=protocol.max_clicks)]
    if any("study_least" in row for row in rows):
        notes.append(_IN_STUDY)
    if rows:
        notes.append(_PEOPLE_KNOWN if is_known else _PEOPLE_UNKNOWN)
    title = "People's trajectories, replayed, beside clicking groups and the robot"
    known = {key for row in rows for key, value in row.items() if value is not None}
    columns = {key: value for key, value in columns.items() if key in known}
    over = people_intervals.OVER if is_known else "photographs"
    return Table(NAME, title, columns, rows, tuple(notes), over)


def _row(
    result: DatasetResults, protocol: Protocol, device: str, is_known: bool
) -> Row:
    of_device = [
        [each for each in own if device in (_ALL, each.input_device)]
        for own in result.people
    ]
    kept = [number for number, own in enumerate(of_device) if own]
    part = result.only(kept)
    chosen = [of_device[number] for number in kept]
    flat = [each for own in chosen for each in own]

    names = [[each.person for each in own] for own in chosen]

    def mean(numbers: np.ndarray | None) -> intervals.Interval | None:
        return intervals.over_images(numbers, part.image_ids)

    def over_people(numbers: Sequence[np.ndarray]) -> intervals.Interval | None:
        """Returns the mean over people, then objects, of numbers of trajectories."""
        over_images = mean(np.array([own.mean() for own in numbers], np.float64))
        if over_images is None or not is_known:
            return over_images
        objects = [ToClicks(*pair) for pair in zip(numbers, names, strict=True)]
        of_people = people_intervals.over_people_of_one_set(objects, over_images.mean)
        return people_intervals.wider(over_images, of_people)

    def of_each(
        number: Callable[[PersonTrajectory], float],
    ) -> intervals.Interval | None:
        return over_people(
            [np.array([number(each) for each in own], np.float64) for own in chosen]
        )

    least, most = _nocs(chosen, protocol, lambda each: each.areas)
    row: Row = {
        "dataset": result.dataset,
        "input_device": device,
        "objects": len(kept),
        "of": len(result.instance_ids),
        "people": len({each.person for each in flat}) if is_known else None,
        "trajectories": len(flat),
        "unfinished": sum(each.is_unfinished(THRESHOLD, protocol) for each in flat),
        "clicks": of_each(lambda each: len(each.areas)),
        "iou": of_each(_last_iou),
        "noc_least": over_people(least),
        "noc_most": over_people(most),
    }
    for key in ("sample_noc", "base_noc"):
        row[key] = mean(measures.BY_KEY[key].values(part, protocol))
    sample = measures.BY_KEY["sample_noc"].values(part, protocol)
    if sample is not None:
        for key, ends in (("difference_least", most), ("difference_most", least)):
            pairs = zip(sample, ends, strict=True)
            row[key] = over_people([groups - own for groups, own in pairs])
    if all(each.of_study is not None for each in flat):
        in_study = _nocs(chosen, protocol, lambda each: each.of_study)
        row["study_least"], row["study_most"] = map(over_people, in_study)
    return row


def _nocs(
    people_of_objects: Sequence[Sequence[PersonTrajectory]],
    protocol: Protocol,
    areas_of: Callable[[PersonTrajectory], "np.ndarray | None"],
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns the two ends of NoC of each person on each object, `f64[people]`."""
    least: list[np.ndarray] = []
    most: list[np.ndarray] = []
    for own in people_of_objects:
        areas = [known for each in own if (known := areas_of(each)) is not None]
        ends = noc_bounds(areas, THRESHOLD, protocol.max_clicks)
        least.append(ends.least.astype(np.float64))
        most.append(ends.most.astype(np.float64))
    return least, most


def _last_iou(trajectory: PersonTrajectory) -> float:
    intersection, union = trajectory.areas[-1:].T
    return 100 * float(interaction.iou(intersection, union)[0])
