"""How busy each start of a run was, in the run folder.

    utilisation/NANOSECONDS-PROCESS.json

A start writes it as it ends, each process its own. No number of a record depends on it.
"""

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from rclicks_jax import errors, files
from rclicks_jax.jobs import run_files, store
from rclicks_jax.jobs.meter import Calls, Meter

FORMAT = 1
_FOLDER = "utilisation"


@dataclasses.dataclass(frozen=True)
class AnswererUse:
    """How an answerer was used: a device, a worker, a function.

    Attributes:
        name: Its name.
        calls: Number of calls; of a network, its passes.
        real: Rows that were asked for.
        rows: Rows that were computed, padding included.
        busy: Seconds in which it had a call; of several processes, their mean.
        first_minute: Share of each second of the first minute in which it had a call;
            of several processes, their mean.
    """

    name: str
    calls: int
    real: int
    rows: int
    busy: float
    first_minute: tuple[float, ...]

    @property
    def fill(self) -> float:
        """Real rows over rows; 1 if there was none."""
        return self.real / self.rows if self.rows else 1.0


@dataclasses.dataclass(frozen=True)
class Utilisation:
    """How busy a start was.

    Attributes:
        seconds: Seconds from its first to its last image.
        threads: Threads of the host.
        host_seconds: Seconds of work of these threads, added up.
        host_first_minute: Share of each second of the first minute that they worked.
        parts: Seconds of work by part: `decode`, `records`.
        answerers: The answerers.
    """

    seconds: float
    threads: int
    host_seconds: float
    host_first_minute: tuple[float, ...]
    parts: dict[str, float]
    answerers: tuple[AnswererUse, ...]

    @property
    def host_share(self) -> float:
        """Share of the time that the threads of the host worked."""
        return self.host_seconds / max(1e-9, self.seconds * self.threads)

    def busy_share(self, answerer: AnswererUse) -> float:
        """Share of the time in which an answerer had a call."""
        return answerer.busy / max(1e-9, self.seconds)


def of_meter(meter: Meter) -> Utilisation:
    """Returns what a meter noted until now."""

    def rounded(values: list[float]) -> tuple[float, ...]:
        return tuple(round(value, 3) for value in values)

    def use(name: str, calls: Calls) -> AnswererUse:
        activity = calls.activity
        return AnswererUse(
            name,
            calls.calls,
            calls.real,
            calls.rows,
            round(activity.share_of_seconds, 4),
            rounded(activity.first_minute),
        )

    return Utilisation(
        seconds=round(meter.seconds, 4),
        threads=meter.host.width,
        host_seconds=round(meter.host.work, 4),
        host_first_minute=rounded(meter.host.first_minute),
        parts={name: round(value, 4) for name, value in meter.parts.items()},
        answerers=tuple(use(*each) for each in meter.answerers.items()),
    )


def write(folder: store.RunFolder, meter: Meter) -> None:
    """Writes what this start has noted, unless it asked nothing.

    Raises:
        RunFolderError: It cannot be written.
    """
    if not any(calls.calls for calls in meter.answerers.values()):
        return
    content = {"format": FORMAT, **dataclasses.asdict(of_meter(meter))}
    name = f"{time.time_ns():020}-{os.getpid()}.json"
    path = folder.path / _FOLDER / name
    files.write_output(path, (json.dumps(content) + "\n").encode())


def read_all(folder: store.RunFolder) -> list[Utilisation]:
    """Reads what the starts of a run have noted, in order of time.

    Damaged files are passed over; runs of earlier releases have none.

    Raises:
        RunFolderError: A later release wrote one.
    """
    found: list[Utilisation] = []
    for path in sorted(folder.path.glob(f"{_FOLDER}/*.json")):
        try:
            content = json.loads(run_files.read_text(path))
            number = content.pop("format")
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            continue
        if isinstance(number, int) and number > FORMAT:
            raise errors.RunFolderError(
                f"{path} is of format {number}; this release reads formats up to "
                f"{FORMAT}. Read it with the release that made it."
            )
        try:
            found.append(_utilisation(content))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _utilisation(content: Mapping[str, Any]) -> Utilisation:
    return Utilisation(
        seconds=float(content["seconds"]),
        threads=int(content["threads"]),
        host_seconds=float(content["host_seconds"]),
        host_first_minute=tuple(map(float, content["host_first_minute"])),
        parts={str(name): float(value) for name, value in content["parts"].items()},
        answerers=tuple(map(_answerer_use, content["answerers"])),
    )


def _answerer_use(content: Mapping[str, Any]) -> AnswererUse:
    return AnswererUse(
        name=str(content["name"]),
        calls=int(content["calls"]),
        real=int(content["real"]),
        rows=int(content["rows"]),
        busy=float(content["busy"]),
        first_minute=tuple(map(float, content["first_minute"])),
    )
