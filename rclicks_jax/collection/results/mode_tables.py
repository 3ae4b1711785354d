"""Tables of a study's report: where clicks fall in each display mode."""

import numpy as np

from rclicks_jax.collection.results import power
from rclicks_jax.collection.results.report_facts import Study, grouped
from rclicks_jax.reporting.table_formats import Row, Table


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
