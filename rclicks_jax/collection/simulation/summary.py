"""What was planted beside what is found in the study: a table of a simulation."""

import collections
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.collection.results import (
    judged_clicks,
    pace,
    power,
    status,
    trajectories,
)
from rclicks_jax.collection.results.judged_clicks import Judged
from rclicks_jax.collection.results.judged_clicks import Row as ClickRow
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation.record import (
    Acknowledged,
    Acted,
    Ended,
    Item,
    Played,
)
from rclicks_jax.collection.store import events
from rclicks_jax.collection.tasks import demand
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.settings.collection import SimulationSettings

_PERMUTATIONS = 199
_LEVEL = 0.01
# Clicks that are fewer tell nothing of a distribution.
_LEAST_CLICKS = 100
# Most standard errors by which what is found may differ from what was planted.
_ERRORS = 4.0


class Comparison(NamedTuple):
    """What was planted, and what is found.

    Attributes:
        what: What is compared.
        planted: What was planted, in words.
        found: What is found, in words.
        agrees: Whether they agree; None if there are too few clicks to tell.
    """

    what: str
    planted: str
    found: str
    agrees: bool | None


def compare(
    opened: open_studies.Opened,
    settings: SimulationSettings,
    recorded: Iterable[Item],
) -> list[Comparison]:
    """Compares a study with what its bots did.

    Args:
        opened: The study.
        settings: What was planted.
        recorded: What the bots know.
    """
    items = list(recorded)
    clicks = {i.client_id: i for i in items if isinstance(i, Acknowledged)}
    ends = {i.bot: i for i in items if isinstance(i, Ended)}
    study = opened.study
    policy = study.config.judgement
    found = opened.store.read(
        lambda db: judged_clicks.read(db, study.secret, policy, "bots")
    )
    stored = {row.client_id: row for row in found.rows}
    erased = {bot for bot, end in ends.items() if end.how == "withdrawn"}
    kept = [item for item in clicks.values() if item.bot not in erased]
    made = [
        *_counts(found, ends, kept, stored),
        *_places(settings, kept, stored, found),
        *_differences(opened, settings, found),
    ]
    if study.config.study.pace == "live":
        own = [item for item in items if item.bot not in erased]
        return [*made, *_live(opened, settings, own, found)]
    return [*made, *_seconds(settings, found)]


def table(comparisons: Sequence[Comparison]) -> Table:
    """Returns the table."""
    words = {True: "yes", False: "NO", None: "too few"}
    rows: list[Row] = [
        {**item._asdict(), "agrees": words[item.agrees]} for item in comparisons
    ]
    columns = {
        "what": ("", "s"),
        "planted": ("planted", "s"),
        "found": ("found", "s"),
        "agrees": ("agrees", "s"),
    }
    return Table(
        "simulation", "What was planted and found", columns, rows, (status.BOTS,)
    )


def _counts(
    found: Judged,
    ends: dict[int, Ended],
    kept: Sequence[Acknowledged],
    stored: dict[str, ClickRow],
) -> list[Comparison]:
    phases = [session.phase for session in found.sessions.values()]
    made = [_same("sessions", len(ends), len(phases))]
    for how, phase in (("withdrawn", "withdrawn"), ("dropped_out", "tasks")):
        planted = sum(end.how == how for end in ends.values())
        made.append(_same(f"bots that ended {how}", planted, phases.count(phase)))
    lost = sum(item.client_id not in stored for item in kept)
    made.append(_same("acknowledged clicks that are lost", 0, lost))
    counted = sum(not row.duplicate for row in found.rows)
    # A click may be stored though its bot was stopped before it had the answer.
    made.append(
        Comparison(
            "clicks that are stored",
            f"{len(kept)} or more",
            str(counted),
            counted >= len(kept),
        )
    )
    doubled = [item for item in kept if item.doubled]
    once = sum(item.stored.count("new") <= 1 for item in doubled)
    made.append(_same("clicks sent twice, stored once", len(doubled), once))
    made.append(_same("clicks stored as duplicates", 0, len(found.rows) - counted))
    on_pc = [i for i in kept if i.device == "pc" and i.client_id in stored]
    outside = sum("outside" in stored[item.client_id].reasons for item in on_pc)
    planted = sum(item.missed for item in on_pc)
    made.append(_same("clicks beside the target, PC", planted, outside))
    return made


def _places(
    settings: SimulationSettings,
    kept: Sequence[Acknowledged],
    stored: dict[str, ClickRow],
    found: Judged,
) -> list[Comparison]:
    """Compares the noise of phones, and the pull of a display mode on PCs."""
    made: list[Comparison] = []
    noise = [
        (part, stored[item.client_id].task.radius)
        for item in kept
        if item.device == "mobile" and not item.missed and item.client_id in stored
        for part in (
            stored[item.client_id].click.y + 0.5 - item.y,
            stored[item.client_id].click.x + 0.5 - item.x,
        )
    ]
    if noise and settings.phone_noise:
        radii = [part / radius for part, radius in noise]
        # A place is stored as a pixel, which has a spread of its own.
        pixel = statistics.mean(1 / (12 * radius**2) for _, radius in noise)
        value = math.sqrt(max(0.0, statistics.pvariance(radii) - pixel))
        error = value / math.sqrt(2 * len(radii))
        made.append(
            _near(
                "noise of phones, click radii",
                settings.phone_noise,
                value,
                error,
                len(radii),
            )
        )
    distances = _distances(found, settings.pulled) if settings.pulled else None
    if distances is not None:
        made.append(
            _near(
                f"distance from the middle, {settings.pulled} over others, PC",
                1 - settings.pull,
                *distances,
            )
        )
    return made


