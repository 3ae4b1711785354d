"""Entry, consent and phases of a session; runs inside a transaction."""

import sqlite3

import msgspec

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.service.desk import Desk, refusal
from rclicks_jax.collection.store import assignments, sessions
from rclicks_jax.collection.store.sessions import Session
from rclicks_jax.collection.study import languages, tokens
from rclicks_jax.collection.study.platforms import Platform

_MOST_NAME = 200
# Phases in which a device that is not wanted can still be changed.
_BEFORE_END: tuple[words.Phase, ...] = ("consent", "instructions", "tasks")


def enter(
    db: sqlite3.Connection,
    desk: Desk,
    message: messages.Enter,
    kind: words.SessionKind,
    now: float,
) -> messages.Entered:
    """Starts a session, or goes on with that of the same person."""
    platform = desk.study.platforms.get(message.platform)
    if platform is None:
        raise refusal(403, "not_wanted", "The study is not open for this platform.")
    if platform.is_test(message.parameters):
        kind = "test"
    name = _name(desk, platform, message, kind)
    session = _known(db, desk, message, platform, name, kind)
    language = languages.chosen(desk.study.languages, message.language)
    device = msgspec.json.encode(message.device).decode()
    if session is None:
        person = _person(desk, platform, name, kind)
        wanted = "real" if desk.source == "people" else "bot"
        session = Session(
            session_id=tokens.new_id(),
            person_id=person,
            wave=desk.wave,
            platform=platform.name,
            kind=kind,
            counted=kind == wanted,
            language=language.code,
            phase="consent",
            consent_version="",
            consented=None,
            turn=None,
            device=device,
            entered=now,
            ended=None,
            ending="",
            reasons="[]",
        )
        sessions.add(db, session)
        if name:
            kept = {
                key: message.parameters[key]
                for key in platform.parameters
                if key in message.parameters
            }
            kept[platform.person] = name
            sessions.add_identity(db, person, platform.name, name, kept, now)
        return entered(desk, session, message.device)
    # Its target was shown: it is not shown again.
    assignments.void_open(db, session.session_id)
    sessions.set_device(db, session.session_id, device, language.code)
    if (
        session.phase in ("instructions", "tasks")
        and session.consent_version != desk.study.config.study.consent_version
    ):
        sessions.set_phase(db, session.session_id, "consent")
    return entered(desk, desk.session(db, session.session_id), message.device)


def consent(
    db: sqlite3.Connection,
    desk: Desk,
    session_id: str,
    message: messages.Consent,
    now: float,
) -> messages.Entered:
    """Stores whether a person agrees."""
    session = desk.session(db, session_id)
    wanted = desk.study.config.study.consent_version
    if session.phase != "consent":
        return entered(desk, session)
    if not message.agreed:
        sessions.end(db, session_id, "finished", "screened_out", now)
    elif message.version != wanted:
        raise refusal(409, "no_consent", f"The consent text has version {wanted}.")
    else:
        sessions.set_consent(db, session_id, message.version, now)
        # A new text does not send people back to the instructions.
        begun = session.turn is not None
        sessions.set_phase(db, session_id, "tasks" if begun else "instructions")
    return entered(desk, desk.session(db, session_id))


def look_at_device(
    db: sqlite3.Connection, desk: Desk, session_id: str, device: messages.DeviceFacts
) -> messages.Entered:
    """Stores the device as it is now."""
    session = desk.session(db, session_id)
    encoded = msgspec.json.encode(device).decode()
    sessions.set_device(db, session_id, encoded, session.language)
    return entered(desk, session, device)


def begin(db: sqlite3.Connection, desk: Desk, session_id: str) -> messages.Entered:
    """Ends the instructions."""
    session = desk.session(db, session_id)
    if session.phase == "consent":
        raise refusal(403, "no_consent", "Nobody has agreed yet.")
    if session.phase == "instructions":
        sessions.set_phase(db, session_id, "tasks")
    return entered(desk, desk.session(db, session_id))


def entered(
    desk: Desk, session: Session, device: messages.DeviceFacts | None = None
) -> messages.Entered:
    """Returns where a session stands."""
    device = device or msgspec.json.decode(session.device, type=messages.DeviceFacts)
    settings = desk.study.config.study
    problem = device_problem(desk, device)
    blocked = problem and session.phase in _BEFORE_END
    language = desk.study.languages.get(session.language) or languages.chosen(
        desk.study.languages, session.language
    )
    return messages.Entered(
        session=tokens.session_token(desk.study.secret, session.session_id),
        phase="device" if blocked else session.phase,
        language=language.code,
        languages={code: item.name for code, item in desk.study.languages.items()},
        direction=language.direction,
        consent_version=settings.consent_version,
        title=settings.title,
        contact=settings.contact,
        minutes=settings.minutes,
        tasks=settings.per_person,
        devices=desk.study.config.assignment.devices,
        test=session.kind == "test",
        problem=problem if blocked else "",
        pace=settings.pace,
    )


def device_problem(desk: Desk, device: messages.DeviceFacts) -> str:
    """Returns the key of the text that says why a device will not do; empty if it will.

    Pens and keyboards are not seen before they click.
    """
    wanted = desk.study.config.assignment.devices
    if judgement.likely_device(device) not in wanted and not {"pen", "keyboard"} & set(
        wanted
    ):
        return "device_unwanted"
    if min(device.inner) < desk.study.config.limits.window_px:
        return "device_small"
    return ""


def _name(
    desk: Desk,
    platform: Platform,
    message: messages.Enter,
    kind: words.SessionKind,
) -> str:
    """Returns by which name the platform knows a person; empty if by none.

    Raises:
        Refusal: The address lacks the name, or the invitation is not valid.
    """
    name = message.parameters.get(platform.person, "") if platform.person else ""
    usual = 0 < len(name) <= _MOST_NAME and name.isprintable()
    if platform.person and kind == "real" and not usual:
        raise refusal(403, "not_wanted", f"The address lacks {platform.person}.")
    if (
        platform.invited
        and kind == "real"
        and not tokens.is_invitation(desk.study.secret, name)
    ):
        raise refusal(403, "not_wanted", "The invitation is not valid.")
    return name


def _person(desk: Desk, platform: Platform, name: str, kind: words.SessionKind) -> str:
    if not name:
        return tokens.new_id()
    return tokens.keyed(desk.study.secret, "person", platform.name, name, kind)


def _known(
    db: sqlite3.Connection,
    desk: Desk,
    message: messages.Enter,
    platform: Platform,
    name: str,
    kind: words.SessionKind,
) -> Session | None:
    """Returns the session of the person who enters; None for a new one.

    Who has a name is known by it, whatever the browser has kept: a browser may be used
    by several people. Others are known by what their browser has kept.
    """
    if name:
        person = _person(desk, platform, name, kind)
        return sessions.of_person(db, person, desk.wave)
    session_id = tokens.session_of(desk.study.secret, message.session)
    session = sessions.find(db, session_id) if session_id else None
    same = (
        session is not None
        and session.wave == desk.wave
        and (session.platform, session.kind) == (platform.name, kind)
    )
    return session if same else None
