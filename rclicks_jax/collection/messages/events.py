"""Messages of clicks, and of live rounds."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rclicks_jax.collection import words
from rclicks_jax.collection.messages import fields
from rclicks_jax.collection.messages.fields import DeviceFacts, Point, Shown


class ClickEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A click, or the first press of a finger, on the photograph of a task.

    Attributes:
        client_id: Random id of the event, made once and kept over retries.
        assignment: The assignment.
        token: Its token.
        uv: Place as shares of the picture's width and height, from
            `getBoundingClientRect` at the event.
        down: Press.
        up: Release.
        rect: Left, top, width and height of the picture, CSS pixels.
        pointer: What clicked.
        primary: Whether it was the first finger.
        contact: Width and height of the finger, CSS pixels.
        trusted: `event.isTrusted`.
        shown: How long each step was shown.
        enabled_t: Moment from which a click was taken, ms.
        hidden_ms: Time for which the page was not visible during the task.
        resized: Whether window or orientation changed during the task.
        early_clicks: Clicks before `enabled_t`.
        loaded_ms: Wait for pictures before the first step.
        target_views: How often the target was shown; more than 1 only if self-paced.
        device: Screen and pointers at the click.
        viewport: Scale, left and top of the visual viewport (pinch zoom).
        orientation: Of the screen.
    """

    v: fields.Version = fields.VERSION
    client_id: fields.Id
    assignment: fields.Id
    token: fields.Token
    uv: tuple[fields.Share, fields.Share]
    down: Point
    up: Point
    rect: tuple[fields.Px, fields.Px, fields.Px, fields.Px]
    pointer: words.Pointer
    primary: bool
    contact: tuple[fields.Px, fields.Px] = (0.0, 0.0)
    trusted: bool
    shown: Annotated[tuple[Shown, ...], Meta(max_length=16)]
    enabled_t: fields.Ms
    hidden_ms: fields.Ms = 0.0
    resized: bool = False
    early_clicks: fields.Count = 0
    loaded_ms: fields.Ms = 0.0
    target_views: fields.Count = 1
    device: DeviceFacts
    viewport: tuple[fields.Ratio, fields.Px, fields.Px] = (1.0, 0.0, 0.0)
    orientation: Literal["portrait", "landscape"]


class Feedback(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was wrong with a practice click.

    Attributes:
        good: Whether it would have been accepted.
        reasons: Why not; keys of texts: `feedback_REASON`.
    """

    good: bool
    reasons: tuple[words.Reason, ...]


class ClickAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A click is stored, for good. It does not say whether it was accepted.

    Attributes:
        client_id: The event.
        stored: `new`, `again` (this event came before), or `duplicate` (another event
            of the same assignment came before; this one is kept apart; status 409).
        feedback: For practice; else None.
        done: Tasks that are done.
        of: Tasks of a person.
    """

    v: int = fields.VERSION
    client_id: str
    stored: Literal["new", "again", "duplicate"]
    feedback: Feedback | None
    done: int
    of: int


class LiveEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An act in a live task, with all acts numbered from 0 without a gap.

    Attributes:
        client_id: Random id of the event, kept over retries.
        assignment: The assignment.
        token: Its token.
        number: Number of the act in the task.
        act: `click`, `undo` takes the last click back, `done` ends the task, `give_up`
            ends it too.
        positive: Whether the click says "object"; of a click only.
        uv: Place of the click, shares of width and height; None but for a click.
        t: Moment of the act, ms.
        shown_t: Moment when the newest mask was on the screen, ms: the time of the
            person begins here.
        pointer: What clicked.
        rect: Left, top, width and height of the picture, CSS pixels.
        hidden_ms: Time for which the page was not visible since the act before.
    """

    v: fields.Version = fields.VERSION
    client_id: fields.Id
    assignment: fields.Id
    token: fields.Token
    number: Annotated[int, Meta(ge=0, le=1000)]
    act: Literal["click", "undo", "done", "give_up"]
    positive: bool = True
    uv: tuple[fields.Share, fields.Share] | None = None
    t: fields.Ms
    shown_t: fields.Ms
    pointer: words.Pointer
    rect: tuple[fields.Px, fields.Px, fields.Px, fields.Px]
    hidden_ms: fields.Ms = 0.0
    device: DeviceFacts


class LiveAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The state of a live task after an act.

    Attributes:
        client_id: The event.
        number: Number of the act.
        clicks: Clicks that stand, undone ones left out.
        mask: The segmenter's mask, a 1-bit PNG in base64 at `w` x `h`; empty without a
            click and at the end.
        machine_ms: Time that the segmenter and its queue needed; not the person's.
        ended: Whether the task is over: by `done`, `give_up`, or the most clicks.
    """

    v: int = fields.VERSION
    client_id: str
    number: int
    clicks: int
    mask: str
    w: int
    h: int
    machine_ms: float
    ended: bool
