"""What `rclicks-evaluate` and `rclicks-tabulate` show of an evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags
from rclicks_jax.launch import defaults

from rclicks_jax.evaluation import choices

if TYPE_CHECKING:
    from rclicks_jax.jobs import store
    from rclicks_jax.results import publish

AGAINST = flags.DEFINE_enum(
    "against", None, ["published"], "Also show the paper's numbers beside these."
)
_MAPS = flags.DEFINE_enum(
    "maps",
    None,
    list(choices.MAPS),
    "Evaluations: click maps as they are, or cut to the error region. If not given, "
    "what the protocol says.",
)


def show(folder: "store.RunFolder") -> None:
    """Makes tables and report of an evaluation, and prints the means."""
    from rclicks_jax.evaluation import click_model_tables, publishing
    from rclicks_jax.results import publish

    made = publishing.make(folder, _MAPS.value)
    defaults.show(click_model_tables.pooled(made[0]))
    if AGAINST.value:
        table = publishing.against_published(folder)
        publish.write_tables(folder.path, [table])
        defaults.show(click_model_tables.pooled(table))
    print(f"Report: {folder.path / 'report.html'}\n")


def compare(
    named: "Sequence[publish.Named]", out: str, allowed: Sequence[str] = ()
) -> None:
    """Writes tables of several evaluations, and prints the means.

    Args:
        named: Runs, with their labels.
        out: A folder for the tables.
        allowed: Settings beside the click models that may differ.
    """
    from rclicks_jax.evaluation import click_model_tables, publishing

    made = publishing.compare(named, out, _MAPS.value, allowed)
    defaults.show(click_model_tables.pooled(made[0]))
    print(f"Tables: {out}/tables")
