"""Tables of click models: means, paired differences, and the tables of the paper.

Source of the paper's tables: emb-ai/rclicks, scripts/prepare_click_models_tables.py.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from rclicks_jax.evaluation import click_scores
from rclicks_jax.evaluation.click_scores import (
    ALL,
    ENERGY,
    FURTHER,
    KINDS,
    MAIN,
    OF_HALVES,
    PAPER,
    ClickMeasure,
    Scores,
    parts,
)
from rclicks_jax.evaluation.clicks_of_people import PEOPLE_KNOWN, PEOPLE_UNKNOWN
from rclicks_jax.metrics import intervals, people_intervals
from rclicks_jax.reporting.table_formats import Row, Table

_PAPER_ORDER = ("ks", "pl1", "wd", "nss", "pde")
_PAPER_FORMS = {"ks": ".2f", "pl1": ".2f", "wd": ".2f", "nss": ".2f", "pde": ".2E"}
# Click models stand in the paper's order; networks come last.
_SIMPLE = ("UD", "DT", "SI", "SM")
# Names of the split that the paper's tables use, TETRIS val.
_VALIDATION = ("val", "held_out")
_SIGMA = "sigma"
_UNDEFINED = "undefined"
_ABOUT_HALVES = (
    "People, in halves: the clicks of one half of people against those of the other, "
    "which is as near as a set of clicks gets. PL1 is less than that for a map that is "
    "pulled to the middle; energy distance is 0 for maps like people and above 0 for "
    "all others. Halves have fewer clicks than a task, for which WD is larger, and KS "
    "tells fewer sets apart."
)


def means(scores: Sequence[Scores]) -> Table:
    """Makes the table of the paper's metrics and energy distance, with intervals.

    The last row of each kind of tasks has people themselves, one half against the
    other.
    """
    title = "How well click maps predict the clicks that were made"
    known = _known((ENERGY,), scores)
    shown = [measure for measure in MAIN if measure != ENERGY or known]
    table = _means("click_models", title, shown, scores)
    rows: list[Row] = []
    for _, group in itertools.groupby(table.rows, _part_of_row):
        rows += group
        rows += _of_halves(rows[-1], scores)
    notes = [_ABOUT_HALVES] if len(rows) > len(table.rows) else []
    if notes:
        known = all(part.people for part in scores if part.counts[ALL]["ok"])
        notes.append(PEOPLE_KNOWN if known else PEOPLE_UNKNOWN)
    return dataclasses.replace(table, rows=rows, notes=tuple(notes))


def _part_of_row(row: Row) -> tuple[str, str]:
    return row["dataset"], row["click_type"]


def _of_halves(row: Row, scores: Sequence[Scores]) -> Iterator[Row]:
    """Yields the row of people in halves that stands below a row, if there is one."""
    part = next(each for each in scores if each.dataset == row["dataset"])
    means = {key: part.interval_of_halves(key, row["click_type"]) for key in OF_HALVES}
    if not any(means.values()):
        return
    known = np.isfinite(part.halves["pl1"][part.of(row["click_type"])])
    heads = ("dataset", "click_type", "input_device")
    head = {key: row[key] for key in heads}
    yield {**head, "model": "people, in halves", "ok": int(known.sum()), **means}


def further(scores: Sequence[Scores]) -> Table:
    """Makes the table of metrics known from saliency prediction, with intervals."""
    known = _known(FURTHER, scores)
    table = _means("click_models_further", "Further metrics of maps", known, scores)
    return table if known else dataclasses.replace(table, rows=[])


def _known(
    measures: Sequence[ClickMeasure], scores: Sequence[Scores]
) -> list[ClickMeasure]:
    """Returns the metrics that some task has; older records do not have all."""
    return [
        measure
        for measure in measures
        if any(
            np.isfinite(model_scores.values[measure.key]).any()
            for model_scores in scores
        )
    ]


def _means(
    name: str, title: str, measures: Sequence[ClickMeasure], scores: Sequence[Scores]
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
    columns |= {measure.key: (measure.title, measure.form) for measure in measures}
    rows: list[Row] = []
    for part, kind in parts(scores):
        if not part.adds(kind):
            continue
        row: Row = {"dataset": part.dataset, "click_type": kind, "model": part.model}
        row["input_device"] = ", ".join(sorted(part.input_devices))
        row |= part.counts[kind]
        row |= {measure.key: part.interval(measure.key, kind) for measure in measures}
        row[_UNDEFINED] = _undefined(part, kind, measures)
        rows.append(row)
    if any(row[_UNDEFINED] for row in rows):
        columns[_UNDEFINED] = ("Not defined in", "s")
    return Table(name, title, columns, rows, resampled=people_intervals.OVER)


def _undefined(scores: Scores, kind: str, measures: Sequence[ClickMeasure]) -> str:
    """Returns, for each metric, the number of `ok` tasks where it is not defined."""
    inside = scores.of(kind)
    missing = {
        measure.title.split()[0]: int(
            np.isnan(scores.values[measure.key][inside]).sum()
        )
        for measure in measures
    }
    return ", ".join(f"{title} {count}" for title, count in missing.items() if count)


def differences(scores: Sequence[Scores]) -> Table:
    """Makes the table of paired differences of two click models on shared tasks."""
    title = "Differences on the same tasks, with 95 % intervals"
    return _differences("click_model_differences", title, MAIN, scores)


def further_differences(scores: Sequence[Scores]) -> Table:
    """Makes the table of paired differences in the further metrics."""
    title = "Differences in further metrics, with 95 % intervals"
    return _differences("click_model_differences_further", title, FURTHER, scores)


def _differences(
    name: str, title: str, measures: Sequence[ClickMeasure], scores: Sequence[Scores]
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
        for (first, second), kind in itertools.product(pairs, KINDS)
        if first.adds(kind)
        for row in _between(first, second, kind, measures)
    ]
    return Table(name, title, columns, rows, resampled=people_intervals.OVER)


def _between(
    first: Scores, second: Scores, kind: str, measures: Sequence[ClickMeasure]
) -> Iterator[Row]:
    """Yields a row for each measure that two click models have on shared tasks."""
    first_places, second_places = _shared(first, second, kind)
    for measure in measures:
        values = (
            first.values[measure.key][first_places],
            second.values[measure.key][second_places],
        )
        difference = click_scores.difference(
            first, second, (first_places, second_places), measure.key
        )
        if difference is not None:
            yield {
                "dataset": first.dataset,
                "click_type": kind,
                "one": first.model,
                "other": second.model,
                "measure": measure.title,
                "tasks": int(np.isfinite(values[0] - values[1]).sum()),
                "difference": difference,
                "told_apart": intervals.told_apart(
                    difference, first.side == second.side
                ),
            }


def _shared(first: Scores, second: Scores, kind: str) -> tuple[list[int], list[int]]:
    """Returns the positions, in each of two scores, of the tasks that both finished."""
    positions = {name: number for number, name in enumerate(second.task_ids)}
    of_kind = np.flatnonzero(first.of(kind)).tolist()
    pairs = [
        (number, positions[first.task_ids[number]])
        for number in of_kind
        if first.task_ids[number] in positions
    ]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def on_tetris_val(scores: Sequence[Scores]) -> Table:
    """Makes the table of TETRIS val over all tasks (paper Table 3)."""
    inside = [model_scores for model_scores in scores if _is_tetris_val(model_scores)]
    columns = {"model": ("Model", "s"), **_paper_columns(_PAPER_FORMS)}
    rows = [
        {"model": model_scores.model, **_paper_row(model_scores)}
        for model_scores in in_order(inside)
    ]
    return Table(
        "click_models_on_tetris_val",
        "Click models on TETRIS val (paper Table 3)",
        columns,
        rows,
    )


def by_dataset(scores: Sequence[Scores]) -> Table:
    """Makes the table of every dataset over all tasks (paper Table 6)."""
    columns = {
        "dataset": ("Dataset", "s"),
        "model": ("Model", "s"),
        **_paper_columns(_PAPER_FORMS),
    }
    rows: list[Row] = [
        {"dataset": name, "model": model_scores.model, **_paper_row(model_scores)}
        for name in sorted({model_scores.dataset for model_scores in scores})
        for model_scores in in_order(
            [model_scores for model_scores in scores if model_scores.dataset == name]
        )
    ]
    return Table(
        "click_models_by_dataset",
        "Click models on all datasets (paper Table 6)",
        columns,
        rows,
    )


def by_sigma(scores: Sequence[Scores]) -> Table:
    """Makes the sigma ablation: networks by sigma of their training (paper Table 7).

    It is empty unless networks of two or more sigmas were evaluated.
    """
    networks = [network for network in scores if _SIGMA in network.described]
    networks.sort(key=lambda network: (network.dataset, network.described[_SIGMA]))
    columns = {
        "dataset": ("Dataset", "s"),
        "sigma": ("sigma", "g"),
        "model": ("Model", "s"),
        # The paper gives PL1 a third digit here.
        **_paper_columns({**_PAPER_FORMS, "pl1": ".3f"}),
    }
    rows: list[Row] = [
        {
            "dataset": network.dataset,
            "sigma": network.described[_SIGMA],
            "model": network.model,
            **_paper_row(network),
        }
        for network in networks
    ]
    several = len({row["sigma"] for row in rows}) > 1
    title = "Networks by the width of the maps they learnt (paper Table 7)"
    return Table("click_models_by_sigma", title, columns, rows if several else [])


PAPER_MAKERS = (on_tetris_val, by_dataset, by_sigma)
MAKERS = (means, further, differences, further_differences, *PAPER_MAKERS)


def make_all(scores: Sequence[Scores]) -> list[Table]:
    """Returns every table that has rows; the means come first."""
    return [table for make in MAKERS if (table := make(scores)).rows]


def pooled(table: Table) -> Table:
    """Returns a table with only the rows over all kinds of tasks, for a terminal."""
    rows = [row for row in table.rows if row["click_type"] == ALL]
    columns = {k: v for k, v in table.columns.items() if k != "click_type"}
    return dataclasses.replace(table, columns=columns, rows=rows)


def in_order(scores: Sequence[Scores]) -> list[Scores]:
    """Returns click models in the paper's order: UD, DT, SI, SM, networks."""

    def place(model_scores: Scores) -> int:
        name = str(model_scores.described["name"]).partition(" ")[0]
        return _SIMPLE.index(name) if name in _SIMPLE else len(_SIMPLE)

    return sorted(scores, key=place)


def _is_tetris_val(scores: Scores) -> bool:
    return scores.dataset == "TETRIS" and scores.split in _VALIDATION


def _paper_columns(forms: dict[str, str]) -> dict[str, tuple[str, str]]:
    titles = {measure.key: measure.title for measure in PAPER}
    return {key: (titles[key], forms[key]) for key in _PAPER_ORDER}


def _paper_row(scores: Scores) -> Row:
    return {key: scores.mean(key) for key in _PAPER_ORDER}
