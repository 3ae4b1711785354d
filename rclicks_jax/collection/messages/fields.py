"""Kinds of values in messages, and what several messages have."""

from typing import Annotated

import msgspec
from msgspec import Meta

VERSION = 1
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Token = Annotated[str, Meta(min_length=16, max_length=200)]
# Pages make one when they are opened; other programs need none.
Visit = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=500)]
# A browser left open over a weekend is below; no date is.
Ms = Annotated[float, Meta(ge=0, le=1e9)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Px = Annotated[float, Meta(ge=-1e6, le=1e6)]
Ratio = Annotated[float, Meta(gt=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Version = Annotated[int, Meta(ge=1, le=VERSION)]


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place and the moment when it was touched.

    Attributes:
        t: `event.timeStamp`, ms.
        x: `clientX`, CSS pixels.
        y: `clientY`, CSS pixels.
    """

    t: Ms
    x: Px
    y: Px


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long a step of a task was on the screen.

    Attributes:
        step: Number of the step in `Task.steps`.
        on: Time of the frame that showed it, ms.
        off: Time of the frame that no longer showed it, ms; for the step of the click
            the time of the click.
        frames: Frames between them, as counted by `requestAnimationFrame`.
    """

    step: Annotated[int, Meta(ge=0, le=20)]
    on: Ms
    off: Ms
    frames: Count


class DeviceFacts(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """What the page knows of screen and pointers; no user agent.

    Attributes:
        screen: Width and height of the screen, CSS pixels.
        inner: Width and height of the window's inside, CSS pixels.
        dpr: Device pixels in a CSS pixel.
        coarse: Whether the main pointer is coarse, as a finger is.
        hover: Whether the main pointer can hover, as a mouse can.
        touch_points: Fingers that the screen can tell apart.
        frame_ms: Median time between animation frames, ms; 0 where not measured.
        clock_step_ms: Step of the clock of the browser, ms.
    """

    screen: tuple[Count, Count]
    inner: tuple[Count, Count]
    dpr: Ratio
    coarse: bool
    hover: bool
    touch_points: Annotated[int, Meta(ge=0, le=256)]
    frame_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    clock_step_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
