"""What `rclicks-evaluate` and `rclicks-tabulate` show of an evaluation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from absl import flags
from rclicks_jax.launch import flag_helpers

from rclicks_jax.evaluation import choices

if TYPE_CHECKING:
    from rclicks_jax.jobs import opening, store

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
    from rclicks_jax.evaluation import click_model_tables, outputs
    from rclicks_jax.reporting import table_files

    means, *_ = outputs.make(folder, _MAPS.value)
    flag_helpers.show(click_model_tables.pooled(means))
    if AGAINST.value:
        table = outputs.compare_with_paper(folder)
        table_files.write_tables(folder.path, [table])
        flag_helpers.show(click_model_tables.pooled(table))
    print(f"Report: {folder.path / 'report.html'}\n")


def compare(
    runs: "Sequence[opening.LabelledRun]", out: str, allowed: Sequence[str] = ()
) -> None:
    """Writes tables of several evaluations, and prints the means.

    Args:
        runs: Run folders with their labels.
        out: Folder for the tables.
        allowed: Settings beside the click models that may differ.
    """
    from rclicks_jax.evaluation import click_model_tables, outputs

    means, *_ = outputs.compare(runs, out, _MAPS.value, allowed)
    flag_helpers.show(click_model_tables.pooled(means))
    print(f"Tables: {out}/tables")
