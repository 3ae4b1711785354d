"""A copy of a study for bots: the same tasks and pictures, and nobody in it."""

import dataclasses
import json
import pathlib
import shutil
import time
from typing import Any

from rclicks_jax import errors, files
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import demand, first_clicks
from rclicks_jax.settings.collection import SimulationSettings

FILE = "simulation.json"
# These may change when a simulation goes on.
_MAY_CHANGE = {"bots", "kills"}


def make(source: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies a study, without its people and clicks.

    Args:
        source: A study that `init` has finished.
        folder: The copy; if it is there, it is left as it is.

    Raises:
        DataError: The study is not finished, or the folder is something else.
    """
    if (folder / study_files.DATABASE).exists():
        return
    opened = open_studies.open_for_commands(source)
    try:
        open_studies.expect_built(opened.study, opened.store)
        tasks = opened.store.read(catalogue.tasks)
        built = opened.store.read(
            lambda db: {
                name: catalogue.note(db, name)
                for name in (first_clicks.BUILT_NOTE, first_clicks.DISPLAY_NOTE)
            }
        )
    finally:
        opened.store.close()
    if folder.exists() and any(folder.iterdir()):
        raise errors.DataError(f"{folder} has other files: choose a new folder.")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(
        source,
        part,
        # What people did stays where it is.
        ignore=shutil.ignore_patterns(f"{study_files.DATABASE}*"),
    )
    study = study_files.read(part)
    store = Store(study.database)
    try:
        store.write(lambda db: demand.put(db, study, tasks)).result()
        notes = {**built, open_studies.SOURCE_NOTE: "bots"}
        for name, value in notes.items():
            store.write(
                lambda db, name=name, value=value: catalogue.set_note(db, name, value)
            ).result()
    finally:
        store.close()
    if folder.exists():
        folder.rmdir()
    part.rename(folder)


def begin(folder: pathlib.Path, settings: SimulationSettings) -> float:
    """Notes what is planted; returns when the simulation began, seconds since 1970.

    Raises:
        BadValueError: Bots of another simulation were here.
    """
    path = folder / FILE
    wanted = dataclasses.asdict(settings)
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        changed = [
            name
            for name, value in wanted.items()
            if kept["settings"].get(name) != value and name not in _MAY_CHANGE
        ]
        if changed:
            raise errors.BadValueError(
                f"Bots in {folder}",
                ", ".join(f"{name}={wanted[name]}" for name in changed),
                "the settings with which they began: "
                + ", ".join(f"{n}={kept['settings'].get(n)}" for n in changed)
                + "; --out names another copy",
            )
        return float(kept["began"])
    content = {"began": time.time(), "settings": wanted}
    files.write_output(path, json.dumps(content, indent=1) + "\n")
    return content["began"]
