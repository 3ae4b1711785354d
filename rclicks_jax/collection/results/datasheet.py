"""DATASHEET.md: what an exported folder is, and how it came about."""

import collections
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rclicks_jax.collection import words
from rclicks_jax.collection.results.judged_clicks import Judged, Row
from rclicks_jax.collection.store.catalogue import Wave
from rclicks_jax.settings.collection import CollectionConfig

_BOTS = (
    "**These clicks were made by bots, not by people.** They say nothing of where "
    "people click."
)


class Facts(NamedTuple):
    """What a datasheet is made of.

    Attributes:
        config: Settings of the study.
        judged: Its clicks and sessions.
        data: The clicks that were exported.
        waves: Its waves.
        policy: Hash of the settings of the judgement.
        clicks_mode: Display mode of the clicks in `clicks.csv`.
        trajectories: Exported trajectories of live rounds.
        erased: Sessions that were erased, and their events.
        texts: Languages, by code.
    """

    config: CollectionConfig
    judged: Judged
    data: Sequence[Row]
    waves: Sequence[Wave]
    policy: str
    clicks_mode: str
    trajectories: int
    erased: tuple[int, int]
    texts: Mapping[str, str]


def text(facts: Facts) -> str:
    """Returns the datasheet, Markdown; a function of the study's content alone."""
    judged, config = facts.judged, facts.config
    parts = [
        f"# {_plain(config.study.title)}: clicks",
        _BOTS
        if judged.source == "bots"
        else "Clicks of people, collected in browsers.",
        "## What is here",
        _what(facts),
        "## How it was shown",
        _shown(facts),
        "## Who took part",
        _table(("sessions", "number"), _sessions(judged)),
        _table(("language", "sessions"), _languages(facts)),
        f"Consent text: version {', '.join(_consents(judged)) or 'none'}. "
        f"{facts.erased[0]} sessions with {facts.erased[1]} events were erased at the "
        "wish of their people and are not here.",
        "## Which clicks were accepted",
        f"Judged by settings `{facts.policy}`: at most {config.judgement.tolerance:g} "
        "click radii from the region (a radius is 0.71 % of the diagonal). "
        "`all_clicks.csv` has every click with the reasons against it.",
        _table(("reason", "clicks"), _reasons(judged)),
        _table(("exported: type, display mode, device", "clicks"), _cells(facts.data)),
        "## Protocol",
        _table(("wave", "protocol", "began (UTC)"), _waves(facts.waves)),
        "People have no names here: `p001` is a number in a shuffled order. No "
        "address, no description of a browser and no platform's name of a person was "
        "exported.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(facts: Facts) -> str:
    lines = [
        "- `clicks.csv`: accepted clicks of the display mode "
        f"{facts.clicks_mode}, which all programs of rclicks_jax read.",
        "- `all_clicks.csv`: every click, rejected ones too, with reasons.",
        "- `people.csv`: a row for each person and wave.",
        "- `images/`, `masks/`, `prev_masks/`: photographs, targets, masks of later "
        "rounds.",
        "- `pace.json`: seconds of people, where they set the pace.",
    ]
    if len(facts.config.display.modes) > 1:
        lines.insert(
            1, "- `previews.csv`: accepted clicks of all display modes, by mode."
        )
    if facts.config.study.pace == "live":
        lines.append(
            f"- `trajectories.jsonl`: {facts.trajectories} trajectories of live rounds "
            f"with {_plain(facts.config.live.segmenter)}."
        )
    return "\n".join(lines)


def _shown(facts: Facts) -> str:
    config = facts.config
    display = config.display
    how = {
        "timed": "",
        "self_paced": "Tasks without fixed times. ",
        "live": "Live rounds. ",
    }
    # Clicks of a study with live rounds are of people who waited for the segmenter.
    timed = config.study.pace == "timed" or (config.study.pace == "live" and facts.data)
    if not timed:
        return f"{how[config.study.pace]}Display modes: {', '.join(display.modes)}."
    if config.study.pace == "live":
        how["live"] += "People who waited for the segmenter had tasks with one click. "
    return (
        f"{how[config.study.pace]}Photograph {display.before_ms} ms, target "
        f"{display.target_ms} ms, photograph {display.after_ms} ms, then a click. "
        f"Display modes: {', '.join(display.modes)}. Grey {display.grey}; highlight: "
        f"{display.highlight}; corner: {display.corner.replace('_', ' ')}."
    )


def _sessions(judged: Judged) -> Iterable[tuple[str, int]]:
    kinds = collections.Counter(
        "withdrawn"
        if session.phase == "withdrawn"
        else f"{session.kind}, {'counted' if judged.counts(session) else 'not counted'}"
        for session in judged.sessions.values()
    )
    reasons = collections.Counter(
        reason for found in judged.reasons.values() for reason in found
    )
    return [*sorted(kinds.items()), *sorted(reasons.items())]


def _languages(facts: Facts) -> Iterable[tuple[str, int]]:
    found = collections.Counter(s.language for s in facts.judged.sessions.values())
    return [(facts.texts.get(code, code), n) for code, n in sorted(found.items())]


def _consents(judged: Judged) -> list[str]:
    versions = {session.consent_version for session in judged.sessions.values()}
    return sorted(_plain(version) for version in versions)


def _reasons(judged: Judged) -> Iterable[tuple[str, int]]:
    main = [row for row in judged.rows if row.task.role == "main"]
    found = collections.Counter(reason for row in main for reason in row.reasons)
    return [
        ("clicks in all", len(main)),
        ("accepted", sum(row.accepted for row in main)),
        *((reason, found[reason]) for reason in words.REASONS if found[reason]),
        ("duplicate", sum(row.duplicate for row in main)),
    ]


def _cells(rows: Iterable[Row]) -> Iterable[tuple[str, int]]:
    found = collections.Counter(
        f"{row.task.click_type}, {row.mode}, {row.device}" for row in rows
    )
    return sorted(found.items())


def _waves(waves: Iterable[Wave]) -> Iterable[tuple[object, ...]]:
    for wave in waves:
        began = datetime.datetime.fromtimestamp(wave.started, datetime.UTC)
        yield wave.wave, f"`{wave.protocol_hash}`", f"{began:%Y-%m-%d}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _plain(text: str) -> str:
    """Returns a text of a user as Markdown that means nothing but itself."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>()#+-.!|" else c for c in text)
