"""One self-contained HTML page of a run: tables, curves, and objects with clicks."""

from collections.abc import Sequence

import numpy as np

from rclicks_jax import errors, files
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.clicks import strategies
from rclicks_jax.jobs import starts, store, utilisation
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.reporting import click_words, page_parts, pages, table_formats
from rclicks_jax.reporting.click_words import SYNTHETIC
from rclicks_jax.results import comparison, figures, limits, object_pictures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.results.kept_pictures import Key
from rclicks_jax.types import json_part

# Number of shown objects whose groups differ most, and of those that differ least.
_SHOWN_EACH = 4
# Tables of a page; others are files only.
_TABLES = (
    "noc", "users", "people", "by_size", "by_share", "by_category", "repeats",
    "averaged_draws", "instances", "timing",
)  # fmt: skip


def write(run: comparison.Run, tables: Sequence[table_formats.Table]) -> None:
    """Writes `report.html` into the folder of a run."""
    path = store.RunFolder(run.folder).path / page_parts.REPORT_NAME
    files.write_output(path, render(run, tables).encode())


def render(run: comparison.Run, tables: Sequence[table_formats.Table]) -> str:
    """Returns the page of a run: a pure function of its folder.

    Args:
        run: The run as it was read; pictures and starts are read from its folder.
        tables: Its tables.
    """
    results = list(run.results.values())
    by_name = {table.name: table for table in tables}
    words = click_words.of_run(json_part(run.identity, "click_model"))
    gallery, unreadable = _gallery(run, words)
    links = {key: pictured.anchor for key, pictured in gallery.items()}
    starts_of_run = starts.read_all(store.RunFolder(run.folder))
    return pages.render(
        "report.html.jinja",
        title=f"{run.label} under {words.phrase}",
        segmenter=run.label,
        clicks=words,
        groups=[
            f"G{group}" for group in sorted({g for r in results for g in r.groups})
        ],
        measured=set(by_name["summary"].columns),
        datasets=[result.dataset for result in results],
        identity=run.identity,
        warnings=[*run.notes(), *unreadable],
        summary=pages.transposed_values(by_name["summary"]),
        tables=[
            pages.table_values(by_name[name], links)
            for name in _TABLES
            if name in by_name and by_name[name].rows
        ],
        curves=figures.iou_per_click(_with_curves(run)),
        gallery=list(gallery.values()),
        limits=limits.shown(utilisation.read_all(store.RunFolder(run.folder))),
        problems=page_parts.problems(
            (result.dataset, *problem)
            for result in results
            for problem in result.problems
        ),
        made=page_parts.origin(run.identity, run.provenance, run.hash, starts_of_run),
    )


def _with_curves(run: comparison.Run) -> list[DatasetResults]:
    """Returns the datasets that have curves: of objects, over more than one click."""
    if run.protocol.stop_at or run.protocol.max_clicks < 2:
        return []
    return [result for result in run.results.values() if result.instance_ids]


def _gallery(
    run: comparison.Run, words: click_words.ClickWords
) -> tuple[dict[Key, object_pictures.ObjectPictures], list[str]]:
    """Draws the objects whose groups differ most and least.

    Returns:
        The objects with their pictures, and a sentence on each picture that cannot be
        read and is left out.
    """
    spread = {}
    for result in run.results.values():
        if result.by_group is not None:
            auc = interaction.iou_auc(result.by_group.iou).mean(axis=0)
            nsr = robustness.noise_to_signal(auc)
            keys = ((result.dataset, name) for name in result.instance_ids)
            spread |= dict(zip(keys, np.nan_to_num(nsr), strict=True))
    kept = run.pictures.objects
    unreadable = [*run.pictures.unreadable]
    keys = sorted(kept, key=lambda key: -spread.get(key, 0.0))
    if len(keys) > 2 * _SHOWN_EACH:
        keys = keys[:_SHOWN_EACH] + keys[-_SHOWN_EACH:]
    drawn = {}
    for dataset, name in keys:
        image_id, record = kept[dataset, name]
        folder = store.RunFolder(run.folder)
        try:
            layers = artifacts.read(folder, dataset, image_id, name)
        except errors.DataError as error:
            unreadable.append(f"A picture is left out. {error}")
            continue
        of_run = object_pictures.ObjectOfRun("", record, layers)
        maps = _maps(record, words)
        drawn[dataset, name] = object_pictures.of_object(
            f"object-{len(drawn) + 1}", dataset, [of_run], maps
        )
    return drawn, unreadable


def _maps(
    record: records.InstanceRecord, words: click_words.ClickWords
) -> dict[str, str]:
    """Returns captions of the maps of an object."""
    clicks = sum(each.strategy == strategies.USER for each in record.trajectories)
    device = record.input_device
    whose = "synthetic first clicks" if SYNTHETIC in device else "people's first clicks"
    maps = {"user_mean": f"Mean of the masks after each of {clicks} {whose} alone"}
    if words.name:
        maps["click_map"] = f"Where {words.expects} the first click"
    return dict(sorted(maps.items()))
