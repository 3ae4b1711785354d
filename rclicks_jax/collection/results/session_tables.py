"""Tables of a study's report: pages where people leave, devices, kinds of sessions.

All but `sessions` are of the study's own sessions alone: people's in a study of people,
bots' in a study of bots. Tests of the owner and others' sessions are counted there.
"""

import collections
import statistics

import msgspec

from rclicks_jax.collection import messages
from rclicks_jax.collection.results.report_facts import Study
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.reporting.table_formats import Row, Table

# A session without a sign for so long has left, seconds.
_LEFT_AFTER = 1800.0
_PAGES = ("consent", "instructions", "practice", "tasks", "end")
_ENDS = ("left", "withdrew", "screened_out")


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
    if not any(map(any, tasks.values())):
        # Nobody left in the middle.
        del columns["tasks"]
    notes = (
        f"Left: no sign for {_LEFT_AFTER / 60:.0f} minutes. Clicks before: median of "
        "those who are on the page or ended on it.",
    )
    title = "Where people are, and where they leave"
    return Table("pages", title, columns, rows, notes)


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
