"""The actions of `rclicks-collect`; each returns the exit status."""

import contextlib
import dataclasses
import pathlib
import sys
import time
import tomllib
import urllib.parse
from collections.abc import Iterator, Sequence
from typing import Any

import tqdm

from rclicks_jax import errors
from rclicks_jax.collection import checks, words
from rclicks_jax.collection.results import export, report, status, task_maps
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import (
    assignments,
    catalogue,
    events,
    sessions,
)
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.study import descriptions, study_files, tokens
from rclicks_jax.collection.tasks import first_clicks
from rclicks_jax.reporting import page_parts, table_formats
from rclicks_jax.settings.collection import CollectionConfig


def init(folder: str, data: str, settings: Sequence[str]) -> int:
    """Makes a study, or goes on making it.

    Args:
        folder: The study.
        data: Photographs and objects, as `--data` takes them.
        settings: `table.name=value` of further settings; values as in TOML.

    Raises:
        BadValueError: A setting is wrong, or data are missing.
    """
    path = pathlib.Path(folder)
    is_new = not (path / study_files.SETTINGS).exists()
    if is_new and not data:
        raise errors.BadValueError("--data", "nothing", "what a new study is about")
    if not is_new and (settings or data):
        raise errors.BadValueError(
            "--data and --set",
            "settings of a study that is there",
            f"changes in {path / study_files.SETTINGS}; then the same command without "
            "them",
        )
    config = config_of(data, settings) if is_new else CollectionConfig()
    study = study_files.create(path, config)
    with contextlib.closing(Store(study.database)) as store:
        with progress_bar("photographs", "photo") as progress:
            built = first_clicks.build(study, store, progress)
        names = [t.full_stem for t in store.read(catalogue.tasks) if t.role == "main"]
    for name, problem in built.problems[:5]:
        print(f"left out: {errors.printable(f'{name}: {problem}')}")
    if len(built.problems) > 5:
        print(f"left out: {len(built.problems) - 5} more objects")
    roles = ", ".join(f"{count} {role}" for role, count in built.tasks.items())
    print(f"{path}: {built.photographs} photographs, tasks: {roles or 'none'}.")
    if built.without_text:
        if not (path / descriptions.FILE).exists():
            descriptions.write(path, names, study.languages, {})
        print(
            f"{built.without_text} objects have no description for "
            f"{words.TEXT_MODE}: fill in {path / descriptions.FILE} and run the same "
            "command again."
        )
    if not built.tasks.get("main"):
        raise errors.DataError("There is no object left for the study itself.")
    return 0


def config_of(data: str, settings: Sequence[str]) -> CollectionConfig:
    """Returns the settings of a new study.

    Raises:
        BadValueError: A setting has not the form `table.name=value`, or is wrong.
    """
    tables: dict[str, dict[str, Any]] = {"study": {"data": _absolute(data)}}
    for setting in settings:
        key, equals, text = setting.partition("=")
        table, dot, name = key.partition(".")
        if not (equals and dot):
            raise errors.BadValueError("--set", setting, "table.name=value")
        tables.setdefault(table, {})[name] = _value(text)
    return study_files.from_tables(tables, "--set")


def _value(text: str) -> object:
    """Returns a value as TOML reads it; what is no TOML is a text or several."""
    with contextlib.suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(f"value = {text}")["value"]
    return text


def _absolute(data: str) -> str:
    """Returns data with the folder's whole path, where there is one folder alone."""
    kind, colon, place = data.partition(":")
    if colon and pathlib.Path(place).expanduser().is_dir():
        return f"{kind}:{pathlib.Path(place).expanduser().resolve()}"
    if pathlib.Path(data).expanduser().is_dir():
        return str(pathlib.Path(data).expanduser().resolve())
    return data


def show_status(folder: str, code: str = "") -> int:
    """Prints how far a study is; or whose session a code belongs to."""
    with _opened(folder) as opened:
        if code:
            return _verify(opened, code)
        found = status.look(opened)
    for table in found.tables:
        print(f"{table.title}\n\n{table_formats.to_text(table)}\n")
    for reminder in found.reminders:
        print(f"note: {reminder}")
    print("Complete." if found.complete else "Clicks are still wanted.")
    return 0


def _verify(opened: open_studies.Opened, code: str) -> int:
    for session in opened.store.read(sessions.every):
        if tokens.equal(opened.desk.proof(session.session_id), code.strip().upper()):
            done = opened.store.read(
                lambda db, s=session: assignments.answered(db, s.session_id)
            )[1]
            print(
                f"{code} is of this study: {session.phase}, {done} tasks, person "
                f"{session.person_id}."
            )
            return 0
    print(f"{code} is not a code of this study.")
    return 1


