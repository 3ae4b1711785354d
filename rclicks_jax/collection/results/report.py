"""The report of a study, at any moment: one HTML page, and its tables as files."""

import dataclasses
import datetime
import os
import pathlib
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rclicks_jax import errors, files
from rclicks_jax.collection.results import (
    click_pictures,
    click_tables,
    comparison_tables,
    judged_clicks,
    mode_tables,
    model_scores,
    report_facts,
    session_tables,
    status,
    task_maps,
    trajectories,
)
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue, cells, sessions, views
from rclicks_jax.collection.tasks import demand
from rclicks_jax.evaluation import click_model_tables
from rclicks_jax.evaluation.click_scores import Scores
from rclicks_jax.reporting import click_words, page_parts, pages, table_files
from rclicks_jax.reporting.table_formats import Table

# With fewer accepted clicks, nothing is said of where people click.
_FEW = 20
# Tables of where people click, which stand beside the pictures.
_OF_PLACES = ("modes", "pairs_of_modes", "pairs_of_devices")
# The table that every report has: it tells the folder of a report from others.
_MARK = pathlib.Path("tables") / "progress.csv"


class Report(NamedTuple):
    """A report.

    Attributes:
        page: The page, HTML.
        tables: Its tables.
        accepted: Clicks that are data.
    """

    page: str
    tables: list[Table]
    accepted: int


def write(
    opened: open_studies.Opened,
    out: pathlib.Path,
    models: Mapping[str, task_maps.Model],
    *,
    most_tasks: int = 0,
    show: bool = False,
) -> Report:
    """Writes `report.html` and `tables/` into a folder; a report there is replaced.

    Args:
        opened: The study; a server may write it meanwhile.
        out: The folder.
        models: Click models that are compared with the clicks.
        most_tasks: Largest number of tasks of a display mode on which they are; 0 for
            all.
        show: Whether a bar shows progress.

    Raises:
        DataError: The folder has other files, or the study has no task.
    """
    if out.exists() and not out.is_dir():
        raise errors.DataError(f"{out} is a file; give a folder.")
    if out.exists() and any(out.iterdir()) and not (out / _MARK).exists():
        raise errors.DataError(
            f"{out} has other files than a report's: choose a new folder."
        )
    report = make(opened, models, time.time(), most_tasks=most_tasks, show=show)
    for path in (out / "tables").glob("*.*"):
        path.unlink()
    table_files.write_tables(out, report.tables)
    files.write_output(out / page_parts.REPORT_NAME, report.page.encode())
    return report


def make(
    opened: open_studies.Opened,
    models: Mapping[str, task_maps.Model],
    now: float,
    *,
    most_tasks: int = 0,
    show: bool = False,
) -> Report:
    """Makes a report; a function of the study and the time alone.

    Args:
        opened: The study.
        models: Click models that are compared with the clicks.
        now: Seconds since 1970.
        most_tasks: As `write` takes it.
        show: Whether a bar shows progress.

    Raises:
        DataError: The study has no task.
    """
    study = opened.study
    read, waves = opened.store.read(lambda db: _read(db, opened, now))
    if not read.fills:
        raise errors.DataError(
            f"{study.folder} has no task yet: run rclicks-collect init {study.folder}."
        )
    data = read.found.data()
    tables = _tables(read)
    warnings = _warnings(read, len(data), models)
    tasks = model_scores.by_task(data, most_tasks)
    of_models = _model_tables(
        model_scores.score(study, tasks, models, read.found.source, show=show),
        most_tasks,
    )
    gallery: list[click_pictures.Shown] = []
    for clicks in click_pictures.choose(data):
        try:
            gallery.append(click_pictures.draw(study, clicks, read.found.source))
        except errors.DataError as error:
            # The page may be mailed: no path of this machine belongs into it.
            why = str(error).replace(f"{study.folder}{os.sep}", "")
            warnings.append(f"Pictures are left out. {why}")
    shown = [pages.table_values(table) for table in tables if table.rows]
    page = pages.render(
        "collection.html.jinja",
        title=study.config.study.title,
        people=_people(read),
        source=read.found.source,
        when=f"{_date(now)} UTC",
        summary=_summary(read, data),
        warnings=warnings,
        rule=click_pictures.RULE,
        gallery=gallery,
        progress=[table for table in shown if table["name"] == "progress"],
        modes=[table for table in shown if table["name"] in _OF_PLACES],
        models=[pages.table_values(table) for table in of_models],
        tables=[
            table for table in shown if table["name"] not in ("progress", *_OF_PLACES)
        ],
        made={"commands": [], "settings": _settings(opened, waves)},
    )
    return Report(page, [*tables, *of_models], len(data))


