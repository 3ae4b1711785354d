"""Which clicks and which sessions are accepted: pure functions of what is stored.

Whatever is judged is kept with its reasons, and can be judged again by other settings.
"""

import dataclasses
import hashlib
import json
import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from rclicks_jax.collection import messages, words
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.settings.collection import JudgementSettings

# Shorter side from which a screen that is touched is a tablet's, CSS pixels.
_TABLET = 600
# Most by which the shape of a picture on the screen may differ from the photograph's.
_SHAPE = 0.02
# A shorter time between two clicks is no time: the logarithm needs one above 0.
_LEAST_MS = 1.0


class Given(msgspec.Struct, frozen=True):
    """What a person was given with an assignment, for the judgement.

    Attributes:
        pace: How the task goes.
        steps: Its steps.
        device: Device for which it was to count.
        wave: Wave of the study.
        position: Number of the task in the session, from 0.
        opening: Which opening of the study it was; empty if unknown.
    """

    pace: words.Pace
    steps: tuple[messages.Step, ...]
    device: words.Device
    wave: int
    position: int
    opening: str = ""


class Click(msgspec.Struct, frozen=True):
    """A click with what the server knows of it.

    Attributes:
        message: From the browser.
        given: What the person was given.
        issued: Time of the server when the task was given, seconds.
        received: Time of the server when the click came, seconds.
        fetched: Whether the session fetched the task's pictures; None if unknown.
        x: Pixel of the frame.
        y: Pixel of the frame.
        distance: Distance from the region, pixels of the frame; 0 inside.
        one_clock: Whether `issued` and `received` are of the same opening of the study.
            Between two, the machine's clock may have been set.
    """

    message: messages.ClickEvent
    given: Given
    issued: float
    received: float
    fetched: bool | None
    x: int
    y: int
    distance: float
    one_clock: bool = True

    @property
    def seconds(self) -> float:
        """Time from when a click was taken until it was made, seconds."""
        return (self.message.down.t - self.message.enabled_t) / 1000


class JudgedClick(msgspec.Struct, frozen=True):
    """A click as it is stored: with its judgement when it came.

    Attributes:
        click: The click.
        reasons: What spoke against it.
        policy: Hash of the settings by which it was judged.
    """

    click: Click
    reasons: tuple[words.Reason, ...]
    policy: str


