"""What server and browser say to each other: JSON, decoded and checked by msgspec.

| request | body | answer |
| --- | --- | --- |
| `POST /api/enter` | `Enter` | `Entered` |
| `POST /api/consent` | `Consent` | `Entered` |
| `POST /api/device` | `DeviceFacts` | `Entered` |
| `POST /api/begin` | `Begin` | `Entered` |
| `POST /api/next` | `NextQuery` | `Task`, `Pause` or `Finish`, told apart by `kind` |
| `POST /api/click` | `ClickEvent` | `ClickAnswer` |
| `POST /api/live` | `LiveEvent` | `LiveAnswer` |
| `POST /api/heartbeat` | `Heartbeat` | `HeartbeatAnswer` |
| `POST /api/void` | `Void` | `VoidAnswer` |
| `POST /api/withdraw` | `Withdraw` | `Withdrawn` |
| `POST /api/finish` | `FinishQuery` | `Finish` |
| `GET /api/texts/LANG` | | `Texts`, of the nearest language |
| `GET /a/ID.webp` | | a picture; the session's cookie says who fetched it |

All but `enter` and texts carry `Authorization: Bearer SESSION_TOKEN`. Bodies have at
most `LIMITS.body` bytes; unknown fields, NaN and infinite numbers are refused. Errors
are a `Problem` with the HTTP status that `service.Refusal` says.

Units: `*_ms` are milliseconds; times `t`, `on`, `off`, `enabled_t` are milliseconds of
the browser's `performance` clock; places and sizes are CSS pixels; `uv` are shares of
the picture's width and height from its top left corner. Nothing that goes to the
browser has a mask, a stem, the name of a data set, or says that a task is for control.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rclicks_jax.collection import words

VERSION = 1
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
_Token = Annotated[str, Meta(min_length=16, max_length=200)]
_Text = Annotated[str, Meta(max_length=500)]
# A browser left open over a weekend is below; no date is.
_Ms = Annotated[float, Meta(ge=0, le=1e9)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000)]
_Px = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Ratio = Annotated[float, Meta(gt=0, le=100)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Version = Annotated[int, Meta(ge=1, le=VERSION)]


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place and the moment when it was touched.

    Attributes:
        t: `event.timeStamp`, ms.
        x: `clientX`, CSS pixels.
        y: `clientY`, CSS pixels.
    """

    t: _Ms
    x: _Px
    y: _Px


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
    on: _Ms
    off: _Ms
    frames: _Count


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

    screen: tuple[_Count, _Count]
    inner: tuple[_Count, _Count]
    dpr: _Ratio
    coarse: bool
    hover: bool
    touch_points: Annotated[int, Meta(ge=0, le=256)]
    frame_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    clock_step_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0


# ----- Entry and phases -----


class Enter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person opens the page.

    Attributes:
        platform: Name of a platform of `platforms.toml`.
        parameters: Parameters of the page's address, as they came.
        language: Language that the browser prefers, such as `en-GB`.
        session: Session token that this browser kept; empty for none.
        device: Screen and pointers.
    """

    v: _Version = VERSION
    platform: Name = "open"
    parameters: dict[Name, _Text] = {}
    language: Annotated[str, Meta(max_length=35)] = ""
    session: Annotated[str, Meta(max_length=200)] = ""
    device: DeviceFacts


class Entered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a session stands: the answer to `enter`, `consent`, `device` and `begin`.

    Attributes:
        session: Session token; the browser keeps it and sends it as bearer.
        phase: The page to show: `consent`, `device` (this device is not wanted, or its
            window is too small: `problem` says why), `instructions`, `tasks`,
            `finished`, `withdrawn`.
        language: Language that was chosen.
        languages: All languages of the study, by code, in their own words.
        direction: `ltr` or `rtl`.
        consent_version: Version of the consent text that the browser shows.
        title: Title of the study.
        contact: Whom participants may write to.
        minutes: How long the study takes, as it says.
        tasks: Number of tasks of a person, practice apart.
        devices: Devices that the study wants.
        test: Whether this is a look at the study, which is never counted.
        problem: Key of a text that says what is wrong with the device; empty if
            nothing.
        pace: How tasks go, so that the page can explain them.
    """

    v: int = VERSION
    session: str
    phase: words.Phase
    language: str
    languages: dict[str, str]
    direction: Literal["ltr", "rtl"]
    consent_version: str
    title: str
    contact: str
    minutes: int
    tasks: int
    devices: tuple[str, ...]
    test: bool = False
    problem: str = ""
    pace: words.Pace = "timed"


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the pages say in a language. A page that refuses to go on needs it too.

    Attributes:
        language: The language.
        direction: `ltr` or `rtl`.
        texts: Texts by key; several paragraphs are a list.
    """

    v: int = VERSION
    language: str
    direction: Literal["ltr", "rtl"]
    texts: dict[str, str | tuple[str, ...]]


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person agrees, or does not.

    Attributes:
        version: Version of the text that was shown.
        language: Language in which it was shown.
        agreed: Whether the person agrees; else the session ends, screened out.
    """

    v: _Version = VERSION
    version: Name
    language: Name
    agreed: bool