def _read(
    db: sqlite3.Connection, opened: open_studies.Opened, now: float
) -> tuple[report_facts.Study, list[catalogue.Wave]]:
    """Reads all that is in the report at one moment."""
    study = opened.study
    policy, source = study.config.judgement, opened.desk.source
    found = judged_clicks.read(db, study.secret, policy, source)
    last = views.last_signs(db)
    read = report_facts.Study(
        found=found,
        sessions=sessions.every(db),
        live=catalogue.live_tasks(db, demand.live_from(study.config)),
        tasks={task.task_id: task for task in catalogue.tasks(db, "main")},
        fills=cells.fills(db),
        last=last,
        played=trajectories.read(db, found),
        # The clock of bots runs ahead, and clocks of servers are set back.
        now=max([now, *last.values()]),
    )
    return read, catalogue.waves(db)


def _tables(read: report_facts.Study) -> list[Table]:
    """Returns every table but those of click models; some may have no rows."""
    return [
        click_tables.progress(read),
        mode_tables.modes(read),
        comparison_tables.pairs_of_modes(read),
        comparison_tables.pairs_of_devices(read),
        click_tables.reasons(read),
        click_tables.seconds(read, "timed"),
        click_tables.seconds(read, "self_paced"),
        click_tables.live_rounds_played(read),
        click_tables.controls(read),
        session_tables.pages(read),
        session_tables.devices(read),
        session_tables.sessions(read),
    ]


def _people(read: report_facts.Study) -> str:
    own = {s.person_id for s in read.sessions if read.found.is_own(s)}
    if not own:
        return "nobody has come yet"
    return status.number_of(read.found.source, len(own))


def _summary(read: report_facts.Study, data: Sequence[Click]) -> str:
    """Returns a sentence on how far the study is."""
    wanted = sum(fill.wanted for fill in read.fills)
    accepted = sum(fill.accepted for fill in read.fills)
    if not read.own and not read.played:
        return (
            f"Nobody has clicked yet; {wanted} accepted clicks are wanted. So there "
            "are no click maps, no seconds and no click models."
        )
    share = f" ({accepted / wanted:.0%})" if wanted else ""
    tasks = len({row.task.task_id for row in data})
    on = status.number_of("tasks", tasks)
    return f"Accepted clicks: {accepted} of {wanted} that are wanted{share}, on {on}."


def _warnings(
    read: report_facts.Study, accepted: int, models: Mapping[str, task_maps.Model]
) -> list[str]:
    """Returns the warnings that stand above the numbers."""
    warnings: list[str] = []
    bots = sum(session.kind == "bot" for session in read.sessions)
    if read.found.source == "bots":
        warnings.append(f"{status.BOTS} They say nothing of where people click.")
    elif bots:
        warnings.append(
            f"This study also has {status.number_of('sessions', bots)} of bots. The "
            "table of sessions counts them; no other number has anything of them."
        )
    if 0 < accepted < _FEW:
        warnings.append(
            f"So far only {status.number_of('clicks', accepted)} can be used: too few "
            "to say where people click."
        )
    for name, model in models.items():
        if model.described.get("name") == "CM":
            warnings.append(click_words.warning(model.described, name))
    return [*filter(None, warnings)]


def _model_tables(scores: Sequence[Scores], most_tasks: int) -> list[Table]:
    """Returns the tables of click models; a display mode stands for a dataset."""
    if not scores:
        return []
    limit = f", at most {most_tasks} of a display mode" if most_tasks else ""
    note = (
        "By the metrics of rclicks-evaluate, on the tasks with most accepted clicks"
        f"{limit}; a task has the clicks of all devices."
    )
    tables = (click_model_tables.means(scores), click_model_tables.differences(scores))
    return [
        dataclasses.replace(
            table,
            columns={**table.columns, "dataset": ("Display mode", "s")},
            notes=(*table.notes, note),
        )
        for table in tables
        if table.rows
    ]


def _settings(
    opened: open_studies.Opened, waves: Sequence[catalogue.Wave]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns what the study is, by groups; without folders and the contact."""
    config = dataclasses.asdict(opened.study.config)
    # Participants read whom they may write to; the page may go to anybody.
    del config["study"]["contact"]
    for table, key in (("study", "data"), ("live", "segmenter")):
        config[table][key] = _without_folders(config[table][key])
    groups = pages.settings(config)
    began = [
        (f"wave {wave.wave}", f"{wave.protocol_hash}, began {_date(wave.started)} UTC")
        for wave in waves
    ]
    alone = [*began, *groups.pop("", [])]
    return [*([("waves", alone)] if alone else []), *groups.items()]


def _without_folders(spec: str) -> str:
    """Returns what a flag names, with the last part of each path alone."""
    return re.sub(r"[^:=,]*[/\\\\]", "", spec)


def _date(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M}"
