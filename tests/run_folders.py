"""Runs of three numbers, and the folders they are in."""

import dataclasses
import json

from recorded_runs import provenance_of

from rclicks_jax.jobs import identity, records, store
from rclicks_jax.settings import protocols

NOTED = provenance_of(["rclicks-benchmark"])


@dataclasses.dataclass(frozen=True)
class Asked:
    """What can change a number of these runs."""

    seed: int = 1
    segmenter: dict = dataclasses.field(default_factory=dict)
    protocol: protocols.Protocol = protocols.PAPER
    parts: tuple[int, ...] = (1, 2)


def begin(folder, *, noted=NOTED, mendable=(), **asked):
    """Starts a run; returns its folder."""
    run = store.RunFolder(folder)
    run.begin("benchmark", Asked(**asked), noted, mendable=mendable)
    return run


def record(name="a", attempt=1, status="ok", **facts):
    row = records.row("a-1", status, "why" * (status != "ok"), numbers=[5, 6])
    return records.Record("set", name, (row,), {"encodes": 1, **facts}, attempt=attempt)


def names_of(folder):
    return [each.name for each in folder.read_all()]


def attempts_of(folder):
    return {key: attempt for key, (attempt, _) in folder.newest().items()}


def path_of(folder, name="a.1.jsonl"):
    return folder.path / "records" / "set" / name


# As format 1 had an image; it named neither run nor number of objects.
OLD_IMAGE = {
    "kind": "image", "dataset": "set", "image_id": "a", "attempt": 1, "encodes": 1,
    "seconds": {"encode": 0.1},
}  # fmt: skip


OLD_OBJECT = {
    "kind": "instance", "instance_id": "a-1", "status": "skipped", "reason": "why",
    "area": 0, "input_device": "", "trajectories": [],
}  # fmt: skip


def old_run(number, **hashed):
    """Returns a `run.json` of an earlier format."""
    hashed = {"seed": 1, **hashed}
    plain = {"hash": identity.hash_of(hashed), "hashed": hashed, "noted": {}}
    return json.dumps({"format": number, **plain} if number > 1 else plain)


ILL, WELL, OTHER = {"name": "ill"}, {"name": "well"}, {"name": "other"}