def policy_hash(policy: JudgementSettings) -> str:
    """Returns a hash of the settings of a judgement."""
    content = json.dumps(dataclasses.asdict(policy), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def pixel(uv: tuple[float, float], height: int, width: int) -> tuple[int, int]:
    """Returns the pixel `(y, x)` of a frame at shares of its width and height."""
    x, y = (
        min(side - 1, math.floor(share * side))
        for share, side in zip(uv, (width, height), strict=True)
    )
    return y, x


def device_of(pointer: words.Pointer, device: messages.DeviceFacts) -> words.Device:
    """Returns the device of a click: by the pointer that made it."""
    if pointer == "mouse":
        return "pc"
    if pointer == "touch":
        return "tablet" if min(device.screen) >= _TABLET else "mobile"
    return pointer


def likely_device(device: messages.DeviceFacts) -> words.Device:
    """Returns the device that a person will probably click with."""
    return device_of("touch" if device.coarse else "mouse", device)


def judge(
    click: Click, task: TaskFacts, policy: JudgementSettings
) -> tuple[words.Reason, ...]:
    """Returns what speaks against a click, in the order of `words.REASONS`.

    Args:
        click: The click.
        task: Its task.
        policy: Limits.
    """
    event = click.message
    moved = math.dist((event.down.x, event.down.y), (event.up.x, event.up.y))
    waited = event.down.t - event.enabled_t
    planned = sum(step.ms for step in click.given.steps) / 1000
    actual = device_of(event.pointer, event.device)
    found: dict[words.Reason, bool] = {
        "outside": click.distance > policy.tolerance * task.radius,
        "too_fast": 0 <= waited < policy.min_ms,
        "too_slow": waited > policy.max_ms,
        "exposure": not _shown_right(event.shown, click.given.steps, policy),
        "hidden": event.hidden_ms > 0,
        "resized": event.resized,
        "drag": moved > policy.drag_px,
        "multi_touch": not event.primary,
        "untrusted": not event.trusted,
        "tiny": longer_side(task, event.rect) < policy.tiny_px,
        "clock": click.one_clock
        and click.received - click.issued < planned - policy.clock_s,
        "early": waited < 0,
        "geometry": not _places_agree(event, task, policy.place_px),
        "not_fetched": click.fetched is False,
        "other_device": actual != click.given.device,
        "zoomed": event.viewport[0] > policy.zoom,
        "keyboard": actual == "keyboard",
        "tablet": actual == "tablet",
    }
    return tuple(reason for reason in words.REASONS if found[reason])


def accepted(reasons: Iterable[words.Reason]) -> bool:
    """Tells whether nothing but soft reasons speaks against a click."""
    return words.SOFT_REASONS.issuperset(reasons)


def longer_side(task: TaskFacts, rect: tuple[float, float, float, float]) -> float:
    """Returns the longer side of a region's box on the screen, CSS pixels.

    Args:
        task: The task.
        rect: Left, top, width and height of the picture.
    """
    y0, y1, x0, x1 = task.box
    return max((x1 - x0) * rect[2] / task.width, (y1 - y0) * rect[3] / task.height)


def judge_session(
    failed: int,
    controls: int,
    places: Sequence[tuple[float, float]],
    policy: JudgementSettings,
) -> tuple[words.SessionReason, ...]:
    """Returns what speaks against a session, without a look at others.

    Args:
        failed: Control tasks that it failed.
        controls: Control tasks that it had.
        places: Shares of width and height at which it clicked.
        policy: Limits.
    """
    found: list[words.SessionReason] = []
    if failed > policy.control_failed and failed > policy.control_share * controls:
        found.append("session_control")
    if len(places) >= policy.same_place_clicks:
        axes = zip(*places, strict=True)
        spread = math.hypot(*(statistics.pstdev(axis) for axis in axes))
        if spread < policy.same_place:
            found.append("session_same_place")
    return tuple(found)


def hurried(medians: Sequence[float], policy: JudgementSettings) -> list[bool]:
    """Tells which sessions are much faster than the others.

    Args:
        medians: Median time of the clicks of each session, ms.
        policy: Limits; deviations are of the logarithms of the times.
    """
    logs = [math.log(max(median, _LEAST_MS)) for median in medians]
    if len(logs) < 3:
        return [False] * len(logs)
    flags: list[bool] = []
    for number, own in enumerate(logs):
        others = logs[:number] + logs[number + 1 :]
        below = statistics.mean(others) - own
        flags.append(below > policy.speed_deviations * statistics.stdev(others) > 0)
    return flags


def _shown_right(
    shown: Sequence[messages.Shown],
    steps: Sequence[messages.Step],
    policy: JudgementSettings,
) -> bool:
    """Tells whether each step with a time was shown once, in order, for its time."""
    wanted = [number for number, step in enumerate(steps) if step.ms]
    timed = [item for item in shown if item.step in wanted]
    if [item.step for item in timed] != wanted:
        return False
    ends = [time for item in timed for time in (item.on, item.off)]
    if ends != sorted(ends):
        return False
    for item in timed:
        planned = steps[item.step].ms
        slack = max(policy.exposure_ms, policy.exposure_share * planned)
        if abs(item.off - item.on - planned) > slack:
            return False
    return True


def _places_agree(event: messages.ClickEvent, task: TaskFacts, most: float) -> bool:
    """Tells whether the place in the picture is the place in the window."""
    left, top, width, height = event.rect
    if width <= 0 or height <= 0:
        return False
    wanted = width * task.height / task.width
    if abs(height - wanted) > max(most, _SHAPE * wanted):
        return False
    x, y = left + event.uv[0] * width, top + event.uv[1] * height
    return max(abs(x - event.down.x), abs(y - event.down.y)) <= most
