"""One self-contained HTML page of a run: tables, curves, and objects with clicks."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rclicks_jax import errors
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.clicks import strategies
from rclicks_jax.jobs import starts, store
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.results import (
    aggregate,
    click_words,
    figures,
    formats,
    object_pictures,
    pages,
    run_notes,
)
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.results.click_words import SYNTHETIC

REPORT_NAME = "report.html"
# Objects shown where groups fare most differently, and as many where least.
_SHOWN_EACH = 4
# Reasons and objects without a number that a page lists.
_MOST_REASONS, _MOST_PROBLEMS = 20, 1000
# Tables of a page; others are files only.
_TABLES = (
    "noc", "users", "by_size", "by_share", "by_category", "repeats", "averaged_draws",
    "instances", "timing",
)  # fmt: skip

Key = tuple[str, str]


def write(folder: store.RunFolder, made: Sequence[formats.Table]) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, made)
    store.write_atomically(folder.path / REPORT_NAME, page.encode())


def render(folder: store.RunFolder, made: Sequence[formats.Table]) -> str:
    """Returns the page: a pure function of the folder.

    Args:
        folder: A run.
        made: Its tables.
    """
    info = folder.info()
    results = aggregate.collect(records.read_all(folder))
    by_name = {table.name: table for table in made}
    identity, noted = info.identity, info.provenance
    words = click_words.of_run(identity.get("click_model", {}))
    unreadable: list[str] = []
    gallery = _gallery(folder, results, words, unreadable)
    links = {key: one.anchor for key, one in gallery.items()}
    segmenter = identity["segmenter"]["name"]
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
        problems=problems(
            (r.dataset, *problem) for r in results for problem in r.problems
        ),
        made=origin(folder),
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


def problems(rows: Iterable[tuple[str, str, str, str]]) -> dict[str, Any]:
    """Returns what could not be scored as the templates take it.

    Args:
        rows: Dataset, name, status and reason of each.
    """
    every = list(rows)
    # A reason that names its object is the same reason for another object.
    counts = collections.Counter(
        (reason.replace(name, "…") if len(name) > 2 else reason, status)
        for _, name, status, reason in every
    )
    common = counts.most_common(_MOST_REASONS)
    reasons = [(reason or "no reason", s, count) for (reason, s), count in common]
    others = len(every) - sum(count for *_, count in reasons)
    if others:
        reasons.append(("other reasons", "", others))
    return {"reasons": reasons, "rows": every[:_MOST_PROBLEMS], "count": len(every)}


def origin(folder: store.RunFolder) -> dict[str, Any]:
    """Returns commands and settings of a run as the templates take them."""
    info = folder.info()
    times: dict[str, list[str]] = {}
    for each in starts.read_all(folder):
        times.setdefault(pages.command(each.command), []).append(each.started)
    # These are elsewhere in the page.
    elsewhere = ("command", "data_notes")
    noted = {k: v for k, v in _flat(info.provenance).items() if k not in elsewhere}
    identity, beside = pages.settings(info.identity), pages.settings(noted)
    alone = [*identity.pop(""), ("run hash", info.hash), *beside.pop("")]
    return {
        "commands": [(_said(started), command) for command, started in times.items()],
        "settings": [("run", alone), *identity.items(), *beside.items()],
    }


def _said(started: Sequence[str]) -> str:
    """Says when a command was started."""
    first, *others = started
    told = f"started {first or 'at an unknown time'}"
    if others:
        count = "once" if len(others) == 1 else f"{len(others)} times"
        told += f"; again {count}, last {others[-1]}"
    return told


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


def _flat(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a run noted, with what its job noted among it."""
    return {k: v for k, v in provenance.items() if k != "job"} | provenance["job"]
