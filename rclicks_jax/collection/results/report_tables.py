"""Tables of a study's report: progress, reasons, drop-outs, seconds, display modes.

All but `sessions` are of the study's own sessions alone: people's in a study of people,
bots' in a study of bots. Tests of the owner and others' sessions are counted there.
"""

import collections
import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.results import pace, power
from rclicks_jax.collection.results.judged_clicks import Judged
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.results.trajectories import Trajectory
from rclicks_jax.collection.service import judgement, live_rounds
from rclicks_jax.collection.store.cells import Fill
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Row, Table

# A session without a sign for so long has left, seconds.
_LEFT_AFTER = 1800.0
_PAGES = ("consent", "instructions", "practice", "tasks", "end")
# With fewer people, no exchange of their modes is seldom enough.
_FEWEST_PEOPLE = 6
_EXCHANGES = 999
_MEANINGS: dict[str, str] = {
    "outside": "too far from the region that was asked for",
    "too_fast": "sooner after the picture than a person can react",
    "too_slow": "later than the time for a click",
    "exposure": "a step was shown too long or too short",
    "hidden": "the page was hidden meanwhile",
    "resized": "window or screen changed meanwhile",
    "drag": "the pointer moved between down and up",
    "multi_touch": "not the first finger",
    "untrusted": "not made by a pointer or key",
    "tiny": "the region was too small on that screen",
    "clock": "came before its steps can have been shown",
    "early": "before a click was asked for",
    "geometry": "places in window and picture do not agree",
    "not_fetched": "the pictures were never fetched",
    "other_device": "another device than was asked for (no reason to reject)",
    "zoomed": "the page was zoomed (no reason to reject)",
    "keyboard": "by keyboard (no reason to reject)",
    "tablet": "on a tablet (no reason to reject)",
    "duplicate": "a second click of the same task",
}


class Study(NamedTuple):
    """What the tables are made of.

    Attributes:
        found: Clicks and sessions with consent, judged.
        sessions: All sessions.
        tasks: The tasks that are data, by id.
        fills: How far each cell is.
        last: When each session last did anything, by id, seconds since 1970.
        played: Trajectories of live rounds.
        now: Seconds since 1970.
    """

    found: Judged
    sessions: Sequence[Session]
    tasks: Mapping[str, TaskFacts]
    fills: Sequence[Fill]
    last: Mapping[str, float]
    played: Sequence[Trajectory]
    now: float

    @property
    def own(self) -> list[Click]:
        """Clicks of the study's own sessions that have not been withdrawn."""
        return [
            row
            for row in self.found.rows
            if self.found.is_own(row.session) and row.session.phase != "withdrawn"
        ]


def make_all(study: Study) -> list[Table]:
    """Returns every table; those of which there is nothing have no rows."""
    return [
        progress(study),
        modes(study),
        pairs_of_modes(study),
        reasons(study),
        seconds(study, "timed"),
        seconds(study, "self_paced"),
        live_rounds_played(study),
        controls(study),
        pages(study),
        devices(study),
        sessions(study),
    ]


