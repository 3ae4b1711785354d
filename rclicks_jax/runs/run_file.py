"""What `run.json` says: what was asked, its hash, and what differs from it now."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from etils import epath

from rclicks_jax import config, errors
from rclicks_jax.files import why_unreadable

RUN_NAME = "run.json"
FORMAT = 2
# Since then each record says which run it is of.
SEALED_FORMAT = 2
# What of a machine can change the last bits of numbers.
_MACHINE = ("backend", "devices", "cores", "batches")


def hash_of(value: dict[str, Any]) -> str:
    """Returns a hash of JSON values that does not depend on the order of keys."""
    # Keys that are numbers are text in a file, and in another order.
    written = json.loads(json.dumps(value))
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()


class Mark(NamedTuple):
    """Which run a process works on: its hash, and the format it was started in."""

    run: str
    format: int


def read(path: epath.Path) -> dict[str, Any]:
    """Returns the content of a `run.json`.

    Raises:
        RunFolderError: There is none, it is broken, or of a later release.
    """
    try:
        found = json.loads(path.read_text())
        problem = _problem(found)
    except FileNotFoundError as error:
        missing = path.name if path.parent.exists() else "such folder"
        raise errors.RunFolderError(
            f"{path.parent} is not a run folder: there is no {missing}."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        found, problem = {}, why_unreadable(error)
    if problem:
        raise errors.RunFolderError(
            f"{path.parent} is not a run folder: {path} cannot be read ({problem})."
        )
    if found.get("format", 1) > FORMAT:
        raise errors.RunFolderError(
            f"{path} is of format {found['format']}; this release reads formats up to "
            f"{FORMAT}. Read it with the release that made it."
        )
    return found


def _problem(found: Any) -> str:
    """Says why the content of a file is not that of a `run.json`; empty if it is."""
    if not isinstance(found, dict):
        return "it is not of a run"
    missing = {"hash", "hashed", "noted"} - set(found)
    if missing:
        return f"it lacks {', '.join(sorted(missing))}"
    written = found.get("format", 1)
    kinds = {"hash": str, "hashed": dict, "noted": dict}
    if not isinstance(written, int) or not all(
        isinstance(found[key], kind) for key, kind in kinds.items()
    ):
        return "its entries are not those of a run"
    if written == FORMAT and found["hash"] != hash_of(found["hashed"]):
        return "its settings are not those that its hash is of"
    return ""


def mark_of(info: dict[str, Any]) -> Mark:
    """Returns which run the content of a `run.json` is of."""
    return Mark(info["hash"], info.get("format", 1))


def changes(before: dict[str, Any], hashed: dict[str, Any]) -> dict[str, list[str]]:
    """Says what of a run changed, by key; nothing if only its release did.

    Raises:
        RunFolderError: The protocol has switches that this release does not have.
    """
    if before["hash"] == hash_of(hashed):
        return {}
    known = dict(before["hashed"])
    if isinstance(known.get("protocol"), dict):
        protocol = config.recorded_protocol(known["protocol"])
        known["protocol"] = dataclasses.asdict(protocol)
    found = {
        key: list(_differences(known.get(key), hashed.get(key), key))
        for key in sorted({*known, *hashed})
    }
    return {key: lines for key, lines in found.items() if lines}


def other_means(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Says so if a run goes on where last bits of numbers can differ; else empty.

    Args:
        before: What the run noted when it was started.
        now: What it would note now.
    """
    changed = [
        line
        for key in _MACHINE
        if key in before and key in now
        for line in _differences(before[key], now[key], key)
    ]
    if not changed:
        return ""
    return (
        f"other means: {', '.join(changed)}. Click maps may differ in their last bits, "
        "and with them a share of the clicks; what is finished stays as it is."
    )


def _differences(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """Names what differs between two nested values."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{name}.{key}" if name else key
            yield from _differences(before.get(key), after.get(key), inner)
    elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
        yield f"{name} was {_short(before)} and is {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