def run_export(
    folder: str,
    out: str,
    *,
    mode: str = "",
    surplus: bool = False,
    bots: bool = False,
    tolerance: float | None,
    val_share: float = 0.0,
) -> int:
    """Writes a study as a folder of data."""
    with _opened(folder) as opened:
        policy = opened.study.config.judgement
        if tolerance is not None:
            policy = dataclasses.replace(policy, tolerance=tolerance)
        done = export.export(
            opened,
            pathlib.Path(out),
            mode=mode,
            surplus=surplus,
            bots=bots,
            policy=policy,
            val_share=val_share,
        )
        source = opened.desk.source
    print(
        f"{done.folder}: {done.clicks} clicks, {done.previews} of display modes, "
        f"{done.all_clicks} in all with rejected ones, {done.people} people, "
        f"{done.trajectories} trajectories."
    )
    if source == "bots":
        print(status.BOTS)
    return 0


def write_report(
    folder: str, out: str, click_models: Sequence[str], *, most_tasks: int = 0
) -> int:
    """Writes the report of a study, also while a server runs.

    Args:
        folder: The study.
        out: Folder of the report; empty for `report` in the study.
        click_models: Click models that are compared with the clicks.
        most_tasks: Largest number of tasks of a display mode on which they are; 0 for
            all.
    """
    place = pathlib.Path(out) if out else pathlib.Path(folder) / "report"
    opened = open_studies.open_for_commands(pathlib.Path(folder), read_only=True)
    with contextlib.closing(opened.store):
        models = task_maps.load(click_models)
        made = report.write(opened, place, models, most_tasks=most_tasks, show=True)
    page = (place / page_parts.REPORT_NAME).resolve()
    print(f"{page.as_uri()}: {status.number_of('clicks', made.accepted)} accepted.")
    if opened.desk.source == "bots":
        print(status.BOTS)
    return 0


def forget(folder: str, names: Sequence[str], *, everyone: bool, erase: bool) -> int:
    """Deletes the names by which platforms know people, and perhaps what they did.

    Args:
        folder: The study.
        names: Names of people, as the platform knows them.
        everyone: Whether all names are deleted.
        erase: Whether the clicks of these people are erased, too.
    """
    if bool(names) == everyone or (everyone and erase):
        raise errors.BadValueError(
            "Arguments",
            "both names and --all" if names else "--erase for all" if erase else "none",
            "NAME ... (perhaps with --erase), or --all for all names",
        )
    with _opened(folder) as opened:
        store = opened.store
        if everyone:
            print(f"{store.write(lambda db: sessions.forget(db, None)).result()} names "
                  "are forgotten.")  # fmt: skip
            return 0
        missing = 0
        for name in names:
            persons = store.read(lambda db, n=name: sessions.find_identity(db, n))
            missing += not persons
            erased = 0
            for person in persons:
                if erase:
                    erased += _erase(store, person)
                store.write(lambda db, p=person: sessions.forget(db, p)).result()
            told = f"; {erased} events are erased" if erase else ""
            found = f"is forgotten{told}" if persons else "is not known"
            print(f"{errors.printable(name)} {found}.")
    return 1 if missing else 0


def _erase(store: Store, person_id: str) -> int:
    """Erases what a person did, in all waves; returns the number of events."""

    def action(db: Any) -> int:
        erased = 0
        for session in sessions.all_of_person(db, person_id):
            for assignment in assignments.of_session(db, session.session_id):
                if assignment.state in ("open", "accepted", "surplus"):
                    assignments.close(db, assignment, "withdrawn")
            erased += events.erase(db, session.session_id, time.time())
            sessions.end(
                db, session.session_id, "withdrawn", session.ending, time.time()
            )
        return erased

    return store.write(action).result()


def run_checks(folder: str) -> int:
    """Prints what the doctor of a study finds."""
    with _opened(folder) as opened:
        findings = checks.check(opened)
    for finding in findings:
        print(
            f"{'   ok ' if finding.good else 'ERROR '}{errors.printable(finding.text)}"
        )
    return 0 if all(finding.good for finding in findings) else 1


def invite(folder: str, count: int, address: str) -> int:
    """Prints addresses with invitations, one a line."""
    study = study_files.read(pathlib.Path(folder))
    if not 1 <= count <= 100_000:
        raise errors.BadValueError("Number of invitations", count, "1 to 100000")
    if "local" not in study.platforms:
        raise errors.BadValueError(
            "[study] platforms", ", ".join(study.platforms), "local among them"
        )
    for number in range(1, count + 1):
        invited = tokens.invitation(study.secret, number)
        query = urllib.parse.urlencode({"platform": "local", "invitation": invited})
        print(f"{address.rstrip('/')}/?{query}")
    return 0


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[open_studies.Opened]:
    opened = open_studies.open_for_commands(pathlib.Path(folder))
    try:
        yield opened
    finally:
        opened.store.close()


@contextlib.contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Any]:
    """Shows a bar of what is done; yields a function that is told, and of how many."""
    with tqdm.tqdm(desc=what, unit=unit, disable=None, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress
