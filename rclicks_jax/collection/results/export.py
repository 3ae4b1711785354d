"""Writes a study as the folder that all readers of this project take.

The same study gives the same files, byte by byte.
"""

import csv
import io
import json
import pathlib
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rclicks_jax import errors, files, hashing
from rclicks_jax.collection.results import (
    datasheet,
    judged_clicks,
    pace,
    people,
    trajectories,
)
from rclicks_jax.collection.results.judged_clicks import Judged, Row
from rclicks_jax.collection.service import judgement, open_studies
from rclicks_jax.collection.store import catalogue, events
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.tasks import private_files
from rclicks_jax.data.raw import clicks_csv, identities
from rclicks_jax.ops import image_headers, images
from rclicks_jax.settings.collection import JudgementSettings

_SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "BMP": ".bmp",
    "WEBP": ".webp",
    "TIFF": ".tif",
}
_ALL_COLUMNS = (
    *("person", "wave", "full_stem", "click_type", "mode", "device", "pointer"),
    *("x", "y", "w", "h", "seconds", "distance_radii", "accepted", "exported"),
    *("state", "reasons", "dpr", "screen_w", "screen_h"),
)


class Exported(NamedTuple):
    """What was written.

    Attributes:
        folder: The folder.
        clicks: Rows of `clicks.csv`.
        previews: Rows of `previews.csv`.
        all_clicks: Rows of `all_clicks.csv`.
        people: Rows of `people.csv`.
        trajectories: Trajectories of live rounds.
    """

    folder: pathlib.Path
    clicks: int
    previews: int
    all_clicks: int
    people: int
    trajectories: int


def export(
    opened: open_studies.Opened,
    out: pathlib.Path,
    *,
    mode: str = "",
    surplus: bool = False,
    bots: bool = False,
    policy: JudgementSettings | None = None,
    val_share: float = 0.0,
) -> Exported:
    """Writes a study.

    Args:
        opened: The study.
        out: Folder to write; new, or of an earlier export, which is replaced.
        mode: Display mode of `clicks.csv`; empty for the first one of the settings.
        surplus: Whether accepted clicks beyond what was wanted are exported, too.
        bots: Whether clicks of bots are what is wanted.
        policy: Settings to judge by; the study's own if None.
        val_share: Share of the photographs in `val.txt`; the others are in
            `train.txt`. 0 writes neither.

    Raises:
        BadValueError: The share leaves no photographs for one of the lists. The study
            has no such display mode, or it is of bots and they were not asked for, or
            the other way round.
        DataError: The folder has other files.
    """
    modes = opened.study.config.display.modes
    if mode and mode not in modes:
        near = errors.meant(mode, modes)
        raise errors.BadValueError("--mode", mode, ", ".join(modes), near)
    if bots != (opened.desk.source == "bots"):
        raise errors.BadValueError(
            "--bots" if bots else f"Clicks of {opened.study.folder}",
            "a study of people" if bots else "a study of bots",
            "nothing: its clicks are of people" if bots else "--bots, to export them",
        )
    if not 0 <= val_share < 1:
        raise errors.BadValueError("--val_share", val_share, "0 up to 1, without 1")
    _expect_free(out)
    policy = policy or opened.study.config.judgement
    return opened.store.read(
        lambda db: _export(
            db, opened, out, mode or modes[0], surplus, policy, val_share
        )
    )


def _export(
    db: sqlite3.Connection,
    opened: open_studies.Opened,
    out: pathlib.Path,
    mode: str,
    surplus: bool,
    policy: JudgementSettings,
    val_share: float,
) -> Exported:
    study, source = opened.study, opened.desk.source
    found = judged_clicks.read(db, study.secret, policy, source)
    data = found.data(surplus=surplus)
    tasks = catalogue.tasks(db, "main")
    splits = _splits({task.image_stem for task in tasks}, val_share)
    name = identities.shown(out.resolve().name)
    # Written last: a folder without it is not whole.
    (out / "DATASHEET.md").unlink(missing_ok=True)
    _write_pictures(opened, out, tasks)
    for split, stems in splits.items():
        files.write_output(out / f"{split}.txt", "\n".join(stems) + "\n")
    own = [row for row in data if row.mode == mode]
    labels = found.labels
    # Readers take no notice of further columns; people who open the file do.
    mark = ("bots",) if source == "bots" else ()
    columns = (*clicks_csv.COLUMNS, clicks_csv.PERSON, *(["source"] if mark else []))
    lines = ((*_row(row, name, labels), *mark) for row in own)
    _write_csv(out / "clicks.csv", columns, lines)
    previews = data if len(study.config.display.modes) > 1 else []
    if previews:
        lines = ((*_row(row, row.mode, labels), *mark) for row in previews)
        _write_csv(out / "previews.csv", columns, lines)
    exported = {row.client_id for row in data}
    every = [(*_full_row(row, found, exported), *mark) for row in found.rows]
    columns = (*_ALL_COLUMNS, *(["source"] if mark else []))
    _write_csv(out / "all_clicks.csv", columns, every)
    persons = people.rows(found)
    _write_csv(out / "people.csv", people.COLUMNS, persons)
    played = trajectories.read(db, found)
    if study.config.study.pace == "live":
        lines = trajectories.lines(
            played, source, study.config.live.segmenter, study.config.live.most_clicks
        )
        files.write_output(out / trajectories.FILE, "\n".join(lines) + "\n")
    _write_pace(opened, out, data, found, played)
    facts = datasheet.Facts(
        config=study.config,
        judged=found,
        data=data,
        waves=catalogue.waves(db),
        policy=judgement.policy_hash(policy),
        clicks_mode=mode,
        trajectories=len(played),
        erased=events.erasures(db),
        texts={code: item.name for code, item in study.languages.items()},
    )
    files.write_output(out / "DATASHEET.md", datasheet.text(facts))
    return Exported(out, len(own), len(previews), len(every), len(persons), len(played))


