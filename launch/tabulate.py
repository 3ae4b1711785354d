r"""rclicks-tabulate: what run folders say.

  rclicks-tabulate RUN ... [--against=published]    tables and report, made again
  rclicks-tabulate compare RUN RUN ... --out=DIR    several segmenters, paired
  rclicks-tabulate estimate RUN ... --objects=5000  time and cost of a whole dataset
  rclicks-tabulate hard RUN ... --out=DIR       the objects users fare differently on
  rclicks-tabulate export RUN --out=DIR         every click as CSV and parquet

RUN is FOLDER or LABEL=FOLDER. Seconds are a mean and how unsure it is: 2,0.5.
"""

import dataclasses
from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, defaults, estimate_flags

from rclicks_jax import errors
from rclicks_jax.results import difficulty, export, publish, published
from rclicks_jax.runs import store

_OUT = flags.DEFINE_string("out", "tabulated", "Folder for what is written.")
_AGAINST = flags.DEFINE_enum("against", None, ["published"], "The paper's numbers.")


def main(arguments: Sequence[str]) -> None:
    """Does what the first argument says, to the runs that follow."""
    given = list(arguments)
    command = _COMMANDS[given.pop(0)] if given and given[0] in _COMMANDS else _again
    if not given:
        raise errors.BadValueError("Arguments", "none", "one or more run folders")
    command(given)


def _again(named: Sequence[str]) -> None:
    for path in named:
        folder = store.RunFolder(path)
        defaults.show(publish.publish(folder)[0], turned=True)
        if _AGAINST.value:
            defaults.show(published.table(publish.open_run(path)))
        print(f"Report: {folder.path / 'report.html'}\n")


def _compare(named: Sequence[str]) -> None:
    defaults.show(publish.compare(named, _OUT.value)[0])
    print(f"Page: {_OUT.value}/comparison.html")


def _estimate(named: Sequence[str]) -> None:
    made = estimate_flags.tables(named)
    defaults.show(made[0], turned=True)
    defaults.show(made[1])
    publish.write_tables(_OUT.value, made)
    print(f"Tables, the objects to check first among them: {_OUT.value}/tables")


def _hard(named: Sequence[str]) -> None:
    table = difficulty.hardest([publish.open_run(one) for one in named])
    publish.write_tables(_OUT.value, [table])
    defaults.show(dataclasses.replace(table, rows=table.rows[:20]))
    print(f"All {len(table.rows)} of them: {_OUT.value}/tables/hardest.csv")


def _export(named: Sequence[str]) -> None:
    for path in named:
        for written in export.write(store.RunFolder(path), _OUT.value):
            print(written)


_COMMANDS = {"compare": _compare, "estimate": _estimate, "hard": _hard}
_COMMANDS["export"] = _export


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
