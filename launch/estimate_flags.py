"""`rclicks-tabulate estimate`: flags of a project and of how fast people are."""

import dataclasses
from typing import TYPE_CHECKING

from absl import flags
from rclicks_jax.launch import flag_helpers

from rclicks_jax import errors
from rclicks_jax.results import paces

if TYPE_CHECKING:
    from rclicks_jax.reporting import table_formats
    from rclicks_jax.results import comparison, measured_paces

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

_FILE = flags.DEFINE_string(
    "pace",
    None,
    "pace.json of `rclicks-collect export`: seconds of real people, in place of "
    "--click_seconds, --inspection_seconds and --instance_seconds.",
)
_PART = flags.DEFINE_string(
    "pace_of",
    "",
    "Which people of --pace: an input device, or device and display mode, such as "
    "mobile,Object_CutOut; empty for all together.",
)

NAMES = (
    *(holder.name for holder in (_OBJECTS, _PRICE, _HOURS, _DAYS)),
    *(holder.name for holder in (*_PACE.values(), _FILE, _PART)),
)


def show(runs: "comparison.ComparableRuns", out: str | None) -> None:
    """Prints an estimate and its assumptions, and writes both if a folder is given.

    Args:
        runs: Runs of a part of the dataset.
        out: Folder for the tables; None to write nothing.
    """
    # Tables take a second to import, which --help does without.
    from rclicks_jax.reporting import table_files

    estimate, assumptions, hardest, *measured = _tables(runs)
    flag_helpers.show(estimate, turned=True)
    for table in (assumptions, *measured):
        flag_helpers.show(table)
    if out is None:
        print("Nothing is written; --out=DIR writes these tables and hardest.csv.")
        return
    table_files.write_tables(out, [estimate, assumptions, hardest, *measured])
    print(f"Tables, the objects to check first among them: {out}/tables")


def _tables(runs: "comparison.ComparableRuns") -> "tuple[table_formats.Table, ...]":
    """Returns the estimate, what it rests on, and the objects to check first.

    With `--pace` a table of the seconds follows.
    """
    from rclicks_jax.results import difficulty, estimate, measured_paces

    if _OBJECTS.value is None:
        raise errors.BadValueError(
            "--objects", "nothing", "the number of objects to annotate: --objects=5000"
        )
    pace = paces.Pace(*map(_seconds, _PACE))
    notes, measured, tables = [*runs.notes], {}, []
    if found := _measured():
        part = found.part(_PART.value)
        whose = f"{part.people} {found.source}" + (f", {part.name}" * bool(part.name))
        measured = {
            name: f"measured: {whose}" if seconds.mean else "no time of its own there"
            for name, seconds in part.seconds.items()
        }
        pace = pace._replace(**part.seconds)
        notes += found.notes()
        tables = [measured_paces.table(found)]
    project = paces.Project(_OBJECTS.value, _PRICE.value, _HOURS.value, _DAYS.value)
    table = runs.named(estimate.table(runs.runs, project, pace))
    return (
        dataclasses.replace(table, notes=tuple(notes)),
        estimate.assumptions(project, pace, measured),
        difficulty.hardest(runs.runs),
        *tables,
    )


def _measured() -> "measured_paces.MeasuredPace | None":
    """Returns the seconds of the file of `--pace`; None if none is given.

    Raises:
        BadValueError: Seconds that the file has are given by a flag, too, or there is
            no file to choose from.
        DataError: The file cannot be used.
    """
    from rclicks_jax.results import measured_paces

    if not _FILE.value:
        if _PART.value:
            raise errors.BadValueError("--pace_of", _PART.value, "it with --pace=FILE")
        return None
    twice = [
        f"--{holder.name}"
        for name, holder in _PACE.items()
        if name != "polygon" and holder.present
    ]
    if twice:
        raise errors.BadValueError(
            "Seconds", f"--pace and {', '.join(twice)}", "one of them"
        )
    return measured_paces.read(_FILE.value)


def _seconds(name: str) -> paces.Seconds:
    parts = _PACE[name].value or []
    try:
        mean, spread = map(float, parts)
    except ValueError as error:
        raise errors.BadValueError(
            f"--{name}_seconds", ",".join(parts), "a mean and its spread: 2,0.5"
        ) from error
    return paces.Seconds(mean, spread)
