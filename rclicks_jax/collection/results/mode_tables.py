"""Tables of a study's report: where clicks fall in each display mode."""

import itertools

import numpy as np

from rclicks_jax.collection import words
from rclicks_jax.collection.results import power
from rclicks_jax.collection.results.report_facts import Study, grouped
from rclicks_jax.reporting.table_formats import Row, Table

# With fewer people, no exchange of their modes is seldom enough.
_FEWEST_PEOPLE = 6
_EXCHANGES = 999


def modes(study: Study) -> Table:
    """Returns where clicks fall in each display mode, in sides of the region's box."""
    rows: list[Row] = []
    groups = grouped(study.found.data(), ("click_type", "mode", "device"))
    for (click_type, mode, device), own in groups:
        places = np.array([power.place_in_box(row) for row in own])
        radial = np.hypot(*places.T)
        rows.append(
            {
                "click_type": click_type,
                "mode": mode,
                "device": device,
                "tasks": len({row.task.task_id for row in own}),
                "people": len({row.session.person_id for row in own}),
                "clicks": len(own),
                "middle": float(radial.mean()),
                "outside": float(np.mean([row.click.distance > 0 for row in own])),
            }
        )
    columns = {
        "click_type": ("task type", "s"),
        "mode": ("display mode", "s"),
        "device": ("device", "s"),
        "tasks": ("tasks with clicks", "d"),
        "people": ("people", "d"),
        "clicks": ("clicks", "d"),
        "middle": ("from the middle", ".3f"),
        "outside": ("outside", ".1%"),
    }
    notes = (
        "From the middle: mean distance of a click from the middle of the region's "
        "box, in sides of the box. Outside: accepted clicks that are not in the region "
        "itself, but near enough.",
    )
    title = "Where accepted clicks fall, by display mode"
    return Table("modes", title, columns, rows, notes)


def pairs_of_modes(study: Study) -> Table:
    """Compares first clicks of each two display modes by energy distance."""
    data = [row for row in study.found.data() if row.task.click_type == "first"]
    shown = [mode for mode in words.MODES if any(row.mode == mode for row in data)]
    rows: list[Row] = []
    for one, other in itertools.combinations(shown, 2):
        clicks, tasks = power.clicks_of(data, (one, other))
        both = [
            all(((clicks.task == t) & (clicks.mode == m)).sum() > 1 for m in (0, 1))
            for t in range(tasks)
        ]
        if not any(both):
            continue
        kept = np.array(both)[clicks.task]
        people = len(np.unique(clicks.person[kept]))
        clicks = power.Clicks(*(part[kept] for part in clicks))
        still = np.zeros((1, int(clicks.person.max()) + 1), bool)
        generator = np.random.Generator(np.random.Philox(0))
        rows.append(
            {
                "one": one,
                "other": other,
                "tasks": sum(both),
                "people": people,
                "clicks": len(clicks.places),
                "energy": float(power.mean_energy(clicks, tasks, still)[0]),
                "p": power.p_value(clicks, tasks, generator, _EXCHANGES)
                if people >= _FEWEST_PEOPLE
                else None,
            }
        )
    columns = {
        "one": ("display mode", "s"),
        "other": ("and", "s"),
        "tasks": ("tasks", "d"),
        "people": ("people", "d"),
        "clicks": ("clicks", "d"),
        "energy": ("energy distance", ".4f"),
        "p": ("p", ".3f"),
    }
    notes = (
        "Energy distance of the first clicks of a task in two modes, in sides of the "
        "box, averaged over tasks with two clicks in each: 0 on average for equal "
        f"distributions. p: share of {_EXCHANGES} exchanges of people's modes that "
        f"give as much; fewer than {_FEWEST_PEOPLE} people give none.",
    )
    title = "Display modes compared on the same tasks"
    return Table("pairs_of_modes", title, columns, rows, notes)
