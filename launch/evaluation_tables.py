"""What `rclicks-evaluate` and `rclicks-tabulate` show of an evaluation."""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import defaults

from rclicks_jax.evaluation import click_model_tables, publishing, task_records
from rclicks_jax.results import publish
from rclicks_jax.runs import store

AGAINST = flags.DEFINE_enum("against", None, ["published"], "The paper's numbers.")
_MAPS = flags.DEFINE_enum(
    "maps",
    None,
    [task_records.RAW, task_records.MASKED],
    "Click maps as they are, or cut to the error region; the protocol's if not given.",
)


def show(folder: store.RunFolder) -> None:
    """Makes tables and report of an evaluation, and prints the means."""
    made = publishing.make(folder, _MAPS.value)
    defaults.show(click_model_tables.pooled(made[0]))
    if AGAINST.value:
        table = publishing.against_published(folder)
        publish.write_tables(folder.path, [table])
        defaults.show(click_model_tables.pooled(table))
    print(f"Report: {folder.path / 'report.html'}\n")


def compare(
    named: Sequence[publish.Named], out: str, allowed: Sequence[str] = ()
) -> None:
    """Writes tables of several evaluations, and prints the means.

    Args:
        named: Runs, with their labels.
        out: A folder for the tables.
        allowed: Settings beside the click models that may differ.
    """
    made = publishing.compare(named, out, _MAPS.value, allowed)
    defaults.show(click_model_tables.pooled(made[0]))
    print(f"Tables: {out}/tables")
