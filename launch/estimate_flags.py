"""`rclicks-tabulate estimate`: flags of a project and of how fast people are."""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import defaults

from rclicks_jax import errors
from rclicks_jax.results import comparison, difficulty, estimate, formats, publish

_OBJECTS = flags.DEFINE_integer("objects", 0, "Objects of the whole dataset.")
_PRICE = flags.DEFINE_float("hourly_price", 15.0, "Of an annotator's hour.")
_HOURS = flags.DEFINE_float("hours_a_day", 6.0, "That an annotator annotates.")
_DAYS = flags.DEFINE_float("days", 20.0, "Until it has to be done.")
_PACE = {
    name: flags.DEFINE_list(f"{name}_seconds", [str(s) for s in default], text)
    for (name, default), text in zip(
        estimate.Pace()._asdict().items(),
        ("For a click.", "To look at an answer.", "For an object, once.", "By hand."),
        strict=True,
    )
}


def show(named: Sequence[str], out: str) -> None:
    """Writes the tables of an estimate, and prints it and what it rests on."""
    made = _tables(named)
    defaults.show(made[0], turned=True)
    defaults.show(made[1])
    publish.write_tables(out, made)
    print(f"Tables, the objects to check first among them: {out}/tables")


def _tables(named: Sequence[str]) -> list[formats.Table]:
    """Returns the estimate, what it rests on, and the objects to check first."""
    pace = estimate.Pace(*map(_seconds, _PACE))
    project = estimate.Project(_OBJECTS.value, _PRICE.value, _HOURS.value, _DAYS.value)
    runs = [publish.open_run(one) for one in named]
    comparison.check(runs)
    return [
        estimate.table(runs, project, pace),
        estimate.assumptions(project, pace),
        difficulty.hardest(runs),
    ]


def _seconds(name: str) -> estimate.Seconds:
    given = _PACE[name].value or []
    try:
        mean, spread = map(float, given)
    except ValueError as error:
        raise errors.BadValueError(
            f"--{name}_seconds", ",".join(given), "a mean and its spread: 2,0.5"
        ) from error
    return estimate.Seconds(mean, spread)
