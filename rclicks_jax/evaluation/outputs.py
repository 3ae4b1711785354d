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
    paper_numbers,
    report,
)
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import AgreementIdentity
from rclicks_jax.jobs import opening, store
from rclicks_jax.reporting import table_files, table_formats
from rclicks_jax.reporting.table_files import write_rows


def is_evaluation(folder: store.RunFolder) -> bool:
    """Tells whether a run folder holds an evaluation of click models."""
    return folder.kind == evaluation_job.KIND


def make(folder: store.RunFolder, maps: str | None = None) -> list[table_formats.Table]:
    """Writes tables and report of an evaluation; returns the tables, means first.

    Args:
        folder: The run.
        maps: Which maps are compared with people; the protocol's if None.
    """
    evaluation = click_scores.open_evaluation(folder.path, maps)
    made = click_model_tables.make_all(evaluation.scores)
    table_files.write_tables(folder.path, made)
    report.write(folder, evaluation, made)
    return made


def compare(
    named: Sequence[opening.LabelledRun],
    out: epath.PathLike,
    maps: str | None = None,
    allowed: Collection[str] = (),
) -> list[table_formats.Table]:
    """Writes tables of several evaluations; returns the tables, means first.

    Args:
        named: Runs, with their labels.
        out: A folder for them.
        maps: Which maps are compared with people; the protocol's if None.
        allowed: Settings beside the click models that may differ.

    Raises:
        RunFolderError: They cannot be compared.
    """
    evaluations = [
        click_scores.open_evaluation(one.folder.path, maps, one.label) for one in named
    ]
    joined = click_scores.joined(evaluations, allowed)
    first, *others = click_model_tables.make_all(joined.scores)
    first = dataclasses.replace(first, notes=(*joined.notes, *first.notes))
    made = [
        dataclasses.replace(table, title=f"{table.title} ({joined.head})")
        if joined.head
        else table
        for table in (first, *others)
    ]
    table_files.write_tables(out, made)
    return made


def against_published(folder: store.RunFolder) -> table_formats.Table:
    """Sets an evaluation beside the original's numbers, which are of raw maps."""
    evaluation = click_scores.open_evaluation(folder.path, task_records.RAW)
    return paper_numbers.table(evaluation)


def of_people(folder: store.RunFolder) -> list[table_formats.Table]:
    """Writes the tables of a comparison of two sets of people; returns them.

    Returns:
        How alike they clicked; and the same beside the original's numbers.

    Raises:
        RClicksError: The folder holds none, or no task of it could be compared.
    """
    _, values = opening.typed_info(folder, click_agreement.KIND, AgreementIdentity)
    found = click_agreement.read_all(folder)
    table = click_agreement_tables.means(found, values.compared)
    table_files.write_tables(folder.path, [table])
    every = table_formats.to_csv(click_agreement_tables.tasks(found))
    files.write_output(folder.path / "tasks.csv", every.encode())
    if not any(one.status == "ok" for one in found):
        reasons = collections.Counter(one.reason for one in found).most_common(3)
        told = "; ".join(f"{reason} ({count})" for reason, count in reasons)
        raise errors.DataError(
            f"None of {len(found)} click tasks can be compared: {told}. "
            f"See {folder.path}/tasks.csv"
        )
    published = click_agreement_tables.against_published(
        table, values.compared, values.split
    )
    return [table, published]


def export(folder: store.RunFolder, out: epath.PathLike) -> list[epath.Path]:
    """Writes `tasks.csv` and `tasks.parquet`; returns their paths."""
    return write_rows("tasks", _rows(task_records.read_all(folder)), out)


def _rows(tasks: Iterable[task_records.TaskRecord]) -> Iterator[dict[str, Any]]:
    """Yields a row for each click task, click model and kind of map of an evaluation.

    A task that is not `ok` has one row, which says why.
    """
    for task in tasks:
        head = {
            name: getattr(task, name)
            for name in task_records.FIELDS
            if name != "models"
        }
        if task.status != "ok":
            yield head
            continue
        for model in task.models:
            for maps in task_records.MAPS:
                values = {
                    one.key: task_records.value(task, model, maps, one.key)
                    for one in click_scores.MEASURES
                }
                yield {**head, "model": model, "maps": maps, **values}
