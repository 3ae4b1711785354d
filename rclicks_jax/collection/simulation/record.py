"""What bots did, as they know it: each entry, acknowledged click, and end, a line.

The record says what was planted. What the study has is compared with it.
"""

import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

FILE = "simulation.jsonl"


class Entered(NamedTuple):
    """A bot whose session began.

    Attributes:
        bot: Number of the bot.
        session: Its session token, which a browser would keep.
    """

    bot: int
    session: str


class Acknowledged(NamedTuple):
    """A click whose answer a bot got.

    Attributes:
        bot: Number of the bot.
        client_id: Id of the event.
        device: `pc` or `mobile`.
        y: Place that it meant, without the noise of phones, pixels.
        x: The same.
        missed: Whether it meant a place beside the target.
        doubled: Whether it was sent twice.
        stored: Answers of the server, in alphabetical order.
    """

    bot: int
    client_id: str
    device: str
    y: float
    x: float
    missed: bool
    doubled: bool
    stored: tuple[str, ...]


class Acted(NamedTuple):
    """An act of live rounds whose answer a bot got.

    Attributes:
        bot: Number of the bot.
        client_id: Id of the event.
        assignment: The task.
        act: `click`, `undo` or `done`.
    """

    bot: int
    client_id: str
    assignment: str
    act: str


class Played(NamedTuple):
    """Live rounds that a bot played to their end.

    Attributes:
        bot: Number of the bot.
        assignment: The task.
        acts: Its acts.
        clicks: Clicks that stand at the end.
    """

    bot: int
    assignment: str
    acts: int
    clicks: int


class Ended(NamedTuple):
    """The end of a bot.

    Attributes:
        bot: Number of the bot.
        how: `complete`, `screened_out`, `dropped_out` or `withdrawn`.
        done: Tasks that it did.
    """

    bot: int
    how: str
    done: int


Item = Entered | Acknowledged | Acted | Played | Ended
_KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (Entered, Acknowledged, Acted, Played, Ended)
}


class Record:
    """A record that grows. For many threads.

    Attributes:
        clicks: Acknowledged clicks, and acts of live rounds, that were added.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Opens the file, or makes it."""
        _mend(path)
        self._file = path.open("a")
        self._lock = threading.Lock()
        self.clicks = 0

    def add(self, item: Item) -> None:
        """Adds a line."""
        line = json.dumps({"kind": type(item).__name__, **item._asdict()})
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()
            self.clicks += isinstance(item, (Acknowledged, Acted))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def read(path: pathlib.Path) -> Iterator[Item]:
    """Yields what a record has; nothing if there is none."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        values: dict[str, Any] = json.loads(line)
        kind = _KINDS[values.pop("kind")]
        if "stored" in values:
            values["stored"] = tuple(values["stored"])
        yield kind(**values)


def _mend(path: pathlib.Path) -> None:
    """Removes a line that a killed process did not finish."""
    if path.exists():
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            path.write_bytes(whole)