def _distances(found: Judged, pulled: str) -> tuple[float, float, int] | None:
    """Returns a ratio of mean distances, its error, and the number of clicks."""
    parts: tuple[list[float], list[float]] = [], []
    for row in found.data(surplus=True):
        if row.device == "pc" and row.task.click_type == "first":
            parts[row.mode == pulled].append(math.hypot(*power.place_in_box(row)))
    if min(map(len, parts)) < 2:
        return None
    means = [statistics.mean(part) for part in parts]
    shares = [
        statistics.stdev(part) / mean / math.sqrt(len(part))
        for part, mean in zip(parts, means, strict=True)
    ]
    ratio = means[1] / means[0]
    return ratio, ratio * math.hypot(*shares), min(map(len, parts))


def _differences(
    opened: open_studies.Opened, settings: SimulationSettings, found: Judged
) -> list[Comparison]:
    """Compares display modes with the first one, and phones with PCs."""
    config = opened.study.config
    rows = [row for row in found.data() if row.task.click_type == "first"]
    modes = demand.modes_of(config)
    # A mode that was pulled is none to compare others with.
    reference = next((mode for mode in modes if mode != settings.pulled), modes[0])
    made: list[Comparison] = []
    for mode in modes:
        if mode != reference:
            own = [row for row in rows if row.mode in (reference, mode)]
            planted = mode == settings.pulled and settings.pull > 0
            second = [row.mode == mode for row in own]
            made.append(_tested(f"{mode} against {reference}", planted, own, second))
    if {"pc", "mobile"} <= set(config.assignment.devices):
        own = [r for r in rows if r.device in ("pc", "mobile")]
        second = [row.device == "mobile" for row in own]
        made.append(_tested("mobile against pc", settings.phone_noise > 0, own, second))
    return made


def _tested(
    what: str, planted: bool, rows: Sequence[ClickRow], second: Sequence[bool]
) -> Comparison:
    said = "different" if planted else "the same"
    if min(sum(second), len(second) - sum(second)) < _LEAST_CLICKS:
        return Comparison(what, said, f"{len(second)} clicks", None)
    clicks, tasks = power.clicks_of(rows, second)
    generator = np.random.Generator(np.random.Philox(0))
    p = power.p_value(clicks, tasks, generator, _PERMUTATIONS)
    seen = p <= _LEVEL
    # What is left of a noise once it is judged: it throws some clicks off the object.
    lengths = np.hypot(*clicks.places.T)
    wide = lengths[clicks.mode == 1].mean() / lengths[clicks.mode == 0].mean()
    told = (
        f"{'different' if seen else 'no difference'} (p = {p:.3f}), "
        f"{wide:.2f} times as far from the middle"
    )
    # A difference that is not seen needs more clicks; one that is none is a fault.
    return Comparison(
        what, said, told, None if planted and not seen else seen == planted
    )


def _live(
    opened: open_studies.Opened,
    settings: SimulationSettings,
    kept: Sequence[Item],
    found: Judged,
) -> list[Comparison]:
    """Compares acts, whole live rounds, and seconds of further clicks."""
    stored = opened.store.read(lambda db: list(events.every(db, "live")))
    ids = {event.client_id for event in stored}
    counts = collections.Counter(event.assignment_id for event in stored)
    acts = [item for item in kept if isinstance(item, Acted)]
    played = [item for item in kept if isinstance(item, Played)]
    lost = sum(item.client_id not in ids for item in acts)
    made = [_same("acknowledged acts of live rounds that are lost", 0, lost)]
    whole = sum(counts[item.assignment] == item.acts for item in played)
    made.append(_same("live rounds with all their acts", len(played), whole))
    trajectories_found = opened.store.read(lambda db: trajectories.read(db, found))
    times = [pace.of_acts(item.person, item.acts) for item in trajectories_found]
    known = [item for item in times if item is not None]
    measured = pace.summary(known, "bots", "live").get("measured", {})
    if told := measured.get("first_click"):
        mean, error = told
        # A further one may have the time of a click taken back, too.
        name = "seconds of a first click of live rounds"
        made.append(_near(name, settings.click_seconds, mean, error, len(known)))
    return made


def _seconds(settings: SimulationSettings, found: Judged) -> list[Comparison]:
    """Compares the time of a click as `pace.json` has it where people set the pace."""
    times = [
        pace.Times(row.session.person_id, row.click.seconds) for row in found.data()
    ]
    told = pace.summary(times, "bots", "self_paced")["seconds"]
    if not told:
        return []
    mean, error = told["click"]
    made = _near("seconds of a click", settings.click_seconds, mean, error, len(times))
    return [made]


def _same(what: str, planted: int, found: int) -> Comparison:
    return Comparison(what, str(planted), str(found), planted == found)


def _near(
    what: str, planted: float, found: float, error: float, clicks: int
) -> Comparison:
    agrees = abs(found - planted) <= _ERRORS * error
    return Comparison(
        what,
        f"{planted:.3f}",
        f"{found:.3f} ± {error:.3f}",
        agrees if clicks >= _LEAST_CLICKS else None,
    )
