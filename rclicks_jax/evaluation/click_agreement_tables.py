"""Tables that compare the clicks of two sets of people."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.evaluation import paper_numbers, people_halves
from rclicks_jax.evaluation.agreements import METRICS, Agreement
from rclicks_jax.evaluation.choices import COMPARED
from rclicks_jax.evaluation.click_scores import ALL, KINDS, MAIN
from rclicks_jax.evaluation.clicks_of_people import PEOPLE_KNOWN, PEOPLE_UNKNOWN
from rclicks_jax.metrics import intervals, people_intervals
from rclicks_jax.metrics.people_intervals import TwoSets
from rclicks_jax.reporting.table_formats import Row, Table

_MEASURES = tuple(measure for measure in MAIN if measure.key in METRICS)
_STATUSES = ("ok", "skipped", "failed")
_HALVES = ("one_halves", "other_halves")
# What no cell of a table can hold.
_NOT_IN_TASKS = (*_HALVES, "box_hw", "one_yx", "other_yx", "one_people", "other_people")
_OTHER_HALF = "the other half"
_ABOUT_HALVES = (
    "Halves are the clicks of the same people, one half of them against the other: as "
    "alike as sets of people get. PL1 is less than that for a set that is pulled to "
    "the middle, so it alone does not say which set is more like people; energy "
    "distance is 0 for sets alike and above 0 for all others. Halves have fewer "
    "clicks, for which WD is larger, and KS tells fewer sets apart."
)


class _Compared(NamedTuple):
    """A row of the table before its means.

    Attributes:
        head: Cells that name it.
        counts: Number of tasks by status.
        image_ids: The photograph of each task that is `ok`.
        values: Values by metric, of each of them.
        sets: The clicks of each of them; empty if nobody knows who made them.
    """

    head: Row
    counts: dict[str, int]
    image_ids: list[str]
    values: dict[str, np.ndarray]
    sets: list[TwoSets]

    def row(self) -> Row:
        """Returns the row with means and intervals."""
        means = {
            key: intervals.over_images(values, self.image_ids)
            for key, values in self.values.items()
        }
        if self.sets:
            over_people = people_intervals.over_people(self.sets)._asdict()
            for key, of_people in over_people.items():
                of_images = means[key]
                assert of_images is not None, "two sets have a distance"
                means[key] = people_intervals.wider(of_images, of_people)
        return {**self.head, **self.counts, **means}


def means(agreements: Sequence[Agreement], compared: str) -> Table:
    """Makes the table of means with 95 % intervals by dataset, sets and kind of task.

    Beside each two sets stand the two halves of each set.

    Args:
        agreements: The agreements of all tasks.
        compared: The comparison, a key of `choices.COMPARED`.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "one": ("Clicks of", "s"),
        "other": ("against", "s"),
        **{status: (status, "d") for status in _STATUSES},
        **{measure.key: (measure.title, measure.form) for measure in _MEASURES},
    }
    # The numbers of this one are of other points than the clicks.
    resampled = compared != "device_as_published"
    parts = list(_compared(agreements, resampled))
    notes = [*_notes_of_tasks(agreements)]
    if any(part.head["other"] == _OTHER_HALF for part in parts):
        notes.append(_ABOUT_HALVES)
    if any(part.image_ids for part in parts) and resampled:
        known = all(part.sets for part in parts if part.image_ids)
        notes.append(PEOPLE_KNOWN if known else PEOPLE_UNKNOWN)
    title = f"How alike: {COMPARED[compared]}"
    rows = [part.row() for part in parts]
    return Table(
        "click_agreement", title, columns, rows, tuple(notes), people_intervals.OVER
    )


def _notes_of_tasks(agreements: Sequence[Agreement]) -> Iterator[str]:
    """Yields a note for each dataset whose rows do not have the same tasks."""
    for dataset in sorted({task.dataset for task in agreements}):
        tasks: dict[tuple[str, str], set[str]] = {}
        for task in agreements:
            if task.dataset == dataset:
                finished = tasks.setdefault((task.one, task.other), set())
                finished |= {task.click_set_id} if task.status == "ok" else set()
        if len({frozenset(names) for names in tasks.values()}) > 1:
            common = len(set.intersection(*tasks.values()))
            yield (
                f"Rows of {dataset} are of different tasks, of which {common} are in "
                "all: compare the two sets of a row, not one row with another."
            )


def _compared(agreements: Sequence[Agreement], resampled: bool) -> Iterator[_Compared]:
    """Yields the rows of each dataset and kind of task: pairs of sets, then halves."""
    for dataset in sorted({task.dataset for task in agreements}):
        of_dataset = [task for task in agreements if task.dataset == dataset]
        for names in sorted({(task.one, task.other) for task in of_dataset}):
            of_pair = [t for t in of_dataset if (t.one, t.other) == names]
            for kind, inside in _by_kind(of_pair):
                head: Row = {"dataset": dataset, "click_type": kind}
                head |= {"one": names[0], "other": names[1]}
                yield _of_pair(head, inside, resampled)
        sets = dict.fromkeys(t.one for t in of_dataset)
        for name in [*sets, *dict.fromkeys(t.other for t in of_dataset)]:
            for kind, inside in _by_kind(_with_halves(of_dataset, name)):
                head = {"dataset": dataset, "click_type": kind}
                head |= {"one": f"half of {name}", "other": _OTHER_HALF}
                yield _of_halves(head, inside, name, resampled)


