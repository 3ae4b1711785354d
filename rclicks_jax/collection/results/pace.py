"""How fast people are, for `rclicks-tabulate estimate`: only where they set the pace.

Seconds of a study with steps of fixed length say nothing of annotation: the steps hide
the search for the object. In a live round the time of an object is that of its first
click, of each further one, and of the last look; they add up as `results.estimate` adds
them: instance + clicks x click.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rclicks_jax.collection.service.live_rounds import Act

FORMAT = 1
_NO_PACE = (
    "The steps of this study had fixed times, which hide the search for the object: "
    "its seconds are not those of annotation. A study with [study] pace = self_paced "
    "or live measures them."
)
# What the seconds are of, by the pace of the study.
_LOOKS = (
    "The first look at the target, which a person takes for as long as wished, is not "
    "counted; later looks at it are."
)
_COUNTED = {
    "timed": "",
    "self_paced": "Seconds from when the photograph first stands there in place of the "
    f"target until the click. {_LOOKS} They are of first clicks alone: nobody looked "
    "at an answer of a segmenter.",
    "live": "Seconds from when the photograph stands there, or the answer to the last "
    f"click, until the next act. {_LOOKS} Time of the machine is not counted; a click "
    "that was undone counts with the click after it.",
}


class Times(NamedTuple):
    """Seconds of a person on an object, machine time left out.

    Attributes:
        person: The person.
        first: Until the first click.
        later: Of each further click, with the look at the answer.
        last: The last look, until the object was called done; None if not measured.
        device: Device of the clicks.
        mode: Display mode.
    """

    person: str
    first: float
    later: tuple[float, ...] = ()
    last: float | None = None
    device: str = ""
    mode: str = ""


def of_acts(person: str, acts: Sequence[Act], mode: str = "") -> Times | None:
    """Returns the times of a live task; None if it has no click or was given up."""
    made = [act.message for act in acts]
    # An undone click took time, too: it is a part of the next act's.
    spans = [max(0.0, item.t - item.shown_t - item.hidden_ms) / 1000 for item in made]
    if not made or made[0].act != "click" or made[-1].act == "give_up":
        return None
    later: list[float] = []
    carried = 0.0
    for message, seconds in zip(made[1:], spans[1:], strict=True):
        carried += seconds
        if message.act == "click":
            later.append(carried)
            carried = 0.0
    last = carried if made[-1].act == "done" else None
    return Times(person, spans[0], tuple(later), last, acts[0].device, mode)


def summary(times: Iterable[Times], source: str, protocol: str) -> dict[str, Any]:
    """Returns the content of `pace.json`.

    Args:
        times: Times of people on objects.
        source: `people` or `bots`.
        protocol: Pace of the study.

    Returns:
        `seconds` has mean and standard error by the names of `results.paces.Pace`; the
        errors are over people, who each count by their mean. What was not measured is
        left out. `why_not` says why there are none, `counted` what they are of. `parts`
        has the same for each device and display mode.
    """
    measured = list(times)
    content: dict[str, Any] = {
        "format": FORMAT,
        "kind": "pace",
        "source": source,
        "protocol": protocol,
        "counted": _COUNTED[protocol],
        **_counts(measured),
        "seconds": {},
        "why_not": "",
    }
    if protocol == "timed":
        return {**content, "why_not": _NO_PACE}
    if not measured:
        return {**content, "why_not": "Nobody has finished an object."}
    cells = sorted({(item.device, item.mode) for item in measured})
    parts: list[dict[str, Any]] = []
    for device, mode in cells:
        own = [item for item in measured if (item.device, item.mode) == (device, mode)]
        head = {"device": device, "mode": mode}
        parts.append({**head, **_counts(own), **_summary(own)})
    return {**content, **_summary(measured), "parts": parts}


def _counts(measured: Sequence[Times]) -> dict[str, int]:
    people = len({item.person for item in measured})
    return {"people": people, "objects": len(measured)}


def _summary(measured: Sequence[Times]) -> dict[str, Any]:
    """Returns what was measured, and the seconds of an estimate."""
    first = _over_people((item.person, item.first) for item in measured)
    later = _over_people((item.person, s) for item in measured for s in item.later)
    last = _over_people(
        (item.person, item.last) for item in measured if item.last is not None
    )
    values = {"first_click": first, "later_click": later, "last_look": last}
    content: dict[str, Any] = {"measured": values}
    if later is None:
        # All the time of an object is that of its only click.
        content["seconds"] = {"click": first, "inspection": [0.0, 0.0],
                              "instance": [0.0, 0.0]}  # fmt: skip
        return content
    look = last or [0.0, 0.0]
    assert first is not None
    instance = [
        max(0.0, first[0] + look[0] - later[0]),
        math.hypot(first[1], look[1], later[1]),
    ]
    content["seconds"] = {
        "click": later,
        # A further click's time has the look at the answer in it.
        "inspection": [0.0, 0.0],
        "instance": instance,
    }
    return content


def _over_people(values: Iterable[tuple[str, float]]) -> list[float] | None:
    """Returns mean and standard error of means of people; None without values."""
    by_person: dict[str, list[float]] = {}
    for person, seconds in values:
        by_person.setdefault(person, []).append(seconds)
    means = [statistics.mean(own) for own in by_person.values()]
    if not means:
        return None
    # One person tells nothing of how much people differ.
    spread = (
        statistics.stdev(means) / math.sqrt(len(means))
        if len(means) > 1
        else statistics.mean(means)
    )
    return [round(statistics.mean(means), 4), round(spread, 4)]
