"""One self-contained HTML page of an evaluation: tables, and tasks with maps."""

import base64
from collections.abc import Sequence
from typing import Any

from rclicks_jax.evaluation import task_pictures, task_records
from rclicks_jax.evaluation.click_scores import PAPER, Evaluation
from rclicks_jax.evaluation.task_records import TaskRecord
from rclicks_jax.results import formats, pages
from rclicks_jax.results.report import REPORT_NAME, SYNTHETIC
from rclicks_jax.runs import store


def write(
    folder: store.RunFolder, evaluation: Evaluation, made: Sequence[formats.Table]
) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, evaluation, made)
    store.write_atomically(folder.path / REPORT_NAME, page.encode())


def render(
    folder: store.RunFolder, evaluation: Evaluation, made: Sequence[formats.Table]
) -> str:
    """Returns the page: a pure function of the folder.

    Args:
        folder: A run.
        evaluation: What it holds.
        made: Its tables.
    """
    info = folder.info()
    hashed = info["hashed"]
    return pages.render(
        "evaluation.html.jinja",
        models=list(hashed["click_models"]),
        datasets=sorted({one.dataset for one in evaluation.scores}),
        hashed=hashed,
        noted=info["noted"],
        run_hash=info["hash"],
        maps=evaluation.maps,
        synthetic=_synthetic_parts(evaluation),
        rule=task_pictures.RULE,
        shown_maps=task_records.shown_maps(hashed),
        gallery=[
            shown
            for record in task_pictures.chosen(evaluation.records, hashed)
            if (shown := _shown(folder, record, evaluation))["pictures"]
        ],
        tables=[pages.shown(table) for table in made],
        problems=[
            (one.dataset, one.click_set_id, one.status, one.reason)
            for one in evaluation.records
            if one.status != "ok"
        ],
    )


def _synthetic_parts(evaluation: Evaluation) -> list[str]:
    """Names what in an evaluation rests on clicks that no person made."""
    parts = [
        f"{name} was trained on synthetic clicks"
        for name, described in evaluation.hashed["click_models"].items()
        if SYNTHETIC in str(described.get("data", ""))
    ]
    if any(SYNTHETIC in one.input_devices for one in evaluation.scores):
        parts.append("the clicks that maps are compared with are synthetic")
    return parts


def _shown(
    folder: store.RunFolder, record: TaskRecord, evaluation: Evaluation
) -> dict[str, Any]:
    """Returns a task of the gallery: title, note, and pictures with captions."""
    pictures = []
    for name, jpeg in task_pictures.read(folder, record):
        uri = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
        pictures.append((_caption(record, name, evaluation), uri))
    return {
        "title": f"{record.dataset} / {record.click_set_id}",
        "note": f"task “{record.click_type}”, {record.clicks} clicks",
        "pictures": pictures,
    }


def _caption(record: TaskRecord, name: str, evaluation: Evaluation) -> str:
    if name not in record.models:
        return "Where people clicked"
    # Of the maps that are drawn, whichever the tables are of.
    maps = task_records.shown_maps(evaluation.hashed)
    row = {one.key: task_records.value(record, name, maps, one.key) for one in PAPER}
    columns = {one.key: (one.title.split()[0], one.form) for one in PAPER}
    (cells,) = formats.cells(formats.Table("", "", columns, [row]))
    pairs = zip(columns.values(), cells, strict=True)
    return f"{name}: " + ", ".join(f"{title} {cell}" for (title, _), cell in pairs)
