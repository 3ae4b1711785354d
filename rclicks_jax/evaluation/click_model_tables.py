"""Tables of an evaluation of click models: means, differences, and the paper's form.

Source of the paper's form: emb-ai/rclicks, scripts/prepare_click_models_tables.py.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from rclicks_jax.evaluation.click_scores import (
    ALL,
    FURTHER,
    KINDS,
    PAPER,
    ClickMeasure,
    Scores,
    parts,
)
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Row, Table

_PAPER_ORDER = ("ks", "pl1", "wd", "nss", "pde")
_PAPER_FORMS = {"ks": ".2f", "pl1": ".2f", "wd": ".2f", "nss": ".2f", "pde": ".2E"}
# Click models stand in the paper's order; networks come last.
_SIMPLE = ("UD", "DT", "SI", "SM")
# Splits that hold what the paper's tables are of, TETRIS val.
_VALIDATION = ("val", "held_out")
_SIGMA = "sigma"
_UNDEFINED = "undefined"


def means(scores: Sequence[Scores]) -> Table:
    """The paper's five metrics with 95 % intervals, and how many tasks they are of."""
    title = "How well click maps predict the clicks that were made"
    return _means("click_models", title, PAPER, scores)


def further(scores: Sequence[Scores]) -> Table:
    """Metrics that people who work on saliency expect, with 95 % intervals."""
    known = [
        one
        for one in FURTHER
        if any(np.isfinite(each.values[one.key]).any() for each in scores)
    ]
    made = _means("click_models_further", "Further metrics of maps", known, scores)
    return made if known else dataclasses.replace(made, rows=[])


def _means(
    name: str, title: str, measured: Sequence[ClickMeasure], scores: Sequence[Scores]
) -> Table:
    columns = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "model": ("Model", "s"),
        "input_device": ("Clicks by", "s"),
        "ok": ("ok", "d"),
        "skipped": ("skipped", "d"),
        "failed": ("failed", "d"),
    }
    columns |= {one.key: (one.title, one.form) for one in measured}
    rows: list[Row] = []
    for one, kind in parts(scores):
        if not one.adds(kind):
            continue
        row: Row = {"dataset": one.dataset, "click_type": kind, "model": one.model}
        row["input_device"] = ", ".join(sorted(one.input_devices))
        row |= one.counts[kind]
        row |= {measure.key: one.interval(measure.key, kind) for measure in measured}
        row[_UNDEFINED] = _undefined(one, kind, measured)
        rows.append(row)
    if any(row[_UNDEFINED] for row in rows):
        columns[_UNDEFINED] = ("Not defined in", "s")
    return Table(name, title, columns, rows)


def _undefined(one: Scores, kind: str, measured: Sequence[ClickMeasure]) -> str:
    """Says in how many tasks that are `ok` a metric is in no mean."""
    inside = one.of(kind)
    missing = {
        measure.title.split()[0]: int(np.isnan(one.values[measure.key][inside]).sum())
        for measure in measured
    }
    return ", ".join(f"{title} {count}" for title, count in missing.items() if count)


def differences(scores: Sequence[Scores]) -> Table:
    """Paired differences of every two click models on the tasks that both have."""
    title = "Differences on the same tasks, with 95 % intervals"
    return _differences("click_model_differences", title, PAPER, scores)


def further_differences(scores: Sequence[Scores]) -> Table:
    """Paired differences in the further metrics."""
    title = "Differences in further metrics, with 95 % intervals"
    return _differences("click_model_differences_further", title, FURTHER, scores)


def _differences(
    name: str, title: str, measured: Sequence[ClickMeasure], scores: Sequence[Scores]
) -> Table:
    columns = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "one": ("Model", "s"),
        "other": ("minus", "s"),
        "measure": ("Measure", "s"),
        "tasks": ("tasks", "d"),
        "difference": ("Difference", "+.3g"),
        "told_apart": ("told apart", "s"),
    }
    pairs = [
        pair
        for pair in itertools.combinations(scores, 2)
        if pair[0].dataset == pair[1].dataset
    ]
    rows = [
        row
        for (one, other), kind in itertools.product(pairs, KINDS)
        if one.adds(kind)
        for row in _between(one, other, kind, measured)
    ]
    return Table(name, title, columns, rows)


