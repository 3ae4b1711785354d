r"""rclicks-tabulate: what run folders say, of benchmarks and of click models.

  rclicks-tabulate RUN ... [--against=published]    tables and report, made again
  rclicks-tabulate compare RUN RUN ... --out=DIR    several runs of a kind, paired
  rclicks-tabulate estimate RUN ... --objects=5000  time and cost of a whole dataset
  rclicks-tabulate hard RUN ... --out=DIR       the objects users fare differently on
  rclicks-tabulate export RUN --out=DIR         every click or task, CSV and parquet

RUN is FOLDER or LABEL=FOLDER. Runs that differ in more than the segmenter are refused;
--allow=click_model,groups names what may differ, and then nothing is ranked across it.
Seconds are a mean and how unsure it is: 2,0.5.
"""

import dataclasses
from collections.abc import Callable, Sequence

from absl import flags
from rclicks_jax.launch import commands, estimate_flags, evaluation_tables, flag_helpers

from rclicks_jax import errors
from rclicks_jax.reporting import comparable

_DEFAULT_OUT = "tabulated"
_OUT = flags.DEFINE_string(
    "out",
    None,
    "Folder for what is written. If it is not given, `estimate` writes nothing and the "
    f"other commands write to {_DEFAULT_OUT}/.",
)
_ALLOW = flags.DEFINE_list(
    "allow",
    [],
    "Settings in which runs that are set side by side may differ: "
    f"{', '.join(comparable.SETTINGS)}. They are named in the tables.",
)


# Flags that say something to each command; `_again` has no name.
_USES = {
    "": ("against", "maps"),
    "compare": ("out", "allow", "maps"),
    "estimate": ("out", "allow", *estimate_flags.NAMES),
    "hard": ("out", "allow"),
    "export": ("out",),
}


def main(arguments: Sequence[str]) -> None:
    """Does what the first argument says with the runs that follow.

    Raises:
        BadValueError: No run is named, or a flag is given that says nothing here.
    """
    runs = list(arguments)
    name = runs.pop(0) if runs and runs[0] in _COMMANDS else ""
    _refuse_unused(name)
    if not runs:
        raise errors.BadValueError("Arguments", "none", "one or more run folders")
    _refuse_missing(runs)
    (_COMMANDS[name] if name else _again)(runs)


def _refuse_unused(command: str) -> None:
    """Refuses flags of other commands: what a user asks for is not left out."""
    for flag in sorted({flag for used in _USES.values() for flag in used}):
        if flags.FLAGS[flag].present and flag not in _USES[command]:
            users = [
                name or "RUN alone" for name, used in _USES.items() if flag in used
            ]
            raise errors.BadValueError(
                f"--{flag}",
                f"one that `rclicks-tabulate {command or 'RUN'}` does not use",
                f"this flag with {', '.join(users)}",
            )


def _refuse_missing(runs: Sequence[str]) -> None:
    """Refuses what is no run folder before tables, which take seconds, are imported."""
    from rclicks_jax.jobs import opening

    for text in runs:
        opening.labelled(text).folder.info()


def _out() -> str:
    return _OUT.value or _DEFAULT_OUT


def _again(named: Sequence[str]) -> None:
    """Makes tables and report of each run again, and prints the means."""
    # Tables take seconds to import, which --help does without; so below.
    from rclicks_jax.evaluation import outputs as evaluation_outputs
    from rclicks_jax.jobs import opening
    from rclicks_jax.results import outputs, paper_numbers, runs

    for folder in (opening.labelled(text).folder for text in named):
        if evaluation_outputs.is_evaluation(folder):
            evaluation_tables.show(folder)
            continue
        run = runs.open_run(folder.path)
        for table in outputs.first_shown(outputs.write_tables_and_report(run)):
            flag_helpers.show(table, turned=True)
        if evaluation_tables.AGAINST.value:
            flag_helpers.show(paper_numbers.table(run))
        print(f"Report: {folder.path / 'report.html'}\n")


def _compare(named: Sequence[str]) -> None:
    """Sets runs of a kind side by side."""
    from rclicks_jax.evaluation import outputs as evaluation_outputs
    from rclicks_jax.jobs import opening
    from rclicks_jax.results import outputs

    runs = [opening.labelled(text) for text in named]
    if evaluation_outputs.is_evaluation(runs[0].folder):
        evaluation_tables.compare(runs, _out(), _ALLOW.value)
        return
    folders = [(run.label, run.folder.path) for run in runs]
    flag_helpers.show(outputs.compare(folders, _out(), _ALLOW.value)[0])
    print(f"Page: {_out()}/comparison.html")


def _estimate(named: Sequence[str]) -> None:
    """Estimates time and cost of a whole dataset."""
    from rclicks_jax.results import runs

    estimate_flags.show(runs.open_several(named, _ALLOW.value), _OUT.value)


def _hard(named: Sequence[str]) -> None:
    """Lists the objects that users fare most differently on."""
    from rclicks_jax.reporting import table_files
    from rclicks_jax.results import difficulty, runs

    checked = runs.open_several(named, _ALLOW.value)
    table = checked.named(difficulty.hardest(checked.runs))
    table = dataclasses.replace(table, notes=tuple(checked.notes))
    table_files.write_tables(_out(), [table])
    flag_helpers.show(dataclasses.replace(table, rows=table.rows[:20]))
    if table.rows:
        print(f"All {len(table.rows)} of them: {_out()}/tables/hardest.csv")
    else:
        print("Nothing is written: the runs share no object with groups or users.")


def _export(named: Sequence[str]) -> None:
    """Writes every click or task of each run as CSV and parquet."""
    from rclicks_jax.evaluation import outputs as evaluation_outputs
    from rclicks_jax.jobs import opening
    from rclicks_jax.results import export

    for folder in (opening.labelled(text).folder for text in named):
        is_evaluation = evaluation_outputs.is_evaluation(folder)
        write = evaluation_outputs.export if is_evaluation else export.write
        print(*write(folder, _out()), sep="\n")


_COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "compare": _compare,
    "estimate": _estimate,
    "hard": _hard,
    "export": _export,
}


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
