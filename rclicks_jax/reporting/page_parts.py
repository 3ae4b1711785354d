"""Parts of the pages of all jobs: the problems of a run, and its origin."""

import collections
from collections.abc import Iterable, Sequence

from rclicks_jax.reporting import pages
from rclicks_jax.types import JsonObject, json_part

REPORT_NAME = "report.html"
# Largest numbers of reasons, and of objects that are not `ok`, that a page lists.
_MOST_REASONS, _MOST_PROBLEMS = 20, 1000


def problems(rows: Iterable[tuple[str, str, str, str]]) -> dict[str, object]:
    """Returns the objects or tasks that are not `ok` as values for the templates.

    Args:
        rows: Dataset, name, status and reason of each object or task.
    """
    listed = list(rows)
    # Reasons that differ only in the name of their object are counted together.
    counts = collections.Counter(
        (reason.replace(name, "…") if len(name) > 2 else reason, status)
        for _, name, status, reason in listed
    )
    common = counts.most_common(_MOST_REASONS)
    reasons = [(reason or "no reason", s, count) for (reason, s), count in common]
    others = len(listed) - sum(count for *_, count in reasons)
    if others:
        reasons.append(("other reasons", "", others))
    return {"reasons": reasons, "rows": listed[:_MOST_PROBLEMS], "count": len(listed)}


def origin(
    identity: JsonObject,
    provenance: JsonObject,
    run_hash: str,
    starts: Iterable[tuple[str, Sequence[str]]],
) -> dict[str, object]:
    """Returns commands and settings of a run as values for the templates.

    Args:
        identity: Identity of the run, JSON values.
        provenance: Provenance of the run, JSON values.
        run_hash: Hash of the run.
        starts: Time and command of each start, in order.
    """
    times: dict[str, list[str]] = {}
    for started, command in starts:
        times.setdefault(pages.command(command), []).append(started)
    # Other parts of the page show these.
    elsewhere = ("command", "data_notes")
    further = {k: v for k, v in _flat(provenance).items() if k not in elsewhere}
    settings, beside = pages.settings(identity), pages.settings(further)
    alone = [*settings.pop(""), ("run hash", run_hash), *beside.pop("")]
    return {
        "commands": [
            (_times_text(started), command) for command, started in times.items()
        ],
        "settings": [("run", alone), *settings.items(), *beside.items()],
    }


def _times_text(started: Sequence[str]) -> str:
    """Returns a text on the times at which a command was started."""
    first, *others = started
    text = f"started {first or 'at an unknown time'}"
    if others:
        count = "once" if len(others) == 1 else f"{len(others)} times"
        text += f"; again {count}, last {others[-1]}"
    return text


def _flat(provenance: JsonObject) -> dict[str, object]:
    """Returns provenance with the further values of the job on the same level."""
    beside = {key: value for key, value in provenance.items() if key != "job"}
    return {**beside, **json_part(provenance, "job")}