class Begin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person has read the instructions and begins."""

    v: _Version = VERSION


# ----- Tasks -----


class NextQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks for the next task. An open assignment of the session becomes void.

    Attributes:
        rested: Whether the person has just ended a pause, so that none comes again.
        device: Screen and pointers now; they decide for which device a task counts.
    """

    v: _Version = VERSION
    rested: bool = False
    device: DeviceFacts


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
        assignment: Id of the assignment.
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

    v: int = VERSION
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

    v: int = VERSION
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

    v: int = VERSION
    ending: Literal["complete", "screened_out"]
    code: str
    url: str
    proof: str
    done: int


Next = Task | Pause | Finish


class FinishQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Asks for the end of a session whose last task is answered."""

    v: _Version = VERSION


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The task is still on the screen; its lease is extended."""

    v: _Version = VERSION
    assignment: Id


class HeartbeatAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Says whether the task is still this person's.

    Attributes:
        open: False if the lease had ended or another tab has a newer task: the page
            then drops the task and asks for the next.
        lease_s: Seconds from now; 0 if it is not open.
    """

    v: int = VERSION
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

    v: _Version = VERSION
    client_id: Id
    assignment: Id
    token: _Token
    reason: Literal["tiny", "assets", "time", "hidden", "resized", "person"]


class VoidAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The task was given up, now or before."""

    v: int = VERSION
    client_id: str


# ----- Clicks -----


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

    v: _Version = VERSION
    client_id: Id
    assignment: Id
    token: _Token
    uv: tuple[_Share, _Share]
    down: Point
    up: Point
    rect: tuple[_Px, _Px, _Px, _Px]
    pointer: words.Pointer
    primary: bool
    contact: tuple[_Px, _Px] = (0.0, 0.0)
    trusted: bool
    shown: Annotated[tuple[Shown, ...], Meta(max_length=16)]
    enabled_t: _Ms
    hidden_ms: _Ms = 0.0
    resized: bool = False
    early_clicks: _Count = 0
    loaded_ms: _Ms = 0.0
    target_views: _Count = 1
    device: DeviceFacts
    viewport: tuple[_Ratio, _Px, _Px] = (1.0, 0.0, 0.0)
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

    v: int = VERSION
    client_id: str
    stored: Literal["new", "again", "duplicate"]
    feedback: Feedback | None
    done: int
    of: int


# ----- Live rounds -----


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

    v: _Version = VERSION
    client_id: Id
    assignment: Id
    token: _Token
    number: Annotated[int, Meta(ge=0, le=1000)]
    act: Literal["click", "undo", "done", "give_up"]
    positive: bool = True
    uv: tuple[_Share, _Share] | None = None
    t: _Ms
    shown_t: _Ms
    pointer: words.Pointer
    rect: tuple[_Px, _Px, _Px, _Px]
    hidden_ms: _Ms = 0.0
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

    v: int = VERSION
    client_id: str
    number: int
    clicks: int
    mask: str
    w: int
    h: int
    machine_ms: float
    ended: bool


# ----- End -----


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person leaves the study.

    Attributes:
        erase: Whether what the person did is erased too; else it is kept and not used.
    """

    v: _Version = VERSION
    erase: bool


class Withdrawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person has left.

    Attributes:
        erased: Number of events that were erased.
        url: Address to go to; empty for none.
        code: Code for the platform; empty for none.
    """

    v: int = VERSION
    erased: int
    url: str
    code: str


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a request was refused.

    Attributes:
        problem: Key of a text that the page shows: `problem_KEY`.
        detail: A sentence for developers; no secret, and nothing of other people.
        retry: Whether the same request may work later.
    """

    v: int = VERSION
    problem: Literal[
        "bad_request",
        "no_session",
        "no_consent",
        "bad_token",
        "too_early",
        "too_many",
        "closed",
        "not_wanted",
        "busy",
        "full",
    ]
    detail: str
    retry: bool


class Limits(msgspec.Struct, frozen=True):
    """Limits of requests that a server sets.

    Attributes:
        body: Bytes of a body.
        seconds: Time in which a body must have come.
    """

    body: int = 8192
    seconds: float = 10.0


LIMITS = Limits()
