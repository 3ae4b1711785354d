"""The report of an evaluation: one HTML page with tables and pictures of tasks."""

import collections
import math
from collections.abc import Sequence
from typing import Any

from rclicks_jax import errors, files
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation import task_pictures
from rclicks_jax.evaluation.click_scores import MAIN, PAPER, Evaluation
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.jobs import starts, store
from rclicks_jax.ops import images
from rclicks_jax.reporting import (
    click_words,
    common_notes,
    data_uris,
    page_parts,
    pages,
    table_formats,
)
from rclicks_jax.reporting.click_words import SYNTHETIC

# Limits on the characters of all pictures of a task in a page, and of one picture.
_TASK, _PICTURE = 280_000, 60_000


def write(
    folder: store.RunFolder,
    evaluation: Evaluation,
    tables: Sequence[table_formats.Table],
) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, evaluation, tables)
    files.write_output(folder.path / page_parts.REPORT_NAME, page.encode())


def render(
    folder: store.RunFolder,
    evaluation: Evaluation,
    tables: Sequence[table_formats.Table],
) -> str:
    """Returns the page; it depends on the folder alone.

    Args:
        folder: The run folder.
        evaluation: The evaluation in the folder.
        tables: The tables of the evaluation.
    """
    info = folder.info()
    identity = info.identity
    models = task_records.models_of(identity)
    synthetic = any(SYNTHETIC in scores.input_devices for scores in evaluation.scores)
    clicks = "synthetic clicks" if synthetic else "clicks of people"
    unreadable: list[str] = []
    gallery = [
        entry
        for record in task_pictures.select(evaluation.records, identity)
        if (entry := _gallery_entry(folder, record, evaluation, unreadable))["pictures"]
    ]
    return pages.render(
        "evaluation.html.jinja",
        title=f"How well {', '.join(models)} predict {clicks}",
        models=[
            _title(name, click_words.model_name(described))
            for name, described in models.items()
        ],
        the_clicks=f"the {clicks}",
        datasets=sorted({scores.dataset for scores in evaluation.scores}),
        identity=identity,
        maps=evaluation.maps,
        warnings=[*_warnings(info, evaluation, synthetic), *unreadable],
        rule=task_pictures.RULE,
        shown_maps=task_records.shown_maps(identity),
        gallery=gallery,
        tables=[pages.table_values(table) for table in tables],
        problems=page_parts.problems(
            (record.dataset, record.click_set_id, record.status, record.reason)
            for record in evaluation.records
            if record.status != "ok"
        ),
        made=page_parts.origin(
            info.identity, info.provenance, info.hash, starts.read_all(folder)
        ),
    )  # fmt: skip


def _title(name: str, described: str) -> str:
    """Returns the name of a click model, with its description if that differs."""
    same = name.replace("_", " ") == described.replace("_", " ")
    return name if same else f"{name} ({described})"


def _warnings(
    info: store.RunInfo, evaluation: Evaluation, synthetic: bool
) -> list[str]:
    """Returns the warnings that stand above the numbers."""
    warnings = []
    if synthetic:
        reason = "the clicks that maps are compared with are synthetic"
        warnings.append(click_words.no_claim(reason))
    warnings += [
        click_words.warning(described, name)
        for name, described in task_records.models_of(evaluation.identity).items()
        # Formulas are there as baselines: that they have learnt nothing is no warning.
        if described.get("name") == "CM"
    ]
    warnings += common_notes.of_data(info.provenance)
    counts = collections.Counter(record.status for record in evaluation.records)
    return [*filter(None, warnings), *common_notes.of_counts(counts, "task")]


def _gallery_entry(
    folder: store.RunFolder,
    record: TaskRecord,
    evaluation: Evaluation,
    unreadable: list[str],
) -> dict[str, Any]:
    """Returns the gallery's entry of a task: title, note, and pictures with captions.

    Args:
        folder: The run folder.
        record: The task.
        evaluation: The evaluation in the folder.
        unreadable: List to which a warning is added if pictures cannot be read.
    """
    pictures = []
    try:
        kept = task_pictures.read(folder, record)
        share = min(_PICTURE, _TASK // max(1, len(kept)))
        for name, jpeg in kept:
            picture = images.decode_image(jpeg, f"The picture of {name}")
            uri = data_uris.photo_uri(picture, share)
            pictures.append((_caption(record, name, evaluation), uri))
    except errors.DataError as error:
        unreadable.append(f"Pictures of {record.click_set_id} are left out. {error}")
        pictures = []
    return {
        "title": f"{record.dataset} / {record.click_set_id}",
        "note": f"task “{record.click_type}”, {record.clicks} clicks",
        "pictures": pictures,
    }


def _caption(record: TaskRecord, name: str, evaluation: Evaluation) -> str:
    if name not in record.models:
        synthetic = SYNTHETIC in record.input_device
        return "Where the synthetic clicks are" if synthetic else "Where people clicked"
    # The values are those of the drawn maps; the tables may be of the other kind.
    maps = task_records.shown_maps(evaluation.identity)
    row = {
        measure.key: task_records.value(record, name, maps, measure.key)
        for measure in MAIN
    }
    # Older records have no energy distance.
    shown = [
        measure
        for measure in MAIN
        if measure in PAPER or math.isfinite(row[measure.key])
    ]
    columns = {measure.key: (measure.title, measure.form) for measure in shown}
    (cells,) = table_formats.cells(table_formats.Table("", "", columns, [row]))
    pairs = zip(columns.values(), cells, strict=True)
    # The arrow after a title, which says what is better, stands in the tables only.
    return f"{name}: " + ", ".join(
        f"{title.split()[0]} {cell}" for (title, _), cell in pairs
    )
