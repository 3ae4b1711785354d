r"""rclicks-tabulate: what run folders say, of benchmarks and of click models.

  rclicks-tabulate RUN ... [--against=published]    tables and report, made again
  rclicks-tabulate compare RUN RUN ... --out=DIR    several runs of a kind, paired
  rclicks-tabulate estimate RUN ... --objects=5000  time and cost of a whole dataset
  rclicks-tabulate hard RUN ... --out=DIR       the objects users fare differently on
  rclicks-tabulate export RUN --out=DIR         every click or task, CSV and parquet

RUN is FOLDER or LABEL=FOLDER. Seconds are a mean and how unsure it is: 2,0.5.
"""

import dataclasses
from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, defaults, estimate_flags, evaluation_tables

from rclicks_jax import errors
from rclicks_jax.evaluation import publishing
from rclicks_jax.results import difficulty, export, publish, published
from rclicks_jax.runs import store

_OUT = flags.DEFINE_string("out", "tabulated", "Folder for what is written.")


def main(arguments: Sequence[str]) -> None:
    """Does what the first argument says, to the runs that follow."""
    given = list(arguments)
    command = _COMMANDS[given.pop(0)] if given and given[0] in _COMMANDS else _again
    if not given:
        raise errors.BadValueError("Arguments", "none", "one or more run folders")
    command(given)


def _again(named: Sequence[str]) -> None:
    for path in named:
        if publishing.is_evaluation(folder := store.RunFolder(path)):
            evaluation_tables.show(folder)
            continue
        defaults.show(publish.publish(folder)[0], turned=True)
        if evaluation_tables.AGAINST.value:
            defaults.show(published.table(publish.open_run(path)))
        print(f"Report: {folder.path / 'report.html'}\n")


def _compare(named: Sequence[str]) -> None:
    if publishing.is_evaluation(publish.folder_of(named[0])[1]):
        evaluation_tables.compare(named, _OUT.value)
        return
    defaults.show(publish.compare(named, _OUT.value)[0])
    print(f"Page: {_OUT.value}/comparison.html")


def _estimate(named: Sequence[str]) -> None:
    estimate_flags.show(named, _OUT.value)


def _hard(named: Sequence[str]) -> None:
    table = difficulty.hardest([publish.open_run(one) for one in named])
    publish.write_tables(_OUT.value, [table])
    defaults.show(dataclasses.replace(table, rows=table.rows[:20]))
    print(f"All {len(table.rows)} of them: {_OUT.value}/tables/hardest.csv")


def _export(named: Sequence[str]) -> None:
    for folder in map(store.RunFolder, named):
        write = publishing.export if publishing.is_evaluation(folder) else export.write
        print(*write(folder, _OUT.value), sep="\n")


_COMMANDS = {f.__name__[1:]: f for f in (_compare, _estimate, _hard, _export)}


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
