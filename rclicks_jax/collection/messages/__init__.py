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

from rclicks_jax.collection.messages.events import (
    ClickAnswer,
    ClickEvent,
    Feedback,
    LiveAnswer,
    LiveEvent,
)
from rclicks_jax.collection.messages.fields import (
    VERSION,
    DeviceFacts,
    Id,
    Name,
    Point,
    Shown,
)
from rclicks_jax.collection.messages.sessions import (
    LIMITS,
    Begin,
    Consent,
    Enter,
    Entered,
    FinishQuery,
    Limits,
    Problem,
    Texts,
    Withdraw,
    Withdrawn,
)
from rclicks_jax.collection.messages.tasks import (
    Finish,
    Heartbeat,
    HeartbeatAnswer,
    Next,
    NextQuery,
    Pause,
    Picture,
    Step,
    Target,
    Task,
    Void,
    VoidAnswer,
)

__all__ = [
    "LIMITS",
    "VERSION",
    "Begin",
    "ClickAnswer",
    "ClickEvent",
    "Consent",
    "DeviceFacts",
    "Enter",
    "Entered",
    "Feedback",
    "Finish",
    "FinishQuery",
    "Heartbeat",
    "HeartbeatAnswer",
    "Id",
    "Limits",
    "LiveAnswer",
    "LiveEvent",
    "Name",
    "Next",
    "NextQuery",
    "Pause",
    "Picture",
    "Point",
    "Problem",
    "Shown",
    "Step",
    "Target",
    "Task",
    "Texts",
    "Void",
    "VoidAnswer",
    "Withdraw",
    "Withdrawn",
]
