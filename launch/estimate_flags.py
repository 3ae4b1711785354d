"""`rclicks-tabulate estimate`: flags of a project and of how fast people are."""

import dataclasses
from typing import TYPE_CHECKING

from absl import flags
from rclicks_jax.launch import flag_helpers

from rclicks_jax import errors
from rclicks_jax.results import paces

if TYPE_CHECKING:
    from rclicks_jax.reporting import table_formats
    from rclicks_jax.results import comparison

_OBJECTS = flags.DEFINE_integer(
    "objects", None, "Number of objects in the whole dataset. Required by `estimate`."
)
_DEFAULTS: dict[str, float] = paces.Project._field_defaults
_PRICE = flags.DEFINE_float(
    "hourly_price",
    _DEFAULTS["hourly_price"],
    "Price of one hour of an annotator, in any currency.",
)
_HOURS = flags.DEFINE_float(
    "hours_a_day",
    _DEFAULTS["hours_a_day"],
    "Hours that one annotator annotates on a day.",
)
_DAYS = flags.DEFINE_float(
    "days", _DEFAULTS["days"], "Working days until the dataset has to be finished."
)
_TEXTS = {
    "click": "to decide on a click and make it",
    "inspection": "to look at the answer to a click",
    "instance": "to find an object and to finish it, once for each object",
    "polygon": "to draw an object by hand",
}
_PACE = {
    name: flags.DEFINE_list(
        f"{name}_seconds",
        [str(seconds) for seconds in default],
        f"Seconds {_TEXTS[name]}: the mean, and how unsure it is.",
    )
    for name, default in paces.Pace()._asdict().items()
}

NAMES = (
    *(holder.name for holder in (_OBJECTS, _PRICE, _HOURS, _DAYS)),
    *(holder.name for holder in _PACE.values()),
)


def show(runs: "comparison.ComparableRuns", out: str | None) -> None:
    """Prints an estimate and its assumptions, and writes both if a folder is given.

    Args:
        runs: Runs of a part of the dataset.
        out: Folder for the tables; None to write nothing.
    """
    # Tables take a second to import, which --help does without.
    from rclicks_jax.reporting import table_files

    estimate, assumptions, hardest = _tables(runs)
    flag_helpers.show(estimate, turned=True)
    flag_helpers.show(assumptions)
    if out is None:
        print("Nothing is written; --out=DIR writes these tables and hardest.csv.")
        return
    table_files.write_tables(out, [estimate, assumptions, hardest])
    print(f"Tables, the objects to check first among them: {out}/tables")


def _tables(runs: "comparison.ComparableRuns") -> "tuple[table_formats.Table, ...]":
    """Returns the estimate, what it rests on, and the objects to check first."""
    from rclicks_jax.results import difficulty, estimate

    if _OBJECTS.value is None:
        raise errors.BadValueError(
            "--objects", "nothing", "the number of objects to annotate: --objects=5000"
        )
    pace = paces.Pace(*map(_seconds, _PACE))
    project = paces.Project(_OBJECTS.value, _PRICE.value, _HOURS.value, _DAYS.value)
    table = runs.named(estimate.table(runs.runs, project, pace))
    return (
        dataclasses.replace(table, notes=tuple(runs.notes)),
        estimate.assumptions(project, pace),
        difficulty.hardest(runs.runs),
    )


def _seconds(name: str) -> paces.Seconds:
    parts = _PACE[name].value or []
    try:
        mean, spread = map(float, parts)
    except ValueError as error:
        raise errors.BadValueError(
            f"--{name}_seconds", ",".join(parts), "a mean and its spread: 2,0.5"
        ) from error
    return paces.Seconds(mean, spread)
