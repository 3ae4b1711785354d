"""Small studies, and people who take part in them without a browser."""

import contextlib
import dataclasses
import itertools
import pathlib
import sqlite3
import threading

import msgspec
import numpy as np
from collect_events import PC, event
from helpers import make_folder

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import answers, open_studies
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.study import study_files
from rclicks_jax.collection.tasks import first_clicks, private_files, regions
from rclicks_jax.settings.collection import (
    ApartSettings,
    AssignmentSettings,
    CollectionConfig,
    DisplaySettings,
    JudgementSettings,
    StudySettings,
)

NONE_APART = ApartSettings(count=0, every=0)


class Clock:
    """Seconds that a test moves on."""

    def __init__(self):
        self.now = 1_000_000.0
        self._lock = threading.Lock()

    def wait(self, seconds):
        """Moves on, whoever else does so at the same time."""
        with self._lock:
            self.now += seconds

    def __call__(self):
        return self.now


def config_of(data, **changes):
    """Returns settings of a small study without practice and control."""
    config = CollectionConfig(
        study=StudySettings(data=data, platforms=("local", "open"), per_person=4),
        display=DisplaySettings(modes=("Object_CutOut",), longest_side=64),
        assignment=AssignmentSettings(clicks=2, devices=("pc",), block=2),
        practice=NONE_APART,
        control=NONE_APART,
        # Photographs of a few pixels have a click radius of one.
        judgement=JudgementSettings(tiny_px=0),
    )
    sections = {
        key: dataclasses.replace(getattr(config, key), **value)
        for key, value in changes.items()
    }
    return dataclasses.replace(config, **sections)


def make(parent: pathlib.Path, names=("a", "b", "c", "d"), **changes):
    """Makes a study of photographs with a disk each; returns its folder."""
    data = parent / "mine"
    if not data.exists():
        make_folder(data, names)
    folder = parent / "study"
    study = study_files.create(folder, config_of(f"folder:{data}", **changes))
    store = Store(study.database)
    first_clicks.build(study, store)
    store.close()
    return folder


def edit(folder, old, new):
    """Changes the settings of a study."""
    path = folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class Person:
    """Takes part in a study."""

    _numbers = itertools.count(1)

    def __init__(self, desk: answers.Service, clock, device=PC, kind="real", **entry):
        self.desk, self.clock, self.device = desk, clock, device
        entry = {"platform": "open", **entry}
        self.entry = messages.Enter(device=device, **entry)
        self.entered = desk.enter(self.entry, kind).result()
        self.token = self.entered.session
        self.number = next(self._numbers)
        self.sent = itertools.count(1)

    def agree(self):
        """Agrees and begins; returns itself."""
        version = self.entered.consent_version
        message = messages.Consent(version=version, language="en", agreed=True)
        self.desk.consent(self.token, message).result()
        self.entered = self.desk.begin(self.token).result()
        return self

    def next(self, rested=True):
        """Asks for the next task."""
        query = messages.NextQuery(rested=rested, device=self.device)
        return self.desk.next_task(self.token, query).result()

    def click_on(self, task, uv=None, **changes):
        """Returns a click on a task: on its target, if no place is given."""
        return event(
            client_id=changes.pop(
                "client_id", f"person{self.number:08}event{next(self.sent):08}"
            ),
            assignment=task.assignment,
            token=task.token,
            uv=uv or self.inside(task),
            steps=task.steps,
            shape=(task.image.h, task.image.w),
            **{"device": self.device, **changes},
        )

    def inside(self, task):
        """Returns a place on the target of a task, which no browser knows."""
        facts = facts_shown(self.desk, task)
        path = private_files.region_path(self.desk.study, facts.task_id)
        region = regions.decode(path.read_bytes(), path.name)
        places = np.argwhere(region)
        y, x = places[len(places) // 2].tolist()
        return ((x + 0.5) / facts.width, (y + 0.5) / facts.height)

    def click(self, task, fetched=None, **changes):
        """Clicks on a task when its steps are over."""
        self.clock.now += sum(step.ms for step in task.steps) / 1000 + 1
        message = self.click_on(task, **changes)
        return self.desk.take_click(self.token, message, fetched).result()

    def work(self, most=1000, **changes):
        """Does tasks to the end; returns the last message and the tasks."""
        tasks = []
        for _ in range(most):
            given = self.next()
            if not isinstance(given, messages.Task):
                return given, tasks
            tasks.append(given)
            self.click(given, **changes)
        return given, tasks


def open_study(folder, clock=None, **options):
    """Opens a study for people."""
    return answers.Service.open(folder, clock or Clock(), **options)


def facts_of(desk: answers.Service):
    """Returns the tasks of an open study."""
    return desk.store.read(catalogue.tasks)


def facts_shown(desk: answers.Service, task):
    """Returns the task that a message of the server is about."""
    shown = task.target.picture
    url = shown.url if shown else ""
    return next(
        facts
        for facts in facts_of(desk)
        if facts.image in task.image.url
        and (not url or any(asset in url for asset in facts.targets.values()))
    )


def sent_to_browsers(*told):
    """Returns what messages look like on their way to a browser."""
    return b"\n".join(map(msgspec.json.encode, told))


def source_of(folder):
    """Returns whose clicks a study has."""
    opened = open_studies.open_for_commands(folder)
    opened.store.close()
    return opened.desk.source


def stored_clicks(path):
    """Returns the ids of the clicks in a database, as they came."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        query = "SELECT client_id FROM events WHERE kind = 'click' ORDER BY number"
        return [row[0] for row in db.execute(query)]