def progress(study: Study) -> Table:
    """Counts clicks by click type, display mode and device."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for fill in study.fills:
        key = study.tasks[fill.task_id].click_type, fill.mode, fill.device
        missing = max(0, fill.wanted - fill.accepted - fill.open)
        row = (1, fill.wanted, fill.accepted, fill.open, missing)
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 5), row, strict=True)]
    rows: list[Row] = [
        {
            **dict(zip(("click_type", "mode", "device"), key, strict=True)),
            **dict(zip(("cells", "wanted", "accepted", "open", "missing"), values,
                       strict=True)),
            "share": values[2] / values[1] if values[1] else None,
        }
        for key, values in sorted(sums.items(), key=lambda item: _order(item[0]))
    ]  # fmt: skip
    columns = {
        "click_type": ("task type", "s"),
        "mode": ("display mode", "s"),
        "device": ("device", "s"),
        "cells": ("tasks", "d"),
        "wanted": ("wanted", "d"),
        "accepted": ("accepted", "d"),
        "open": ("in flight", "d"),
        "missing": ("missing", "d"),
        "share": ("share", ".0%"),
    }
    notes = ("In flight: on somebody's screen now, or not yet given up.",)
    return Table("progress", "Progress", columns, rows, notes)


def reasons(study: Study) -> Table:
    """Counts what speaks against clicks, by device."""
    seen = {row.device for row in study.own}
    columns = {"reason": ("reason", "s"), "meaning": ("meaning", "s")}
    counts = {
        device: [r for r in study.own if r.device == device and r.task.role == "main"]
        for device in words.DEVICES
        if device in seen
    }
    for role in ("control", "practice"):
        counts[role] = [row for row in study.own if row.task.role == role]
    columns |= {key: (key, "d") for key in counts if counts[key]}
    heads: list[Row] = [
        {"reason": "all clicks", "meaning": ""}
        | {key: len(own) for key, own in counts.items()},
        {"reason": "accepted", "meaning": ""}
        | {key: sum(row.accepted for row in own) for key, own in counts.items()},
    ]
    rows: list[Row] = []
    for name in (*words.REASONS, "duplicate"):
        numbers = {
            key: sum(
                row.duplicate if name == "duplicate" else name in row.reasons
                for row in own
            )
            for key, own in counts.items()
        }
        if any(numbers.values()):
            rows.append({"reason": name, "meaning": _MEANINGS[name], **numbers})
    rows.sort(key=lambda row: -sum(row[key] for key in counts))
    notes = ("A click may have several reasons.",)
    title = "Clicks that were rejected, and why"
    return Table("reasons", title, columns, [*heads, *rows] if seen else [], notes)


def seconds(study: Study, how: words.Pace) -> Table:
    """Returns how fast people click, of one pace.

    Args:
        study: The study.
        how: `timed` or `self_paced`; live rounds have a table of their own.
    """
    rows: list[Row] = []
    for (device, mode), own in _grouped(_data_of(study, how), ("device", "mode")):
        times = [(row.session.person_id, row.click.seconds) for row in own]
        rows.append({"device": device, "mode": mode, **_median(times)})
    columns = {"device": ("device", "s"), "mode": ("display mode", "s"), **_MEDIAN}
    notes = (_BY_PERSON,)
    if how == "self_paced":
        title = "Seconds of people who set the pace"
        notes += ("These are seconds of annotation: `pace.json` of the export.",)
        return Table("pace", title, columns, rows, notes)
    title = "Seconds from when a click was taken until it was made"
    notes += (
        "The steps before have fixed times, in which people look for the object: these "
        "are not seconds of annotation.",
    )
    return Table("seconds", title, columns, rows, notes)


_MEDIAN = {
    "median": ("median, s", ".2f"),
    "low": ("from", ".2f"),
    "high": ("to", ".2f"),
    "people": ("people", "d"),
    "clicks": ("clicks", "d"),
}
_BY_PERSON = (
    "Median over people of each one's median; from, to: its 95 % interval by order "
    "statistics, which fewer than six people do not give."
)


def _median(times: Iterable[tuple[str, float]]) -> Row:
    """Returns the median over people of their medians, with its interval."""
    by_person: dict[str, list[float]] = {}
    for person, value in times:
        by_person.setdefault(person, []).append(value)
    middle = intervals.of_median([statistics.median(own) for own in by_person.values()])
    return {
        "median": middle.mean,
        "low": middle.low,
        "high": middle.high,
        "people": len(by_person),
        "clicks": sum(map(len, by_person.values())),
    }


def live_rounds_played(study: Study) -> Table:
    """Returns how people work with a segmenter that answers."""
    rows: list[Row] = []
    for device in words.DEVICES:
        own = [item for item in study.played if item.acts[0].device == device]
        if not own:
            continue
        timed = [(item.person, pace.of_acts(item.person, item.acts)) for item in own]
        spans = {
            "first click": [(p, t.first) for p, t in timed if t],
            "further click": [(p, s) for p, t in timed if t for s in t.later],
            "last look": [(p, t.last) for p, t in timed if t and t.last is not None],
        }
        given_up = sum(item.acts[-1].message.act == "give_up" for item in own)
        clicks = statistics.mean(len(live_rounds.standing(i.acts)) for i in own)
        for what, times in spans.items():
            if times:
                rows.append(
                    {
                        "device": device,
                        "what": what,
                        **_median(times),
                        "objects": len(own),
                        "given_up": given_up,
                        "clicks_each": clicks,
                    }
                )
    columns = {
        "device": ("device", "s"),
        "what": ("seconds until", "s"),
        **{**_MEDIAN, "clicks": ("times", "d")},
        "objects": ("objects", "d"),
        "given_up": ("given up", "d"),
        "clicks_each": ("clicks each", ".1f"),
    }
    notes = (_BY_PERSON, "The segmenter's own seconds are left out.")
    return Table("live", "Live rounds", columns, rows, notes)


def controls(study: Study) -> Table:
    """Counts control tasks, whose answer is known, by device."""
    rows: list[Row] = []
    found = study.found
    control = [row for row in study.own if row.task.role == "control"]
    for (device,), own in _grouped(control, ("device",)):
        sessions = {row.session.session_id for row in own}
        out = sum("session_control" in found.reasons[key] for key in sessions)
        passed = sum(row.accepted for row in own)
        rows.append(
            {
                "device": device,
                "clicks": len(own),
                "passed": passed,
                "share": passed / len(own),
                "sessions": len(sessions),
                "out": out,
            }
        )
    columns = {
        "device": ("device", "s"),
        "clicks": ("control tasks", "d"),
        "passed": ("passed", "d"),
        "share": ("share", ".0%"),
        "sessions": ("sessions", "d"),
        "out": ("sessions rejected", "d"),
    }
    return Table("controls", "Control tasks", columns, rows)


def pages(study: Study) -> Table:
    """Counts on which page sessions ended before their end."""
    done = collections.Counter(row.session.session_id for row in study.own)
    main = {r.session.session_id for r in study.own if r.task.role == "main"}
    practised = {r.session.session_id for r in study.own if r.task.role == "practice"}
    counts = {page: collections.Counter[str]() for page in _PAGES}
    tasks: dict[str, list[int]] = {page: [] for page in _PAGES}
    for session in study.sessions:
        if not study.found.is_own(session):
            continue
        key = session.session_id
        page = _page(session, key in practised and key not in main)
        for reached in _PAGES[: _PAGES.index(page) + 1]:
            counts[reached]["reached"] += 1
        how = _how(session, study)
        counts[page][how] += 1
        if how != "done":
            tasks[page].append(done[key])
    if not any(counts["practice"][key] for key in ("there", *_ENDS)):
        # Nobody is or was stopped in it: a line would say no more than the next.
        del counts["practice"]
    rows: list[Row] = [
        {
            "page": page,
            **{key: own[key] for key in ("reached", "there", *_ENDS)},
            "tasks": statistics.median(tasks[page]) if any(tasks[page]) else None,
        }
        for page, own in counts.items()
        if own["reached"]
    ]
    columns = {
        "page": ("page", "s"),
        "reached": ("reached", "d"),
        "there": ("there now", "d"),
        "left": ("left", "d"),
        "withdrew": ("withdrew", "d"),
        "screened_out": ("screened out", "d"),
        "tasks": ("clicks before", ".1f"),
    }
    notes = (
        f"Left: no sign for {_LEFT_AFTER / 60:.0f} minutes. Clicks before: median of "
        "those who are on the page or ended on it.",
    )
    title = "Where people are, and where they leave"
    return Table("pages", title, columns, rows, notes)


_ENDS = ("left", "withdrew", "screened_out")


def _page(session: Session, only_practised: bool) -> str:
    if session.ending == "complete":
        return "end"
    if session.consented is None:
        return "consent"
    if session.turn is None and session.phase != "tasks":
        return "instructions"
    return "practice" if only_practised else "tasks"


def _how(session: Session, study: Study) -> str:
    if session.ending == "complete":
        return "done"
    if session.phase == "withdrawn":
        return "withdrew"
    if session.phase == "finished":
        return "screened_out"
    gone = study.now - study.last.get(session.session_id, 0.0) > _LEFT_AFTER
    return "left" if gone else "there"


def devices(study: Study) -> Table:
    """Counts sessions and clicks by device and language."""
    clicks = collections.Counter(row.session.session_id for row in study.own)
    accepted = collections.Counter(
        row.session.session_id for row in study.found.data(surplus=True)
    )
    groups: dict[tuple[str, str], list[Session]] = {}
    for session in study.sessions:
        if study.found.is_own(session):
            facts = msgspec.json.decode(session.device, type=messages.DeviceFacts)
            key = judgement.likely_device(facts), session.language
            groups.setdefault(key, []).append(session)
    rows: list[Row] = [
        {
            "device": device,
            "language": language,
            "sessions": len(own),
            "complete": sum(session.ending == "complete" for session in own),
            "clicks": sum(clicks[session.session_id] for session in own),
            "accepted": sum(accepted[session.session_id] for session in own),
        }
        for (device, language), own in sorted(groups.items())
    ]
    columns = {
        "device": ("device", "s"),
        "language": ("language", "s"),
        "sessions": ("sessions", "d"),
        "complete": ("complete", "d"),
        "clicks": ("clicks", "d"),
        "accepted": ("accepted", "d"),
    }
    notes = ("Device: as the browser described itself when the person came.",)
    return Table("devices", "Devices and languages", columns, rows, notes)


def sessions(study: Study) -> Table:
    """Counts all sessions, of people, bots and tests apart."""
    kinds = {"real": "people", "bot": "bots", "test": "tests of the owner"}
    rows: list[Row] = []
    for kind, title in kinds.items():
        own = [session for session in study.sessions if session.kind == kind]
        if not own:
            continue
        flags = collections.Counter(
            flag for s in own for flag in study.found.reasons.get(s.session_id, ())
        )
        rows.append(
            {
                "kind": title,
                "sessions": len(own),
                "counted": sum(
                    study.found.counts(s)
                    for s in own
                    if s.session_id in study.found.sessions
                ),
                "flags": ", ".join(f"{key} {n}" for key, n in sorted(flags.items())),
            }
        )
    columns = {
        "kind": ("sessions of", "s"),
        "sessions": ("number", "d"),
        "counted": ("clicks count", "d"),
        "flags": ("what speaks against them", "s"),
    }
    return Table("sessions", "Sessions", columns, rows)


def modes(study: Study) -> Table:
    """Returns where clicks fall in each display mode, in sides of the region's box."""
    rows: list[Row] = []
    groups = _grouped(study.found.data(), ("click_type", "mode", "device"))
    for (click_type, mode, device), own in groups:
        places = np.array([power.place_in_box(row) for row in own])
        radial = np.hypot(*places.T)
        rows.append(
            {
                "click_type": click_type,
                "mode": mode,
                "device": device,
                "tasks": len({row.task.task_id for row in own}),
                "people": len({row.session.person_id for row in own}),
                "clicks": len(own),
                "middle": float(radial.mean()),
                "outside": float(np.mean([row.click.distance > 0 for row in own])),
            }
        )
    columns = {
        "click_type": ("task type", "s"),
        "mode": ("display mode", "s"),
        "device": ("device", "s"),
        "tasks": ("tasks with clicks", "d"),
        "people": ("people", "d"),
        "clicks": ("clicks", "d"),
        "middle": ("from the middle", ".3f"),
        "outside": ("outside", ".1%"),
    }
    notes = (
        "From the middle: mean distance of a click from the middle of the region's "
        "box, in sides of the box. Outside: accepted clicks that are not in the region "
        "itself, but near enough.",
    )
    title = "Where accepted clicks fall, by display mode"
    return Table("modes", title, columns, rows, notes)


