"""Tables of a study's report: first clicks of two display modes, or of two devices.

The numbers are those that `rclicks-evaluate --compare_clicks` computes on an export,
with the two halves of the same people as the ceiling beside each comparison.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.collection import words
from rclicks_jax.collection.results import power
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.results.report_facts import Study, grouped
from rclicks_jax.data.click_pairs import MOBILE, PC, ClickPair
from rclicks_jax.evaluation import agreements, click_agreement_tables
from rclicks_jax.evaluation.agreements import Agreement
from rclicks_jax.reporting.table_formats import Row, Table

# With fewer people, no exchange of their modes is seldom enough.
_FEWEST_PEOPLE = 6
_EXCHANGES = 999
_KS = "KS tells few sets of fewer than 50 clicks apart."
_HEADS = ("dataset", "one", "other")
# What is compared, as evaluations name it.
_MODE, _DEVICE = "display_mode", "device"


class _Sets(NamedTuple):
    """Two sets of clicks on the same tasks.

    Attributes:
        group: Name of what both are of; empty if that is the whole study.
        one: Name of the first set.
        other: Name of the second.
        rows: The clicks of both.
        second: Whether each is of the second set.
        tasks: The agreement on each task; skipped where one set has too few clicks.
    """

    group: str
    one: str
    other: str
    rows: list[Click]
    second: list[bool]
    tasks: list[Agreement]


def pairs_of_modes(study: Study) -> Table:
    """Compares first clicks of each two display modes, on all devices together."""
    data = _first_clicks(study)
    shown = [mode for mode in words.MODES if any(row.mode == mode for row in data)]
    sets = [
        _sets(_MODE, "", pair, rows, [row.mode == pair[1] for row in rows], study)
        for pair in itertools.combinations(shown, 2)
        if (rows := [row for row in data if row.mode in pair])
    ]
    title = "Display modes compared on the same tasks"
    return _table("pairs_of_modes", title, sets, _MODE)


def pairs_of_devices(study: Study) -> Table:
    """Compares first clicks by PC and by phone, in each display mode."""
    both = [row for row in _first_clicks(study) if row.device in (PC, MOBILE)]
    sets = [
        _sets(_DEVICE, mode, (PC, MOBILE), rows, second, study)
        for (mode,), rows in grouped(both, ("mode",))
        if (second := [row.device == MOBILE for row in rows])
    ]
    title = "Phones compared with PCs on the same tasks"
    return _table("pairs_of_devices", title, sets, _DEVICE)


def _first_clicks(study: Study) -> list[Click]:
    return [row for row in study.found.data() if row.task.click_type == "first"]


def _sets(
    compared: str,
    group: str,
    names: tuple[str, str],
    rows: list[Click],
    second: list[bool],
    study: Study,
) -> _Sets:
    tasks: dict[str, tuple[list[Click], list[Click]]] = {}
    for row, is_second in zip(rows, second, strict=True):
        tasks.setdefault(row.task.task_id, ([], []))[is_second].append(row)
    found: list[Agreement] = []
    for one, other in tasks.values():
        y0, y1, x0, x1 = (one or other)[0].task.box
        pair = _pair(group, names, one, other, study)
        found.append(agreements.in_box(pair, compared, (y1 - y0, x1 - x0)))
    found.sort(key=lambda task: task.click_set_id)
    return _Sets(group, *names, rows, second, found)


def _pair(
    group: str,
    names: tuple[str, str],
    one: Sequence[Click],
    other: Sequence[Click],
    study: Study,
) -> ClickPair:
    task, labels = (one or other)[0].task, study.found.labels

    def places(rows: Sequence[Click]) -> np.ndarray:
        yx = [(row.click.y, row.click.x) for row in rows]
        return np.array(yx, np.int32).reshape(-1, 2)

    def people(rows: Sequence[Click]) -> tuple[str, ...]:
        return tuple(labels[row.session.person_id] for row in rows)

    return ClickPair(
        dataset=group,
        click_set_id=task.full_stem,
        image_id=task.image_stem,
        click_type=task.click_type,
        one=names[0],
        other=names[1],
        one_yx=places(one),
        other_yx=places(other),
        gt_mask=None,
        problem="",
        one_people=people(one),
        other_people=people(other),
    )


def _table(name: str, title: str, sets: Sequence[_Sets], compared: str) -> Table:
    """Returns the table of an evaluation, with people, clicks and p beside it."""
    known = [item for item in sets if any(t.status == "ok" for t in item.tasks)]
    made = click_agreement_tables.means([t for s in known for t in s.tasks], compared)
    further = {(item.group, item.one, item.other): _further(item) for item in known}
    rows: list[Row] = [
        {**row, **further.get(tuple(row[key] for key in _HEADS), {})}
        for row in made.rows
    ]
    columns = {
        "dataset": ("Display mode", "s"),
        **{key: made.columns[key] for key in made.columns if key not in _HEADS[:1]},
        "people": ("people", "d"),
        "clicks": ("clicks", "d"),
        "p": ("p", ".3f"),
    }
    del columns["click_type"]
    if compared == _MODE:
        del columns["dataset"]
    notes = (
        "First clicks; distances are in sides of the object's box, and means are over "
        "tasks with enough clicks of both (ok). Energy distance is 0 on average for "
        f"sets alike. p: share of {_EXCHANGES} exchanges among people that give as "
        f"large a one; fewer than {_FEWEST_PEOPLE} people give none.",
        *made.notes,
        _KS,
    )
    return dataclasses.replace(
        made, name=name, title=title, columns=columns, rows=rows, notes=notes
    )


def _further(sets: _Sets) -> Row:
    """Returns numbers of people and clicks on the tasks that are compared, and p."""
    finished = {task.click_set_id for task in sets.tasks if task.status == "ok"}
    kept = [row.task.full_stem in finished for row in sets.rows]
    rows = list(itertools.compress(sets.rows, kept))
    clicks, tasks = power.clicks_of(rows, list(itertools.compress(sets.second, kept)))
    people = len({row.session.person_id for row in rows})
    generator = np.random.Generator(np.random.Philox(0))
    enough = people >= _FEWEST_PEOPLE
    p = power.p_value(clicks, tasks, generator, _EXCHANGES) if enough else None
    return {"people": people, "clicks": len(rows), "p": p}
