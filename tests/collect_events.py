"""Clicks as a browser sends them, for tests of studies."""

import msgspec

from rclicks_jax.collection import messages
from rclicks_jax.collection.service import judgement
from rclicks_jax.collection.store import task_facts

PC = messages.DeviceFacts(
    screen=(1920, 1080),
    inner=(1300, 900),
    dpr=1.0,
    coarse=False,
    hover=True,
    touch_points=0,
)
PHONE = messages.DeviceFacts(
    screen=(390, 844),
    inner=(390, 664),
    dpr=3.0,
    coarse=True,
    hover=False,
    touch_points=5,
)
STEPS = (
    messages.Step(show="image", ms=1500, click="none"),
    messages.Step(show="target", ms=2000, click="none"),
    messages.Step(show="image", ms=1500, click="ignored"),
    messages.Step(show="image", ms=0, click="wanted", limit_ms=20_000),
)
TASK = task_facts.TaskFacts(
    task_id="t" * 22,
    image_id="i" * 22,
    role="main",
    full_stem="a",
    image_stem="a",
    object_stem="",
    click_type="first",
    mask_source="",
    height=480,
    width=640,
    box=(100, 200, 300, 420),
    radius=6,
    image="p" * 22,
    targets={"Object_CutOut": "q" * 22},
)


def shown(steps=STEPS, start=100.0):
    """Returns steps that were shown for their times, and the end of the last."""
    items, now = [], start
    for number, step in enumerate(steps):
        items.append(
            messages.Shown(
                step=number, on=now, off=now + step.ms, frames=round(step.ms / 16.7)
            )
        )
        now += step.ms
    return tuple(items), now


def event(
    client_id="c" * 22,
    assignment="a" * 22,
    token="t" * 22,
    uv=(0.5, 0.25),
    steps=STEPS,
    shape=(480, 640),
    **changes,
):
    """Returns a click without fault on a picture 320 CSS pixels wide."""
    height = 320 * shape[0] / shape[1]
    items, enabled = shown(steps)
    x, y = 10 + uv[0] * 320, 60 + uv[1] * height
    values = {
        "client_id": client_id,
        "assignment": assignment,
        "token": token,
        "uv": uv,
        "down": messages.Point(t=enabled + 700, x=x, y=y),
        "up": messages.Point(t=enabled + 780, x=x, y=y),
        "rect": (10.0, 60.0, 320.0, height),
        "pointer": "mouse",
        "primary": True,
        "trusted": True,
        "shown": items,
        "enabled_t": enabled,
        "device": PC,
        "orientation": "landscape",
    }
    return messages.ClickEvent(**(values | changes))


def click(changes=None, **facts):
    """Returns a click with what the server knows of it; changes are of the event."""
    values = {
        "given": judgement.Given("timed", STEPS, "pc", 1, 0),
        "issued": 1000.0,
        "received": 1006.0,
        "fetched": True,
        "x": 320,
        "y": 120,
        "distance": 0.0,
    }
    return judgement.Click(message=event(**(changes or {})), **(values | facts))


def again(message, **changes):
    """Returns a message with other values."""
    return msgspec.structs.replace(message, **changes)
