"""Tables of a study's report: progress, reasons, control tasks, seconds."""

import statistics
from collections.abc import Iterable

from rclicks_jax.collection import words
from rclicks_jax.collection.results import pace
from rclicks_jax.collection.results.judged_clicks import Row as Click
from rclicks_jax.collection.results.report_facts import LIVE, Study, grouped, order
from rclicks_jax.collection.service import live_rounds
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Row, Table

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


def progress(study: Study) -> Table:
    """Counts clicks by click type, display mode and device."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for fill in study.fills:
        is_live = fill.task_id in study.live
        kind = LIVE if is_live else study.tasks[fill.task_id].click_type
        key = kind, fill.mode, fill.device
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
        for key, values in sorted(sums.items(), key=lambda item: order(item[0]))
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
    notes = ["In flight: on somebody's screen now, or not yet given up."]
    if study.live:
        notes.append("Live rounds: what is accepted is a whole trajectory.")
    return Table("progress", "Progress", columns, rows, tuple(notes))


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


def controls(study: Study) -> Table:
    """Counts control tasks, whose answer is known, by device."""
    rows: list[Row] = []
    found = study.found
    control = [row for row in study.own if row.task.role == "control"]
    for (device,), own in grouped(control, ("device",)):
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


def seconds(study: Study, how: words.Pace) -> Table:
    """Returns how fast people click, of one pace.

    Args:
        study: The study.
        how: `timed` or `self_paced`; live rounds have a table of their own.
    """
    rows: list[Row] = []
    for (device, mode), own in grouped(_data_of(study, how), ("device", "mode")):
        times = [(row.session.person_id, row.click.seconds) for row in own]
        rows.append({"device": device, "mode": mode, **_median(times)})
    columns = {"device": ("device", "s"), "mode": ("display mode", "s"), **_MEDIAN}
    notes = (_BY_PERSON,)
    if how == "self_paced":
        title = "Seconds of people who set the pace"
        notes += (
            "These are seconds of annotation, as in the file pace.json of an export.",
        )
        return Table("pace", title, columns, rows, notes)
    title = "Seconds from when a click was taken until it was made"
    notes += (
        "The steps before have fixed times, in which people look for the object: these "
        "are not seconds of annotation.",
    )
    return Table("seconds", title, columns, rows, notes)


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


def _data_of(study: Study, how: words.Pace) -> list[Click]:
    return [row for row in study.found.data() if row.click.given.pace == how]


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
