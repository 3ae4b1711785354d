"""A study of live rounds, and acts in its tasks."""

import msgspec
from collect_events import PC

DEVICE = msgspec.to_builtins(PC)
LIVE = {
    "study": {"pace": "live", "per_person": 3},
    "live": {"segmenter": "random_walker", "most_clicks": 5, "seats": 1},
    "assignment": {"clicks": 9, "devices": ("pc",), "block": 2},
}


def act(task, number, name="click", uv=(0.5, 0.5), **changes):
    """Returns an act in a live task, as JSON values."""
    return {
        "client_id": f"act{number:05}{task['assignment'][:14]}",
        "assignment": task["assignment"],
        "token": task["token"],
        "number": number,
        "act": name,
        "uv": uv if name == "click" else None,
        "t": 2000.0 * (number + 1),
        "shown_t": 2000.0 * number + 500,
        "pointer": "mouse",
        "rect": [0.0, 0.0, 64.0, 48.0],
        "device": DEVICE,
        **changes,
    }
