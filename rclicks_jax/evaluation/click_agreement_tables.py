"""Tables of how alike two sets of people click."""

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
_MEASURES = tuple(one for one in PAPER if one.key in _KEYS)
_STATUSES = ("ok", "skipped", "failed")


def means(found: Sequence[Agreement], compared: str) -> Table:
    """Means with 95 % intervals by dataset, kind of task and what is compared.

    Args:
        found: Of every task.
        compared: What the two sets are.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "one": ("Clicks of", "s"),
        "other": ("against", "s"),
        **{status: (status, "d") for status in _STATUSES},
        **{one.key: (one.title, one.form) for one in _MEASURES},
    }
    rows: list[Row] = []
    for head, inside in _parts(found):
        row: Row = {**head, **dict.fromkeys(_STATUSES, 0)}
        for one in inside:
            row[one.status] += 1
        values = {key: [getattr(one, key) for one in inside] for key in _KEYS}
        image_ids = [one.image_id for one in inside]
        row |= {
            key: intervals.over_images(np.array(of_each), image_ids)
            for key, of_each in values.items()
        }
        rows.append(row)
    title = f"How alike: {COMPARED[compared]}"
    return Table("click_agreement", title, columns, rows, tuple(_of_other_tasks(found)))


def _of_other_tasks(found: Sequence[Agreement]) -> Iterator[str]:
    """Says so where rows of a dataset are of different tasks."""
    for dataset in sorted({one.dataset for one in found}):
        tasks: dict[tuple[str, str], set[str]] = {}
        for one in found:
            if one.dataset == dataset:
                finished = tasks.setdefault((one.one, one.other), set())
                finished |= {one.click_set_id} if one.status == "ok" else set()
        if len({frozenset(names) for names in tasks.values()}) > 1:
            common = len(set.intersection(*tasks.values()))
            yield (
                f"Rows of {dataset} are of different tasks, of which {common} are in "
                "all: compare the two sets of a row, not one row with another."
            )


def _parts(found: Sequence[Agreement]) -> Iterator[tuple[Row, list[Agreement]]]:
    """Yields the tasks of each dataset, pair of sets and kind, in order."""
    for dataset in sorted({one.dataset for one in found}):
        of_dataset = [one for one in found if one.dataset == dataset]
        for names in sorted({(one.one, one.other) for one in of_dataset}):
            for kind in KINDS:
                inside = [
                    one
                    for one in of_dataset
                    if (one.one, one.other) == names and kind in (ALL, one.click_type)
                ]
                if inside:
                    head = {"dataset": dataset, "click_type": kind}
                    yield {**head, "one": names[0], "other": names[1]}, inside


def tasks(found: Sequence[Agreement]) -> Table:
    """Every task as a row."""
    fields = [field.name for field in dataclasses.fields(Agreement)]
    columns = {name: (name, "") for name in fields}
    rows = [dataclasses.asdict(one) for one in found]
    return Table("click_agreement_tasks", "Every task", columns, rows)


def against_published(made: Table, compared: str, split: str) -> Table:
    """Sets means beside the original's numbers for PC and mobile.

    Its PL1 and WD are of mistaken points, so they stand beside ours only where ours
    repeat the mistake.

    Args:
        made: What `means` returned.
        compared: What the two sets are.
        split: Of the data; the original's numbers are of what the paper evaluates on.
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
    for row in made.rows:
        if row["click_type"] != ALL:
            continue
        there = paper_numbers.is_published_split(row["dataset"], split)
        known = numbers.get(row["dataset"], {}) if there else {}
        for measure in _MEASURES:
            published = known.get(keys.get(measure.key))
            cells = paper_numbers.beside(row[measure.key], published)
            head = {key: row[key] for key in ("dataset", "one", "other")}
            rows.append({**head, "measure": measure.title, **cells})
    columns = {**heads, **paper_numbers.columns()}
    return Table("published", "Against the original", columns, rows)
