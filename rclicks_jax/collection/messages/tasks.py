"""Messages that give a task, a pause or the end, and keep or give up a task."""

from typing import Literal

import msgspec

from rclicks_jax.collection import words
from rclicks_jax.collection.messages import fields
from rclicks_jax.collection.messages.fields import DeviceFacts


class NextQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks for the next task. An open assignment of the session becomes void.

    Attributes:
        rested: Whether the person has just ended a pause, so that none comes again.
        device: Screen and pointers now; they decide for which device a task counts.
        visit: Random id of the opened page, as in `Enter`.
    """

    v: fields.Version = fields.VERSION
    rested: bool = False
    device: DeviceFacts
    visit: fields.Visit = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A step of a timed task.

    Attributes:
        show: What is on the screen. `target` is a picture or a text.
        ms: How long; 0 until the click.
        click: What a click does: `none` is not possible (`target` hides the picture),
            `ignored` is counted in `early_clicks` and does nothing, `wanted` ends the
            task.
        limit_ms: Longest wait for a click; 0 for none.
    """

    show: Literal["image", "target"]
    ms: int
    click: Literal["none", "ignored", "wanted"]
    limit_ms: int = 0


class Picture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture, whole: `uv` are shares of its width and height.

    Attributes:
        url: Address on this server, `/a/ID.webp`.
        w: Its width, pixels.
        h: Its height, pixels.
    """

    url: str
    w: int
    h: int


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be clicked: a picture or a text, never both.

    Attributes:
        picture: The picture; None for a text.
        text: The text; to be shown with `textContent`.
        language: Language of the text.
    """

    picture: Picture | None = None
    text: str = ""
    language: str = ""


class Task(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag="task",
    tag_field="kind",
):
    """A task for this person.

    Attributes:
        assignment: fields.Id of the assignment.
        token: Signed; goes back with the event.
        lease_s: Seconds after which the task may be given to somebody else; heartbeats
            extend them.
        pace: `timed` shows `steps`. `self_paced` shows the target on demand beside the
            photograph, and the person clicks when ready. `live` is self-paced with a
            segmenter that answers (`LiveEvent`).
        mode: Display mode.
        ask: What to click.
        steps: Steps of a timed task; empty for the others.
        image: The photograph.
        target: What is to be clicked.
        practice: Whether feedback comes with the answer.
        done: Tasks that are done, practice apart.
        of: Tasks of a person, practice apart.
        preload: Addresses of pictures to fetch now: all of this task.
        most_clicks: Limit on clicks of a live task; 0 for others.
    """

    v: int = fields.VERSION
    assignment: str
    token: str
    lease_s: int
    pace: words.Pace
    mode: words.Mode
    ask: words.Ask
    steps: tuple[Step, ...]
    image: Picture
    target: Target
    practice: bool
    done: int
    of: int
    preload: tuple[str, ...]
    most_clicks: int = 0


class Pause(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag="pause",
    tag_field="kind",
):
    """Time for a rest; the browser asks again with `rested`.

    Attributes:
        done: Tasks that are done.
        of: Tasks of a person.
        block: Blocks that are done.
        blocks: Blocks of a person.
    """

    v: int = fields.VERSION
    done: int
    of: int
    block: int
    blocks: int


class Finish(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag="finish",
    tag_field="kind",
):
    """The session is over. The browser shows it once its queue of events is empty.

    Attributes:
        ending: `complete`, or `screened_out` where there was nothing to do for this
            person, no consent, or an unwanted device.
        code: Code to give to the platform; empty for none.
        url: Address to go to, of the study's own `platforms.toml`; empty for none.
        proof: Code that the owner of the study can verify.
        done: Tasks that were done.
    """

    v: int = fields.VERSION
    ending: Literal["complete", "screened_out"]
    code: str
    url: str
    proof: str
    done: int


Next = Task | Pause | Finish


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The task is still on the screen; its lease is extended."""

    v: fields.Version = fields.VERSION
    assignment: fields.Id


class HeartbeatAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Says whether the task is still this person's.

    Attributes:
        open: False if the lease had ended or another tab has a newer task: the page
            then drops the task and asks for the next.
        lease_s: Seconds from now; 0 if it is not open.
    """

    v: int = fields.VERSION
    open: bool
    lease_s: int


class Void(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gives a task up: it is not shown again, and somebody else gets it.

    Attributes:
        client_id: Random id of this message, made once and kept over retries.
        assignment: The assignment.
        reason: Why. `tiny`: the region is too small on this screen, `assets`: a picture
            did not come, `time`: the limit ran out, `hidden`: the page was left,
            `resized`: window or screen changed, `person`: the person cannot do it.
    """

    v: fields.Version = fields.VERSION
    client_id: fields.Id
    assignment: fields.Id
    token: fields.Token
    reason: Literal["tiny", "assets", "time", "hidden", "resized", "person"]


class VoidAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The task was given up, now or before."""

    v: int = fields.VERSION
    client_id: str
