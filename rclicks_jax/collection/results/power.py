"""How many clicks and people tell two display modes, or two devices, apart.

Studies are simulated: people are drawn, each with a habit of their own, and click on
tasks in two modes, of which one is changed. The statistic is the energy distance of the
two sets of clicks of a task, in sides of the object's box, averaged over tasks; it is 0
for equal distributions and above it for any difference. Clicks of a person depend on
each other, so people are what is resampled, and what is exchanged for the test: all
clicks of a person change the mode together.
"""

import contextlib
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tqdm

from rclicks_jax import errors
from rclicks_jax.collection.results import judged_clicks
from rclicks_jax.metrics import energy
from rclicks_jax.reporting.table_formats import Row, Table

CLICKS = (10, 15, 20, 25, 30, 50)
_PERMUTATIONS = 99
LEVEL = 0.05
# Spread of clicks, and of people's habits, in sides of the object's box, where no pilot
# tells them. Assumptions.
SPREAD, HABIT = 0.17, 0.05


class Effect(NamedTuple):
    """The difference that a study is to find.

    Attributes:
        shift: Shift of one mode's clicks, in sides of the box.
        spread: Factor of the spread of one mode's clicks.
        pilot: Whether the difference is that of the clicks so far.
        models: Whether the difference is that of two click models.
    """

    shift: float = 0.0
    spread: float = 1.0
    pilot: bool = False
    models: bool = False


class Clicks(NamedTuple):
    """Clicks in two modes, in sides of the objects' boxes.

    Attributes:
        places: Places from the middle of the box, `f64[n 2]`.
        task: Number of the task of each, `i64[n]`.
        person: Number of the person of each, `i64[n]`.
        mode: 0 or 1 of each, `i64[n]`.
    """

    places: np.ndarray
    task: np.ndarray
    person: np.ndarray
    mode: np.ndarray


class Pools(NamedTuple):
    """Places that click models expect, from which simulated people draw theirs.

    Attributes:
        one: Places in the first mode, in sides of the box, `f64[n 2]` for each task.
        other: Places in the second mode.
    """

    one: Sequence[np.ndarray]
    other: Sequence[np.ndarray]


def parse_effect(text: str) -> Effect:
    """Parses `shift:SHARE`, `spread:FACTOR`, `pilot`, or `models`.

    Raises:
        BadValueError: It is none of these.
    """
    kind, _, number = text.partition(":")
    if text == "pilot":
        return Effect(pilot=True)
    if text == "models":
        return Effect(models=True)
    with contextlib.suppress(ValueError):
        value = float(number)
        if kind == "shift" and 0 <= value < 10:
            return Effect(shift=value)
        if kind == "spread" and 0 < value < 10:
            return Effect(spread=value)
    raise errors.BadValueError(
        "--effect", text, "shift:SHARE of the box, spread:FACTOR, pilot, or models"
    )


def mean_energy(clicks: Clicks, tasks: int, flips: np.ndarray) -> np.ndarray:
    """Returns the mean energy distance over tasks, for exchanges of people's modes.

    Args:
        clicks: Clicks in two modes.
        tasks: Number of tasks.
        flips: Whether each person's modes are exchanged, `bool[p people]`.

    Returns:
        `f64[p]`; tasks without two clicks of each mode are left out.
    """
    from scipy.spatial.distance import cdist

    total, count = np.zeros(len(flips)), np.zeros(len(flips))
    order = np.argsort(clicks.task, kind="stable")
    ends = np.searchsorted(clicks.task[order], np.arange(tasks + 1))
    for start, end in itertools.pairwise(ends):
        own = order[start:end]
        places = clicks.places[own]
        apart = cdist(places, places)
        second = (clicks.mode[own] == 1) ^ flips[:, clicks.person[own]]
        one, other = second.astype(np.float64), (~second).astype(np.float64)
        # All clicks are in both sets, with weight 1 in one of them and 0 in the other.
        values = energy.weighted(energy.Distances(apart, apart, apart), one, other)
        enough = np.isfinite(values)
        total += np.where(enough, values, 0)
        count += enough
    return total / np.maximum(count, 1)


def finds(clicks: Clicks, tasks: int, generator: np.random.Generator) -> bool:
    """Tells whether a study finds a difference, by exchanging people's modes."""
    return p_value(clicks, tasks, generator) <= LEVEL