def _by_kind(tasks: Sequence[Agreement]) -> Iterator[tuple[str, list[Agreement]]]:
    for kind in KINDS:
        inside = [task for task in tasks if kind in (ALL, task.click_type)]
        if inside and (kind == ALL or len(inside) < len(tasks)):
            yield kind, inside


def _of_pair(head: Row, inside: Sequence[Agreement], resampled: bool) -> _Compared:
    counts: dict[str, int] = dict.fromkeys(_STATUSES, 0)
    for task in inside:
        counts[task.status] += 1
    finished = [task for task in inside if task.status == "ok"]
    values = {
        key: np.array([getattr(task, key) for task in finished], np.float64)
        for key in METRICS
    }
    sets = [
        _two_sets(
            task,
            np.array(task.one_yx),
            np.array(task.other_yx),
            task.one_people,
            task.other_people,
        )
        for task in finished
        if resampled and task.one_people and task.other_people
    ]
    images = [task.image_id for task in finished]
    return _Compared(
        head, counts, images, values, sets if len(sets) == len(finished) else []
    )


def _with_halves(tasks: Sequence[Agreement], name: str) -> list[Agreement]:
    """Returns a record of each task that has the halves of a set.

    A set that stands against several others has them in several records.
    """
    chosen: dict[str, Agreement] = {}
    for task in tasks:
        if _side(task, name) and task.click_set_id not in chosen:
            chosen[task.click_set_id] = task
    return list(chosen.values())


def _side(task: Agreement, name: str) -> str:
    """Returns which set of a task has a name and halves; empty for none."""
    if task.one == name and task.one_halves:
        return "one"
    return "other" if task.other == name and task.other_halves else ""


def _of_halves(
    head: Row, inside: Sequence[Agreement], name: str, resampled: bool
) -> _Compared:
    values: dict[str, list[float]] = {key: [] for key in METRICS}
    sets: list[TwoSets] = []
    for task in inside:
        side = _side(task, name)
        for key, listed in values.items():
            listed.append(getattr(task, f"{side}_halves")[key])
        people = list(getattr(task, f"{side}_people"))
        if resampled and people:
            clicks = np.array(getattr(task, f"{side}_yx"))
            first = people_halves.first_half(people, task.click_set_id)
            named = np.array(people)
            halves = (named[part].tolist() for part in (first, ~first))
            sets.append(_two_sets(task, clicks[first], clicks[~first], *halves))
    images = [task.image_id for task in inside]
    arrays = {key: np.array(listed) for key, listed in values.items()}
    counts = {"ok": len(inside)}
    return _Compared(
        head, counts, images, arrays, sets if len(sets) == len(inside) else []
    )


def _two_sets(
    task: Agreement,
    one_yx: np.ndarray,
    other_yx: np.ndarray,
    one_people: Sequence[str],
    other_people: Sequence[str],
) -> TwoSets:
    height, width = task.box_hw
    box = height, width
    return TwoSets(box, one_yx, other_yx, one_people, other_people)


def tasks(agreements: Sequence[Agreement]) -> Table:
    """Makes a table with a row for each task."""
    fields = [field.name for field in dataclasses.fields(Agreement)]
    plain = [name for name in fields if name not in _NOT_IN_TASKS]
    halves = [f"{side}_{key}" for side in _HALVES for key in METRICS]
    columns = {name: (name, "") for name in (*plain, *halves)}
    rows: list[Row] = []
    for agreement in agreements:
        row: Row = {name: getattr(agreement, name) for name in plain}
        for side in _HALVES:
            numbers = getattr(agreement, side)
            row |= {f"{side}_{key}": value for key, value in numbers.items()}
        rows.append(row)
    return Table("click_agreement_tasks", "Every task", columns, rows)


def compare_with_paper(means_table: Table, compared: str, split: str) -> Table:
    """Makes a table of means beside the published numbers for PC and mobile.

    The original computed PL1 and WD from wrong points, (x, x). They stand beside ours
    only if ours were computed in the same way.

    Args:
        means_table: The table of `means`.
        compared: The comparison, a key of `choices.COMPARED`.
        split: The split of the data; published numbers are of the paper's splits.
    """
    numbers = paper_numbers.pc_against_mobile()
    keys = {"device": {"ks": "ks"}, "display_mode": {}}.get(
        compared, {"ks": "ks", "wd": "wd_of_xx", "pl1": "pl1_of_xx"}
    )
    heads = {
        "dataset": ("Dataset", "s"),
        "one": ("Clicks of", "s"),
        "other": ("against", "s"),
        "measure": ("Measure", "s"),
    }
    rows: list[Row] = []
    for row in means_table.rows:
        if row["click_type"] != ALL or row["other"] == _OTHER_HALF:
            continue
        is_published = paper_numbers.is_published_split(row["dataset"], split)
        published_row = numbers.get(row["dataset"], {}) if is_published else {}
        for measure in _MEASURES:
            published = published_row.get(keys.get(measure.key))
            cells = paper_numbers.beside(row[measure.key], published)
            head = {key: row[key] for key in ("dataset", "one", "other")}
            rows.append({**head, "measure": measure.title, **cells})
    columns = {**heads, **paper_numbers.columns()}
    return Table("published", "Against the original", columns, rows)
