"""A table of people without identities: `people.csv`."""

import collections
import statistics

import msgspec

from rclicks_jax.collection import messages
from rclicks_jax.collection.results import judged_clicks
from rclicks_jax.collection.results.judged_clicks import Judged, Row
from rclicks_jax.collection.store.sessions import Session

COLUMNS = (
    *("person", "wave", "kind", "platform", "language", "devices"),
    *("screen_w", "screen_h", "dpr", "counted", "ending", "reasons"),
    *("clicks", "accepted", "control", "control_failed", "practice"),
    *("median_seconds", "minutes"),
)


def rows(found: Judged) -> list[tuple[object, ...]]:
    """Returns the rows, by name of the person and wave."""
    of_session: dict[str, list[Row]] = {key: [] for key in found.sessions}
    for row in found.rows:
        of_session[row.session.session_id].append(row)
    made = [
        _row(session, of_session[session.session_id], found)
        for session in found.sessions.values()
    ]
    return sorted(made, key=lambda row: (row[0], row[1]))


def _row(session: Session, own: list[Row], found: Judged) -> tuple[object, ...]:
    device = msgspec.json.decode(session.device, type=messages.DeviceFacts)
    by_role = collections.defaultdict(list)
    for row in own:
        by_role[row.task.role].append(row)
    median = judged_clicks.median_ms(by_role["main"])
    # From the first click to the last; when people came is not told.
    times = [row.click.received for row in own]
    minutes = (max(times) - min(times)) / 60 if times else 0.0
    return (
        found.labels[session.person_id],
        session.wave,
        session.kind,
        session.platform,
        session.language,
        "+".join(sorted({row.device for row in own})),
        *device.screen,
        device.dpr,
        int(found.counts(session)),
        session.ending or session.phase,
        " ".join(found.reasons[session.session_id]),
        len(by_role["main"]),
        sum(row.accepted for row in by_role["main"]),
        len(by_role["control"]),
        sum(not row.accepted for row in by_role["control"]),
        len(by_role["practice"]),
        "" if median is None else f"{median / 1000:.3f}",
        f"{minutes:.1f}",
    )


def median_of(found: Judged) -> float | None:
    """Returns the median over people of their median seconds; None without any."""
    medians = [float(str(row[-2])) for row in rows(found) if row[-2]]
    return statistics.median(medians) if medians else None