def p_value(
    clicks: Clicks,
    tasks: int,
    generator: np.random.Generator,
    permutations: int = _PERMUTATIONS,
) -> float:
    """Returns how seldom exchanges of people's modes give as large a difference.

    Args:
        clicks: Clicks in two modes.
        tasks: Number of tasks.
        generator: Of all draws.
        permutations: Exchanges that are tried.
    """
    values = mean_energy(clicks, tasks, _exchanges(clicks, permutations, generator))
    # Half of the exchanges are the other half's mirror: equal values count as larger.
    return float((values >= values[0] - 1e-12).mean())


def _exchanges(
    clicks: Clicks, count: int, generator: np.random.Generator
) -> np.ndarray:
    """Returns whose modes are exchanged: nobody's, then at random, `bool[p people]`.

    People with clicks in both modes exchange their own. Those with one mode, or device,
    exchange it among each other: as many people as before have each.
    """
    people = int(clicks.person.max()) + 1
    flips = generator.random((count + 1, people)) < 0.5
    has = np.zeros((2, people), bool)
    has[clicks.mode, clicks.person] = True
    alone = np.flatnonzero(has[0] ^ has[1])
    own = has[1, alone]
    flips[:, alone] = generator.permuted(np.tile(own, (count + 1, 1)), axis=1) ^ own
    flips[0] = False
    return flips


def simulated(
    tasks: int,
    clicks: int,
    per_person: int,
    effect: Effect,
    generator: np.random.Generator,
    pools: Pools | None = None,
) -> Clicks:
    """Returns clicks of a simulated study without a pilot.

    Each person does half of their tasks in each mode, and has a habit: a shift of all
    clicks.

    Args:
        tasks: Number of tasks.
        clicks: Clicks for each task and mode.
        per_person: Tasks of a person.
        effect: What is changed in the second mode.
        generator: Of all draws.
        pools: Places that click models expect; None for a normal distribution.
    """
    task, mode = (
        part.ravel() for part in np.meshgrid(np.arange(tasks), [0, 1], indexing="ij")
    )
    task, mode = np.repeat(task, clicks), np.repeat(mode, clicks)
    person = _persons(task, mode, per_person, generator)
    habits = generator.normal(0, HABIT, (int(person.max()) + 1, 2))
    if pools is None:
        places = generator.normal(0, SPREAD, (len(task), 2))
    else:
        places = _from_pools(pools, task, mode, generator)
    return Clicks(_changed(places + habits[person], mode, effect), task, person, mode)


