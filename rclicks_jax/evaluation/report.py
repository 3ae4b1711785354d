"""One self-contained HTML page of an evaluation: tables, and tasks with maps."""

import collections
from collections.abc import Sequence
from typing import Any

from rclicks_jax import errors, files
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation import task_pictures
from rclicks_jax.evaluation.click_scores import PAPER, Evaluation
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

# Characters of the pictures of a task in a page, and of one of them.
_TASK, _PICTURE = 280_000, 60_000


def write(
    folder: store.RunFolder, evaluation: Evaluation, made: Sequence[table_formats.Table]
) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, evaluation, made)
    files.write_output(folder.path / page_parts.REPORT_NAME, page.encode())


def render(
    folder: store.RunFolder, evaluation: Evaluation, made: Sequence[table_formats.Table]
) -> str:
    """Returns the page: a pure function of the folder.

    Args:
        folder: A run.
        evaluation: What it holds.
        made: Its tables.
    """
    info = folder.info()
    identity = info.identity
    models = list(identity["click_models"])
    synthetic = any(SYNTHETIC in one.input_devices for one in evaluation.scores)
    clicks = "synthetic clicks" if synthetic else "clicks of people"
    unreadable: list[str] = []
    gallery = [
        shown
        for record in task_pictures.chosen(evaluation.records, identity)
        if (shown := _shown(folder, record, evaluation, unreadable))["pictures"]
    ]
    return pages.render(
        "evaluation.html.jinja",
        title=f"How well {', '.join(models)} predict {clicks}",
        models=[
            _titled(name, click_words.model_name(described))
            for name, described in identity["click_models"].items()
        ],
        the_clicks=f"the {clicks}",
        datasets=sorted({one.dataset for one in evaluation.scores}),
        identity=identity,
        maps=evaluation.maps,
        warnings=[*_warnings(info, evaluation, synthetic), *unreadable],
        rule=task_pictures.RULE,
        shown_maps=task_records.shown_maps(identity),
        gallery=gallery,
        tables=[pages.shown(table) for table in made],
        problems=page_parts.problems(
            (one.dataset, one.click_set_id, one.status, one.reason)
            for one in evaluation.records
            if one.status != "ok"
        ),
        made=page_parts.origin(
            info.identity, info.provenance, info.hash, starts.read_all(folder)
        ),
    )  # fmt: skip


def _titled(name: str, described: str) -> str:
    """Returns a click model's name, and what it is where that says more."""
    same = name.replace("_", " ") == described.replace("_", " ")
    return name if same else f"{name} ({described})"


def _warnings(
    info: store.RunInfo, evaluation: Evaluation, synthetic: bool
) -> list[str]:
    """Returns what has to be known before the numbers are read."""
    found = []
    if synthetic:
        reason = "the clicks that maps are compared with are synthetic"
        found.append(click_words.no_claim(reason))
    found += [
        click_words.warning(described, name)
        for name, described in evaluation.identity["click_models"].items()
        # That a formula has learnt nothing is what it is compared for.
        if described.get("name") == "CM"
    ]
    found += map(str, info.provenance.get("data_notes", []))
    counts = collections.Counter(one.status for one in evaluation.records)
    return [*filter(None, found), *common_notes.of_counts(counts, "task")]


def _shown(
    folder: store.RunFolder,
    record: TaskRecord,
    evaluation: Evaluation,
    unreadable: list[str],
) -> dict[str, Any]:
    """Returns a task of the gallery: title, note, and pictures with captions."""
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
    # Of the maps that are drawn, whichever the tables are of.
    maps = task_records.shown_maps(evaluation.identity)
    row = {one.key: task_records.value(record, name, maps, one.key) for one in PAPER}
    columns = {one.key: (one.title, one.form) for one in PAPER}
    (cells,) = table_formats.cells(table_formats.Table("", "", columns, [row]))
    pairs = zip(columns.values(), cells, strict=True)
    # The tables say which way is better.
    return f"{name}: " + ", ".join(
        f"{title.split()[0]} {cell}" for (title, _), cell in pairs
    )
