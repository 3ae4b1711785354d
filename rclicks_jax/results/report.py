"""One self-contained HTML page of a run: tables, curves, and objects with clicks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rclicks_jax import errors, files
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.clicks import strategies
from rclicks_jax.jobs import starts, store
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.reporting import click_words, page_parts, pages, table_formats
from rclicks_jax.reporting.click_words import SYNTHETIC
from rclicks_jax.results import aggregate, figures, object_pictures, run_notes
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.types import json_part

# Objects shown where groups fare most differently, and as many where least.
_SHOWN_EACH = 4
# Tables of a page; others are files only.
_TABLES = (
    "noc", "users", "by_size", "by_share", "by_category", "repeats", "averaged_draws",
    "instances", "timing",
)  # fmt: skip

Key = tuple[str, str]


def write(folder: store.RunFolder, made: Sequence[table_formats.Table]) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, made)
    files.write_output(folder.path / page_parts.REPORT_NAME, page.encode())


def render(folder: store.RunFolder, made: Sequence[table_formats.Table]) -> str:
    """Returns the page: a pure function of the folder.

    Args:
        folder: A run.
        made: Its tables.
    """
    info = folder.info()
    results = aggregate.collect(records.read_all(folder))
    by_name = {table.name: table for table in made}
    identity, noted = info.identity, info.provenance
    words = click_words.of_run(json_part(identity, "click_model"))
    unreadable: list[str] = []
    gallery = _gallery(folder, results, words, unreadable)
    links = {key: one.anchor for key, one in gallery.items()}
    segmenter = json_part(identity, "segmenter")["name"]
    return pages.render(
        "report.html.jinja",
        title=f"{segmenter} under {words.phrase}",
        segmenter=segmenter,
        clicks=words,
        groups=sorted({f"G{g}" for one in results for g in one.groups}, key=_number),
        measured=set(by_name["summary"].columns),
        datasets=[result.dataset for result in results],
        identity=identity,
        warnings=[*run_notes.notes_of(identity, noted, results), *unreadable],
        summary=pages.shown_turned(by_name["summary"]),
        tables=[
            pages.shown(by_name[name], links)
            for name in _TABLES
            if name in by_name and by_name[name].rows
        ],
        curves=figures.iou_per_click(_with_curves(identity, results)),
        gallery=list(gallery.values()),
        problems=page_parts.problems(
            (r.dataset, *problem) for r in results for problem in r.problems
        ),
        made=page_parts.origin(
            info.identity, info.provenance, info.hash, starts.read_all(folder)
        ),
    )


def _number(group: str) -> int:
    return int(group[1:])


def _with_curves(
    identity: Mapping[str, Any], results: Sequence[DatasetResults]
) -> list[DatasetResults]:
    """Returns the datasets that have curves: of objects, over more than one click."""
    protocol = identity["protocol"]
    if protocol.get("stop_at") or protocol.get("max_clicks", 0) < 2:
        return []
    return [one for one in results if one.instance_ids]


def _gallery(
    folder: store.RunFolder,
    results: Sequence[DatasetResults],
    words: click_words.ClickWords,
    unreadable: list[str],
) -> dict[Key, object_pictures.Pictured]:
    """Draws the objects whose groups fare most and least differently.

    Pictures that cannot be read are left out, and `unreadable` says so.
    """
    spread = {}
    for result in results:
        if result.by_group is not None:
            auc = interaction.iou_auc(result.by_group.iou).mean(axis=0)
            nsr = robustness.noise_to_signal(auc)
            keys = ((result.dataset, name) for name in result.instance_ids)
            spread |= dict(zip(keys, np.nan_to_num(nsr), strict=True))
    kept = kept_objects(folder, unreadable)
    names = sorted(kept, key=lambda key: -spread.get(key, 0.0))
    if len(names) > 2 * _SHOWN_EACH:
        names = names[:_SHOWN_EACH] + names[-_SHOWN_EACH:]
    drawn = {}
    for dataset, name in names:
        image_id, record = kept[dataset, name]
        try:
            layers = artifacts.read(folder, dataset, image_id, name)
        except errors.DataError as error:
            unreadable.append(f"A picture is left out. {error}")
            continue
        played = object_pictures.Played("", record, layers)
        maps = _maps(record, words)
        drawn[dataset, name] = object_pictures.of_object(
            f"object-{len(drawn) + 1}", dataset, [played], maps
        )
    return drawn


def kept_objects(
    folder: store.RunFolder, unreadable: list[str]
) -> dict[Key, tuple[str, records.InstanceRecord]]:
    """Returns image and record of the objects that have pictures, by dataset and id.

    Args:
        folder: A run.
        unreadable: Takes a sentence for each image whose pictures cannot be read.
    """
    found = {}
    for image in records.read_all(folder):
        try:
            names = set(artifacts.kept(folder, image.dataset, image.image_id))
        except errors.DataError as error:
            unreadable.append(f"Pictures of an image are left out. {error}")
            continue
        for one in image.instances:
            if one.instance_id in names and one.status == "ok":
                found[image.dataset, one.instance_id] = image.image_id, one
    return found


def _maps(
    record: records.InstanceRecord, words: click_words.ClickWords
) -> dict[str, str]:
    """Returns captions of the maps of an object."""
    clicks = sum(one.strategy == strategies.USER for one in record.trajectories)
    device = record.input_device
    whose = "synthetic first clicks" if SYNTHETIC in device else "people's first clicks"
    maps = {"user_mean": f"Mean of the masks after each of {clicks} {whose} alone"}
    if words.name:
        maps["click_map"] = f"Where {words.expects} the first click"
    return dict(sorted(maps.items()))
