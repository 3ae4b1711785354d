"""`rclicks-collect plan`: how many clicks and people a study needs, and why.

People come from a pilot (the clicks so far), from click models, or from an assumption.
"""

import contextlib
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
import tqdm

from rclicks_jax import errors
from rclicks_jax.collection.results import judged_clicks, power, status, task_maps
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import demand
from rclicks_jax.metrics import click_prediction
from rclicks_jax.reporting import table_formats

# Least clicks and people of a pilot.
_LEAST_CLICKS, _LEAST_PEOPLE = 40, 4
# Places that are drawn from a click map.
_PLACES = 1000
# Power that a study should have.
_GOAL = 0.8
_DEFAULT = "shift:0.05"


def run(
    folder: str,
    *,
    effect: str,
    click_models: Sequence[str] = (),
    tasks: int,
    simulations: int,
    seed: int,
) -> int:
    """Prints how many clicks and people a study needs; returns the exit status.

    Args:
        folder: The study.
        effect: As `power.parse_effect` takes it; empty for the default.
        click_models: One or two click models that people are assumed to click like.
        tasks: Number of tasks; those of the study if 0.
        simulations: Simulated studies for each number of clicks.
        seed: Seed of all draws.
    """
    if len(click_models) > 2:
        raise errors.BadValueError(
            "--click_models", ", ".join(click_models), "one or two"
        )
    effect = effect or ("models" if len(click_models) == 2 else _DEFAULT)
    wanted = power.parse_effect(effect)
    if simulations < 1 or tasks < 0:
        raise errors.BadValueError(
            "--simulations and --tasks", f"{simulations} and {tasks}", "1 or more"
        )
    if wanted.models != (len(click_models) == 2):
        raise errors.BadValueError(
            "--effect",
            f"{effect} with {len(click_models)} of --click_models",
            "models with two, whose difference it is; another effect with fewer",
        )
    if wanted.pilot and click_models:
        raise errors.BadValueError(
            "--effect", "pilot with --click_models", "one of the two"
        )
    opened = open_studies.open_for_commands(pathlib.Path(folder), read_only=True)
    with contextlib.closing(opened.store):
        main = opened.store.read(lambda db: catalogue.tasks(db, "main"))
        found = None if click_models else read_pilot(opened)
        study, source = opened.study, opened.desk.source
    first = [task for task in main if task.click_type == "first"]
    if not first:
        raise errors.DataError(
            f"{folder} has no task of first clicks: run rclicks-collect init {folder}."
        )
    if wanted.pilot and (found is None or found[1][0] == found[1][1]):
        raise errors.BadValueError(
            "--effect",
            "pilot",
            f"shift:SHARE or spread:FACTOR until two display modes have "
            f"{_LEAST_CLICKS} accepted clicks of {_LEAST_PEOPLE} people",
        )
    count = tasks or len(first)
    people: power.Clicks | power.Pools | None = found[0] if found else None
    models = task_maps.load(click_models)
    if models:
        people = pools(study, first[:count], models, seed=seed, show=True)
    made = power.table(
        count,
        study.config.study.per_person,
        wanted,
        people,
        simulations=simulations,
        seed=seed,
        show=True,
    )
    print(f"{made.title}; effect {effect}\n\n{table_formats.to_text(made)}")
    print(_answer(made.rows))
    print(_difference(wanted, list(models), found[1] if found else ("", "")))
    if models:
        print(
            f"People click as {' and '.join(models)} would, on the objects of "
            f"this study, and each has a habit: a shift of {power.HABIT:g} sides of "
            "the box (standard deviation). The habit is an assumption."
        )
    elif found is None:
        print(
            "There is no pilot yet: people are assumed, with a spread of "
            f"{power.SPREAD:g} and habits of {power.HABIT:g} sides of the box."
        )
    else:
        names = " and ".join(dict.fromkeys(found[1]))
        print(f"People are drawn from the clicks so far: {names}.")
        if source == "bots":
            print(status.BOTS)
    return 0


