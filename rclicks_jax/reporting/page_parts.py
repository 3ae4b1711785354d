"""What pages of all jobs have: problems of a run, and where it comes from."""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rclicks_jax.reporting import pages

REPORT_NAME = "report.html"


# Reasons and objects without a number that a page lists.
_MOST_REASONS, _MOST_PROBLEMS = 20, 1000


def problems(rows: Iterable[tuple[str, str, str, str]]) -> dict[str, Any]:
    """Returns what could not be scored as the templates take it.

    Args:
        rows: Dataset, name, status and reason of each.
    """
    every = list(rows)
    # A reason that names its object is the same reason for another object.
    counts = collections.Counter(
        (reason.replace(name, "…") if len(name) > 2 else reason, status)
        for _, name, status, reason in every
    )
    common = counts.most_common(_MOST_REASONS)
    reasons = [(reason or "no reason", s, count) for (reason, s), count in common]
    others = len(every) - sum(count for *_, count in reasons)
    if others:
        reasons.append(("other reasons", "", others))
    return {"reasons": reasons, "rows": every[:_MOST_PROBLEMS], "count": len(every)}


def origin(
    identity: Mapping[str, Any],
    provenance: Mapping[str, Any],
    run_hash: str,
    starts: Iterable[tuple[str, Sequence[str]]],
) -> dict[str, Any]:
    """Returns commands and settings of a run as the templates take them.

    Args:
        identity: What it recorded as its identity.
        provenance: What it noted beside.
        run_hash: Hash of its identity.
        starts: Time and command of each start, in order.
    """
    times: dict[str, list[str]] = {}
    for started, command in starts:
        times.setdefault(pages.command(command), []).append(started)
    # These are elsewhere in the page.
    elsewhere = ("command", "data_notes")
    noted = {k: v for k, v in _flat(provenance).items() if k not in elsewhere}
    settings, beside = pages.settings(identity), pages.settings(noted)
    alone = [*settings.pop(""), ("run hash", run_hash), *beside.pop("")]
    return {
        "commands": [(_said(started), command) for command, started in times.items()],
        "settings": [("run", alone), *settings.items(), *beside.items()],
    }


def _said(started: Sequence[str]) -> str:
    """Says when a command was started."""
    first, *others = started
    told = f"started {first or 'at an unknown time'}"
    if others:
        count = "once" if len(others) == 1 else f"{len(others)} times"
        told += f"; again {count}, last {others[-1]}"
    return told


def _flat(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a run noted, with what its job noted among it."""
    return {k: v for k, v in provenance.items() if k != "job"} | provenance["job"]
