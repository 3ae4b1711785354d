"""Tables that compare the clicks of two sets of people."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from rclicks_jax.evaluation import paper_numbers
from rclicks_jax.evaluation.choices import COMPARED
from rclicks_jax.evaluation.click_agreement import Agreement
from rclicks_jax.evaluation.click_scores import ALL, KINDS, PAPER
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Row, Table

_KEYS = ("pl1", "wd", "ks")
_MEASURES = tuple(measure for measure in PAPER if measure.key in _KEYS)
_STATUSES = ("ok", "skipped", "failed")


def means(agreements: Sequence[Agreement], compared: str) -> Table:
    """Makes the table of means with 95 % intervals by dataset, sets and kind of task.

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
    rows: list[Row] = []
    for head, inside in _parts(agreements):
        row: Row = {**head, **dict.fromkeys(_STATUSES, 0)}
        for task in inside:
            row[task.status] += 1
        values = {key: [getattr(task, key) for task in inside] for key in _KEYS}
        image_ids = [task.image_id for task in inside]
        row |= {
            key: intervals.over_images(np.array(values_of_metric), image_ids)
            for key, values_of_metric in values.items()
        }
        rows.append(row)
    title = f"How alike: {COMPARED[compared]}"
    return Table(
        "click_agreement", title, columns, rows, tuple(_notes_of_tasks(agreements))
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


def _parts(agreements: Sequence[Agreement]) -> Iterator[tuple[Row, list[Agreement]]]:
    """Yields the tasks of each dataset, pair of sets and kind, in order."""
    for dataset in sorted({task.dataset for task in agreements}):
        of_dataset = [task for task in agreements if task.dataset == dataset]
        for names in sorted({(task.one, task.other) for task in of_dataset}):
            for kind in KINDS:
                inside = [
                    task
                    for task in of_dataset
                    if (task.one, task.other) == names
                    and kind in (ALL, task.click_type)
                ]
                if inside:
                    head = {"dataset": dataset, "click_type": kind}
                    yield {**head, "one": names[0], "other": names[1]}, inside


def tasks(agreements: Sequence[Agreement]) -> Table:
    """Makes a table with a row for each task."""
    fields = [field.name for field in dataclasses.fields(Agreement)]
    columns = {name: (name, "") for name in fields}
    rows = [dataclasses.asdict(agreement) for agreement in agreements]
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
        if row["click_type"] != ALL:
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