def _answer(rows: Sequence[table_formats.Row]) -> str:
    """Returns the least number of clicks that are enough, in words."""
    for row in rows:
        if row["power"] >= _GOAL:
            return (
                f"{row['clicks']} clicks a task and mode are the first with a power of "
                f"{_GOAL:.0%}: {row['all']} clicks of {row['people']} people."
            )
    return (
        f"No number of clicks up to {rows[-1]['clicks']} has a power of {_GOAL:.0%}: "
        "more tasks are needed, or a larger difference."
    )


def _difference(
    effect: power.Effect, models: Sequence[str], modes: tuple[str, str]
) -> str:
    """Returns what is to be found, in words."""
    if effect.models:
        return (
            f"Difference: one mode has clicks like {models[0]}, one like {models[1]}."
        )
    if effect.pilot:
        return f"Difference: that of {modes[0]} and {modes[1]} in the clicks so far."
    if effect.spread != 1:
        return (
            f"Difference: in one mode, clicks are {effect.spread:g} times as far from "
            "the middle of the object's box."
        )
    return (
        f"Difference: the clicks of one mode are shifted by {effect.shift:g} sides of "
        "the object's box."
    )


def pools(
    study: study_files.Study,
    tasks: Sequence[TaskFacts],
    models: dict[str, task_maps.Model],
    *,
    seed: int,
    show: bool = False,
) -> power.Pools:
    """Draws places from the maps of one or two click models, inside each region.

    Args:
        study: The study.
        tasks: Its tasks.
        models: The click models, by name; one stands for both display modes.
        seed: Seed of the draws.
        show: Whether a bar shows progress.

    Raises:
        DataError: Files of a task cannot be read.
    """
    drawn: list[list[np.ndarray]] = [[] for _ in models]
    bar = tqdm.tqdm(
        tasks, "click maps", disable=None if show else True, file=sys.stderr
    )
    for number, task in enumerate(bar):
        query = task_maps.query(study, task)
        y0, y1, x0, x1 = task.box
        sides, middle = np.array([y1 - y0, x1 - x0]), np.array([y0 + y1, x0 + x1]) / 2
        for which, model in enumerate(models.values()):
            click_map = model.map_of(query) * query.error_mask
            if not click_map.any():
                click_map = query.error_mask.astype(np.float32)
            distribution = click_prediction.as_distribution(click_map)
            generator = np.random.Generator(np.random.Philox((seed, number)))
            (yx,) = click_prediction.draw_clicks(distribution, 1, _PLACES, generator)
            drawn[which].append((yx + 0.5 - middle) / sides)
    return power.Pools(drawn[0], drawn[-1])


def read_pilot(
    opened: open_studies.Opened,
) -> tuple[power.Clicks, tuple[str, str]] | None:
    """Returns the accepted first clicks so far; None if they are too few.

    Returns:
        The clicks of the two display modes that have most, and their names; with one
        mode alone, the name stands twice.
    """
    study = opened.study
    policy, source = study.config.judgement, opened.desk.source
    found = opened.store.read(
        lambda db: judged_clicks.read(db, study.secret, policy, source)
    )
    rows = [row for row in found.data() if row.task.click_type == "first"]
    counts = dict.fromkeys(demand.modes_of(study.config), 0)
    for row in rows:
        counts[row.mode] = counts.get(row.mode, 0) + 1
    names = sorted(counts, key=lambda mode: -counts[mode])[:2]
    rows = [row for row in rows if row.mode in names]
    people = {row.session.person_id for row in rows}
    if len(rows) < _LEAST_CLICKS or len(people) < _LEAST_PEOPLE:
        return None
    pair = names[0], names[-1]
    second = [row.mode != pair[0] for row in rows]
    return power.clicks_of(rows, second)[0], pair