def pairs_of_modes(study: Study) -> Table:
    """Compares first clicks of each two display modes by energy distance."""
    data = [row for row in study.found.data() if row.task.click_type == "first"]
    shown = [mode for mode in words.MODES if any(row.mode == mode for row in data)]
    rows: list[Row] = []
    for one, other in itertools.combinations(shown, 2):
        clicks, tasks = power.clicks_of(data, (one, other))
        both = [
            all(((clicks.task == t) & (clicks.mode == m)).sum() > 1 for m in (0, 1))
            for t in range(tasks)
        ]
        if not any(both):
            continue
        kept = np.array(both)[clicks.task]
        people = len(np.unique(clicks.person[kept]))
        clicks = power.Clicks(*(part[kept] for part in clicks))
        still = np.zeros((1, int(clicks.person.max()) + 1), bool)
        generator = np.random.Generator(np.random.Philox(0))
        rows.append(
            {
                "one": one,
                "other": other,
                "tasks": sum(both),
                "people": people,
                "clicks": len(clicks.places),
                "energy": float(power.energy(clicks, tasks, still)[0]),
                "p": power.p_value(clicks, tasks, generator, _EXCHANGES)
                if people >= _FEWEST_PEOPLE
                else None,
            }
        )
    columns = {
        "one": ("display mode", "s"),
        "other": ("and", "s"),
        "tasks": ("tasks", "d"),
        "people": ("people", "d"),
        "clicks": ("clicks", "d"),
        "energy": ("energy distance", ".4f"),
        "p": ("p", ".3f"),
    }
    notes = (
        "Energy distance of the first clicks of a task in two modes, in sides of the "
        "box, averaged over tasks with two clicks in each: 0 on average for equal "
        f"distributions. p: share of {_EXCHANGES} exchanges of people's modes that "
        f"give as much; fewer than {_FEWEST_PEOPLE} people give none.",
    )
    title = "Display modes compared on the same tasks"
    return Table("pairs_of_modes", title, columns, rows, notes)


def _data_of(study: Study, how: words.Pace) -> list[Click]:
    return [row for row in study.found.data() if row.click.given.pace == how]


def _grouped(
    rows: Iterable[Click], keys: Sequence[str]
) -> list[tuple[tuple[str, ...], list[Click]]]:
    """Returns clicks by device, display mode or click type, in order."""
    groups: dict[tuple[str, ...], list[Click]] = {}
    for row in rows:
        values = {
            "device": row.device,
            "mode": row.mode,
            "click_type": row.task.click_type,
        }
        groups.setdefault(tuple(values[key] for key in keys), []).append(row)
    return sorted(groups.items(), key=lambda item: _order(item[0]))


def _order(names: Iterable[str]) -> list[int]:
    """Returns a key that sorts click types, display modes and devices as words do."""
    known = (*words.ASKS, *words.MODES, *words.DEVICES)
    return [known.index(name) for name in names]