def _expect_free(out: pathlib.Path) -> None:
    """Refuses a folder with files that are not of an export."""
    if not out.exists():
        return
    if not out.is_dir():
        raise errors.DataError(f"{out} is a file; give a folder.")
    if any(out.iterdir()) and not (out / "all_clicks.csv").exists():
        raise errors.DataError(
            f"{out} has other files than an export's: choose a new folder."
        )


def _row(row: Row, dataset: str, labels: Mapping[str, str]) -> tuple[object, ...]:
    """Returns a line of `clicks.csv` or `previews.csv`."""
    task = row.task
    stems = task.image_stem, task.object_stem, task.full_stem
    made = task.click_type, task.mask_source, row.device
    frame = row.click.x, row.click.y, task.width, task.height
    return (dataset, *stems, *made, *frame, labels[row.session.person_id])


def _full_row(row: Row, found: Judged, exported: set[str]) -> tuple[object, ...]:
    task, message = row.task, row.click.message
    return (
        found.labels[row.session.person_id],
        row.session.wave,
        task.full_stem,
        task.click_type,
        row.mode,
        row.device,
        message.pointer,
        row.click.x,
        row.click.y,
        task.width,
        task.height,
        f"{row.click.seconds:.3f}",
        f"{row.click.distance / task.radius:.3f}",
        int(row.accepted),
        int(row.client_id in exported),
        task.role if task.role != "main" else row.state,
        " ".join((*row.reasons, *(["duplicate"] if row.duplicate else []))),
        message.device.dpr,
        *message.device.screen,
    )


def _write_csv(
    path: pathlib.Path, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    files.write_output(path, buffer.getvalue())


def _write_pictures(
    opened: open_studies.Opened, out: pathlib.Path, tasks: Sequence[TaskFacts]
) -> None:
    """Writes photographs, masks and masks of later rounds that are not there yet."""
    study = opened.study
    for task in tasks:
        if not list((out / "images").glob(f"{_escaped(task.image_stem)}.*")):
            content = private_files.photograph_path(study, task).read_bytes()
            header = image_headers.header(content)
            suffix = _SUFFIXES.get(header.kind if header else "")
            if suffix is None:
                pixels = images.decode_image(content, task.image_stem)
                content, suffix = images.encode_png(pixels), ".png"
            files.write_output(out / "images" / f"{task.image_stem}{suffix}", content)
        mask = out / "masks" / f"{task.image_stem}.png"
        if task.object_stem:
            mask = out / "masks" / task.image_stem / f"{task.object_stem}.png"
        if not mask.exists():
            files.write_output(mask, private_files.mask_path(study, task).read_bytes())
        if task.click_type != "first":
            path = private_files.prev_mask_path(study, task)
            place = out / "prev_masks" / f"{task.full_stem}.png"
            files.write_output(place, path.read_bytes())


def _splits(stems: Collection[str], val_share: float) -> dict[str, list[str]]:
    """Returns the lists of a training, the same for the same photographs.

    Raises:
        BadValueError: There are too few photographs for that share.
    """
    if not val_share or not stems:
        return {}
    count = round(val_share * len(stems))
    if not 0 < count < len(stems):
        raise errors.BadValueError(
            "--val_share",
            f"{val_share:g} of {len(stems)} photographs",
            "a share that leaves photographs for train.txt and for val.txt",
        )
    mixed = sorted(stems, key=lambda stem: hashing.stable_hash(f"split/{stem}"))
    return {"train": sorted(mixed[count:]), "val": sorted(mixed[:count])}


def _escaped(stem: str) -> str:
    return "".join(f"[{c}]" if c in "[]*?" else c for c in stem)


def _write_pace(
    opened: open_studies.Opened,
    out: pathlib.Path,
    data: Sequence[Row],
    found: Judged,
    played: Sequence[trajectories.Trajectory],
) -> None:
    protocol = opened.study.config.study.pace
    if protocol == "live":
        measured = [
            pace.of_acts(item.person, item.acts, item.assignment.mode)
            for item in played
        ]
        times = [item for item in measured if item is not None]
    else:
        times = [
            pace.Times(
                found.labels[row.session.person_id],
                row.click.seconds,
                device=row.device,
                mode=row.mode,
            )
            for row in data
        ]
    content: dict[str, Any] = pace.summary(times, found.source, protocol)
    files.write_output(out / "pace.json", json.dumps(content, indent=1) + "\n")