def _between(
    one: Scores, other: Scores, kind: str, measured: Sequence[ClickMeasure]
) -> Iterator[Row]:
    """Yields a row for each measure in which two click models can be compared."""
    first, second = _shared(one, other, kind)
    for measure in measured:
        values = one.values[measure.key][first], other.values[measure.key][second]
        between = intervals.difference(*values, one.image_ids[first].tolist())
        if between is not None:
            yield {
                "dataset": one.dataset,
                "click_type": kind,
                "one": one.model,
                "other": other.model,
                "measure": measure.title,
                "tasks": int(np.isfinite(values[0] - values[1]).sum()),
                "difference": between,
                "told_apart": intervals.told_apart(between, one.side == other.side),
            }


def _shared(one: Scores, other: Scores, kind: str) -> tuple[list[int], list[int]]:
    """Returns where the tasks of a kind that both finished stand in each."""
    places = {name: number for number, name in enumerate(other.task_ids)}
    of_kind = np.flatnonzero(one.of(kind)).tolist()
    both = [
        (number, places[one.task_ids[number]])
        for number in of_kind
        if one.task_ids[number] in places
    ]
    return [first for first, _ in both], [second for _, second in both]


def on_tetris_val(scores: Sequence[Scores]) -> Table:
    """TETRIS val: all tasks pooled, a row a click model (Table 3)."""
    inside = [one for one in scores if _is_tetris_val(one)]
    columns = {"model": ("Model", "s"), **_paper_columns(_PAPER_FORMS)}
    rows = [{"model": one.model, **_paper_row(one)} for one in in_order(inside)]
    return Table(
        "click_models_on_tetris_val",
        "Click models on TETRIS val (paper Table 3)",
        columns,
        rows,
    )


def by_dataset(scores: Sequence[Scores]) -> Table:
    """Every dataset: all tasks pooled, a row a dataset and click model (Table 6)."""
    columns = {
        "dataset": ("Dataset", "s"),
        "model": ("Model", "s"),
        **_paper_columns(_PAPER_FORMS),
    }
    rows: list[Row] = [
        {"dataset": name, "model": one.model, **_paper_row(one)}
        for name in sorted({one.dataset for one in scores})
        for one in in_order([one for one in scores if one.dataset == name])
    ]
    return Table(
        "click_models_by_dataset",
        "Click models on all datasets (paper Table 6)",
        columns,
        rows,
    )


def by_sigma(scores: Sequence[Scores]) -> Table:
    """The sigma ablation: networks by the sigma of the maps they learnt (Table 7).

    Empty unless networks of two or more sigmas were evaluated.
    """
    networks = [one for one in scores if _SIGMA in one.described]
    networks.sort(key=lambda one: (one.dataset, one.described[_SIGMA]))
    columns = {
        "dataset": ("Dataset", "s"),
        "sigma": ("sigma", "g"),
        "model": ("Model", "s"),
        # The paper gives PL1 a third digit here.
        **_paper_columns({**_PAPER_FORMS, "pl1": ".3f"}),
    }
    rows: list[Row] = [
        {
            "dataset": one.dataset,
            "sigma": one.described[_SIGMA],
            "model": one.model,
            **_paper_row(one),
        }
        for one in networks
    ]
    several = len({row["sigma"] for row in rows}) > 1
    title = "Networks by the width of the maps they learnt (paper Table 7)"
    return Table("click_models_by_sigma", title, columns, rows if several else [])


PAPER_MAKERS = (on_tetris_val, by_dataset, by_sigma)
MAKERS = (means, further, differences, further_differences, *PAPER_MAKERS)


def make_all(scores: Sequence[Scores]) -> list[Table]:
    """Returns every table that the scores have rows for; the means come first."""
    return [table for make in MAKERS if (table := make(scores)).rows]


def pooled(table: Table) -> Table:
    """Returns the rows over all kinds of tasks, for a terminal."""
    rows = [row for row in table.rows if row["click_type"] == ALL]
    columns = {k: v for k, v in table.columns.items() if k != "click_type"}
    return dataclasses.replace(table, columns=columns, rows=rows)


def in_order(scores: Sequence[Scores]) -> list[Scores]:
    """Returns click models in the paper's order: UD, DT, SI, SM, networks."""

    def place(one: Scores) -> int:
        name = one.described["name"].partition(" ")[0]
        return _SIMPLE.index(name) if name in _SIMPLE else len(_SIMPLE)

    return sorted(scores, key=place)


def _is_tetris_val(one: Scores) -> bool:
    return one.dataset == "TETRIS" and one.split in _VALIDATION


def _paper_columns(forms: dict[str, str]) -> dict[str, tuple[str, str]]:
    titles = {one.key: one.title for one in PAPER}
    return {key: (titles[key], forms[key]) for key in _PAPER_ORDER}


def _paper_row(one: Scores) -> Row:
    return {key: one.mean(key) for key in _PAPER_ORDER}