def _from_pools(
    pools: Pools, task: np.ndarray, mode: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Draws places for clicks; tasks beyond those of the pools use them again."""
    places = np.empty((len(task), 2))
    for which, pool in enumerate((pools.one, pools.other)):
        for number, known in enumerate(pool):
            own = np.flatnonzero((mode == which) & (task % len(pool) == number))
            places[own] = known[generator.integers(len(known), size=len(own))]
    return places


def _persons(
    task: np.ndarray, mode: np.ndarray, per_person: int, generator: np.random.Generator
) -> np.ndarray:
    """Gives each click a person, so that nobody has a task twice.

    Clicks of a mode are dealt by rounds over the tasks: a round has each task once.
    """
    tasks = int(task.max()) + 1
    half = max(1, min(per_person, tasks) // 2)
    parts = -(-tasks // half)
    round_of = np.zeros(len(task), np.int64)
    for number, which in itertools.product(range(tasks), (0, 1)):
        own = np.flatnonzero((task == number) & (mode == which))
        round_of[own] = np.arange(len(own))
    shuffles = np.array(
        [generator.permutation(tasks) for _ in range(int(round_of.max()) + 1)]
    )
    # A person's share of the second mode is of other tasks than of the first.
    place = (shuffles[round_of, task] + mode * half) % tasks
    return round_of * parts + place // half


def _changed(places: np.ndarray, mode: np.ndarray, effect: Effect) -> np.ndarray:
    changed = places * effect.spread
    changed[:, 0] += effect.shift
    return np.where((mode == 1)[:, None], changed, places)


def resampled(
    pilot: Clicks,
    tasks: int,
    clicks: int,
    effect: Effect,
    generator: np.random.Generator,
) -> Clicks:
    """Returns clicks of a study whose people and tasks are drawn from a pilot.

    Args:
        pilot: Clicks of the pilot; both modes of it are used as they are for the effect
            `pilot`, else all its clicks stand for the first mode.
        tasks: Number of tasks.
        clicks: Clicks for each task and mode.
        effect: What is changed in the second mode.
        generator: Of all draws.
    """
    people = int(pilot.person.max()) + 1
    of_person = [np.flatnonzero(pilot.person == p) for p in range(people)]
    chosen: list[np.ndarray] = []
    wanted = 2 * clicks * tasks
    while sum(map(len, chosen)) < wanted:
        chosen.append(of_person[generator.integers(people)])
    rows = np.concatenate(chosen)[:wanted]
    person = np.repeat(np.arange(len(chosen)), [len(own) for own in chosen])[:wanted]
    if effect.pilot:
        mode = pilot.mode[rows]
        # Which task of the plan a click stands for keeps its task of the pilot.
        task = pilot.task[rows] % tasks
        return Clicks(pilot.places[rows], task, person, mode)
    task = generator.permutation(np.repeat(np.arange(tasks), 2 * clicks))
    mode = generator.integers(0, 2, len(rows))
    return Clicks(_changed(pilot.places[rows], mode, effect), task, person, mode)


def clicks_of(
    rows: Sequence[judged_clicks.Row], second: Sequence[bool]
) -> tuple[Clicks, int]:
    """Returns clicks in two modes, or of two devices, and the number of their tasks.

    Args:
        rows: The clicks.
        second: Whether each is in the second mode.
    """
    people = sorted({row.session.person_id for row in rows})
    tasks = sorted({row.task.task_id for row in rows})
    person_of = {person: number for number, person in enumerate(people)}
    task_of = {task: number for number, task in enumerate(tasks)}
    return Clicks(
        np.array([place_in_box(row) for row in rows]).reshape(-1, 2),
        np.array([task_of[row.task.task_id] for row in rows], np.int64),
        np.array([person_of[row.session.person_id] for row in rows], np.int64),
        np.array(second, np.int64),
    ), len(tasks)


def place_in_box(row: judged_clicks.Row) -> tuple[float, float]:
    """Returns the place of a click `(y, x)` from the middle, in sides of the box."""
    y0, y1, x0, x1 = row.task.box
    down = (row.click.y + 0.5 - (y0 + y1) / 2) / (y1 - y0)
    right = (row.click.x + 0.5 - (x0 + x1) / 2) / (x1 - x0)
    return down, right


def table(
    tasks: int,
    per_person: int,
    effect: Effect,
    people: Clicks | Pools | None,
    *,
    simulations: int,
    seed: int,
    clicks: Sequence[int] = CLICKS,
    show: bool = False,
) -> Table:
    """Returns the power for numbers of clicks.

    Args:
        tasks: Number of tasks.
        per_person: Tasks of a person.
        effect: The difference that is to be found.
        people: Clicks of a pilot, or places of click models, to draw people from; None
            for people by assumption.
        simulations: Simulated studies for each number of clicks.
        seed: Seed of all draws.
        clicks: Clicks for each task and mode.
        show: Whether a bar shows progress.
    """
    rows: list[Row] = []
    for number in tqdm.tqdm(clicks, "clicks", disable=None if show else True):
        generator = np.random.Generator(np.random.Philox((seed, number)))
        found = 0
        for _ in range(simulations):
            if isinstance(people, Clicks):
                drawn = resampled(people, tasks, number, effect, generator)
            else:
                drawn = simulated(tasks, number, per_person, effect, generator, people)
            found += finds(drawn, tasks, generator)
        share = found / simulations
        rows.append(
            {
                "clicks": number,
                "all": 2 * number * tasks,
                "people": math.ceil(2 * number * tasks / per_person),
                "power": share,
                "error": math.sqrt(share * (1 - share) / simulations),
            }
        )
    columns = {
        "clicks": ("clicks a task and mode", "d"),
        "all": ("clicks of two modes", "d"),
        "people": ("people", "d"),
        "power": ("power", ".0%"),
        "error": ("its error", ".0%"),
    }
    notes = (
        f"Power: share of {simulations} simulated studies that find the difference at "
        f"a level of {LEVEL:.0%}: the energy distance of the clicks of two modes on a "
        f"task, averaged over tasks, is compared with those of {_PERMUTATIONS} "
        "exchanges of people's modes.",
        "People: for two modes, if all their clicks are accepted; invite more.",
    )
    return Table("plan", f"Studies with {tasks} tasks", columns, rows, notes)
