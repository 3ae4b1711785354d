"""Tables, report and exports of evaluations of click models."""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from etils import epath

from rclicks_jax import errors, files
from rclicks_jax.evaluation import (
    click_agreement,
    click_agreement_tables,
    click_model_tables,
    click_scores,
    joined_scores,
    paper_numbers,
    report,
)
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import KIND, AgreementIdentity
from rclicks_jax.jobs import opening, store
from rclicks_jax.reporting import table_files, table_formats
from rclicks_jax.reporting.table_files import write_rows


def is_evaluation(folder: store.RunFolder) -> bool:
    """Tells whether a run folder holds an evaluation of click models."""
    return folder.kind == KIND


def make(folder: store.RunFolder, maps: str | None = None) -> list[table_formats.Table]:
    """Writes tables and report of an evaluation; returns the tables, means first.

    Args:
        folder: The run folder.
        maps: Kind of maps that are compared with people; the protocol's if None.
    """
    evaluation = click_scores.open_evaluation(folder.path, maps)
    return write_tables_and_report(folder, evaluation)


def write_tables_and_report(
    folder: store.RunFolder, evaluation: click_scores.Evaluation
) -> list[table_formats.Table]:
    """Writes tables and report of an evaluation that was read; returns the tables.

    Args:
        folder: The run folder, for the files.
        evaluation: The evaluation that was read from it.
    """
    tables = click_model_tables.make_all(evaluation.scores)
    table_files.write_tables(folder.path, tables)
    report.write(folder, evaluation, tables)
    return tables


def compare(
    runs: Sequence[opening.LabelledRun],
    out: epath.PathLike,
    maps: str | None = None,
    allowed: Collection[str] = (),
) -> list[table_formats.Table]:
    """Writes tables of several evaluations; returns the tables, means first.

    Args:
        runs: Run folders with their labels.
        out: Folder for the tables.
        maps: Kind of maps that are compared with people; the protocol's if None.
        allowed: Settings beside the click models that may differ.

    Raises:
        RunFolderError: The evaluations cannot be compared.
    """
    evaluations = [
        click_scores.open_evaluation(run.folder.path, maps, run.label) for run in runs
    ]
    joined = joined_scores.join(evaluations, allowed)
    first, *others = click_model_tables.make_all(joined.scores)
    first = dataclasses.replace(first, notes=(*joined.notes, *first.notes))
    tables = [
        dataclasses.replace(table, title=f"{table.title} ({joined.head})")
        if joined.head
        else table
        for table in (first, *others)
    ]
    table_files.write_tables(out, tables)
    return tables


def compare_with_paper(evaluation: click_scores.Evaluation) -> table_formats.Table:
    """Returns a table of an evaluation, with raw maps, beside the paper's numbers."""
    return paper_numbers.table(evaluation.with_maps(task_records.RAW))


def compare_people(folder: store.RunFolder) -> list[table_formats.Table]:
    """Writes and returns the tables of a comparison of two sets of people.

    Returns:
        The means of the comparison, and the same beside the paper's numbers.

    Raises:
        RClicksError: The folder does not hold such a comparison, or no task of it could
            be compared.
    """
    _, values = opening.typed_info(folder, click_agreement.KIND, AgreementIdentity)
    agreements = click_agreement.read_all(folder)
    table = click_agreement_tables.means(agreements, values.compared)
    table_files.write_tables(folder.path, [table])
    tasks = table_formats.to_csv(click_agreement_tables.tasks(agreements))
    files.write_output(folder.path / "tasks.csv", tasks.encode())
    if not any(agreement.status == "ok" for agreement in agreements):
        reasons = collections.Counter(
            agreement.reason for agreement in agreements
        ).most_common(3)
        listed = "; ".join(f"{reason} ({count})" for reason, count in reasons)
        raise errors.DataError(
            f"None of {len(agreements)} click tasks can be compared: {listed}. "
            f"See {folder.path}/tasks.csv"
        )
    published = click_agreement_tables.compare_with_paper(
        table, values.compared, values.split
    )
    return [table, published]


def export(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `tasks.csv` and `tasks.parquet`; returns their paths."""
    return write_rows("tasks", _rows(task_records.read_all(folder)), out)


def _rows(tasks: Iterable[task_records.TaskRecord]) -> Iterator[dict[str, Any]]:
    """Yields a row for each click task, click model and kind of map of an evaluation.

    A task that is not `ok` has a single row, with the reason.
    """
    for task in tasks:
        head = {name: getattr(task, name) for name in task_records.PLAIN}
        head |= {f"halves_{key}": value for key, value in task.halves.items()}
        if task.status != "ok":
            yield head
            continue
        for model in task.models:
            for maps in task_records.MAPS:
                values = {
                    measure.key: task_records.value(task, model, maps, measure.key)
                    for measure in click_scores.MEASURES
                }
                yield {**head, "model": model, "maps": maps, **values}
