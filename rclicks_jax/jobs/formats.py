"""Run folders of older releases, read as if today's release had written them.

A format is a promise: every one since 1 is read. What a folder is today stands in
`folder` and `records`; here is only what was otherwise before.

    1   `run.json` without a format; a benchmark's record names neither run nor number
        of rows
    2   `hashed` and `noted`; every job has records of its own form
    3   `identity` and `provenance`; one form of records

Fields that a release adds change no format: what earlier releases stood for is filled
in.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rclicks_jax import errors
from rclicks_jax.files import why_unreadable
from rclicks_jax.jobs import identity, records

RUN = 3
# Since then each record says of which run it is.
SEALED = 2
# What kinds of jobs were called; a benchmark was not called anything.
_KINDS = {
    "click maps": "click_maps",
    "evaluation": "evaluation",
    "click agreement": "click_agreement",
}
_JOB_KEYS = ("segmenter_versions", "card", "precision_error")
# A switch of the protocol. Before it adapters compared the protocol's name.
_FIRST_TOLD = "empty_mask_keeps_crop"


def run_info(described: Any, name: str) -> dict[str, Any]:
    """Returns the content of a `run.json` in today's format.

    Args:
        described: What the file holds.
        name: What an error calls it.

    Raises:
        RunFolderError: It is of a later release, or no such content.
    """
    number = described.get("format", 1) if isinstance(described, dict) else 0
    if isinstance(number, int) and number > RUN:
        raise errors.RunFolderError(
            f"{name} is of format {number}; this release reads formats up to {RUN}. "
            "Read it with the release that made it."
        )
    problem = _problem(described, number)
    if problem:
        raise errors.RunFolderError(
            f"{name} cannot be read, so this is not a run folder: {problem}."
        )
    read = described if number == RUN else _run_of_before(described)
    return {**read, "identity": _with_switches_of_adapters(read["identity"])}


def _problem(described: Any, number: Any) -> str:
    """Says why a file is no `run.json` of a format; empty if it is."""
    if number not in range(1, RUN + 1):
        return "it is not of a run"
    if number == RUN:
        kinds = {"hash": str, "kind": str, "identity": dict, "provenance": dict}
    else:
        kinds = {"hash": str, "hashed": dict, "noted": dict}
    missing = [key for key in kinds if key not in described]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if not all(isinstance(described[key], kind) for key, kind in kinds.items()):
        return "its entries are not those of a run"
    hashed = (
        {"kind": described["kind"], **described["identity"]}
        if number == RUN
        else described["hashed"]
    )
    if number > 1 and described["hash"] != identity.hash_of(hashed):
        return "its settings are not those that its hash is of"
    return ""


def _run_of_before(described: Mapping[str, Any]) -> dict[str, Any]:
    identity = dict(described["hashed"])
    named = identity.pop("kind", "")
    if isinstance(identity.get("protocol"), dict):
        # Before this switch NSS was divided by the deviation alone.
        identity["protocol"] = {"nss_epsilon": 0.0, **identity["protocol"]}
    provenance = dict(described["noted"])
    job = {key: provenance.pop(key) for key in _JOB_KEYS if key in provenance}
    return {
        "format": described.get("format", 1),
        "kind": _KINDS.get(named, "benchmark"),
        "hash": described["hash"],
        "identity": identity,
        "provenance": {**provenance, "job": job},
    }


def _with_switches_of_adapters(identity: dict[str, Any]) -> dict[str, Any]:
    """Returns an identity whose protocol has the switches that adapters obeyed.

    Before they were told values, those that come with this package were told a name,
    as their option `protocol`; their default was `paper`. Methods were given the run's
    name, `bridge:adapter=NAME` was not.
    """
    protocol, segmenter = identity.get("protocol"), identity.get("segmenter")
    if not isinstance(protocol, dict) or _FIRST_TOLD in protocol:
        return identity
    name = protocol.get("name")
    changed: dict[str, Any] = {}
    if isinstance(segmenter, dict) and _is_own_adapter(segmenter):
        options = dict(segmenter["options"])
        name = options.pop("protocol", "paper")
        changed["segmenter"] = {**segmenter, "options": options}
        protocol = {**protocol, "drop_mask_prompt": name != "strict"}
    changed["protocol"] = {**protocol, _FIRST_TOLD: name != "strict"}
    return {**identity, **changed}


def _is_own_adapter(segmenter: Mapping[str, Any]) -> bool:
    """Tells whether a recorded segmenter ran an adapter that comes with this package.

    Those go by their name, where a user's file goes by its checksum.
    """
    code = segmenter.get("adapter", segmenter.get("code"))
    options = segmenter.get("options")
    return isinstance(options, dict) and isinstance(code, str) and " " not in code


def record(text: str, name: str, kind: str) -> records.Record:
    """Reads the record of a unit of work, of whatever format.

    Args:
        text: The file.
        name: What an error calls it.
        kind: The job that it must be of.

    Raises:
        RecordError: It is of a later release, of another job, or damaged.
    """
    try:
        number = json.loads(text.partition("\n")[0]).get("format", 2)
    except records.BROKEN as error:
        raise records.RecordError(name, why_unreadable(error)) from error
    if number == records.FORMAT:
        read = records.from_lines(text, name, kind)
        return dataclasses.replace(records.checked(read, name), origin=name)
    if not isinstance(number, int) or number > records.FORMAT:
        raise errors.RunFolderError(
            f"{name} is of format {number}; this release reads formats up to "
            f"{records.FORMAT}. Read it with the release that made it."
        )
    try:
        read = _READERS[kind](text, name)
    except records.BROKEN as error:
        raise records.RecordError(name, why_unreadable(error)) from error
    return dataclasses.replace(records.checked(read, name), origin=name)


def owner(text: str) -> str:
    """Returns the run that a record of any job says it is of; empty if it does not."""
    try:
        return str(json.loads(text.partition("\n")[0]).get("run", ""))
    except records.BROKEN:
        return ""


def _benchmark(text: str, name: str) -> records.Record:
    """An image's line, then a line for each of its objects."""
    first, _, body = text.partition("\n")
    head = _unsealed(json.loads(first), name)
    rows = [json.loads(line) for line in body.splitlines()]
    if head["kind"] != "image":
        raise KeyError("kind")
    if not rows and "body" not in head:
        # An image without objects, or a record of format 1 that was cut.
        raise records.RecordError(name, "it has no object and may have been cut")
    if "body" in head and head["body"] != records.hash_of_text(body):
        problem = f"its lines are not the {head['objects']} that were written"
        raise records.RecordError(name, problem)
    for row in rows:
        row.pop("kind")
    return records.Record(
        dataset=head["dataset"],
        name=head["image_id"],
        rows=tuple(rows),
        facts={"encodes": head["encodes"], "seconds": head["seconds"]},
        attempt=head["attempt"],
        run=head.get("run", ""),
    )


def _evaluation(text: str, name: str) -> records.Record:
    """One JSON object for one click task."""
    found = _unsealed(json.loads(text), name)
    run = found.pop("run", "")
    row = {**found, "instance_id": found["click_set_id"]}
    del row["dataset"], row["click_set_id"]
    return records.Record(found["dataset"], found["click_set_id"], (row,), run=run)


def _click_maps(text: str, name: str) -> records.Record:
    """One JSON object for an image, with a list of its objects."""
    found = _unsealed(json.loads(text), name)
    rows = tuple(found["objects"])
    run = found.get("run", "")
    return records.Record(found["dataset"], found["name"], rows, run=run)


_READERS = {
    "benchmark": _benchmark,
    "evaluation": _evaluation,
    "click_maps": _click_maps,
}


def _unsealed(described: Any, name: str) -> dict[str, Any]:
    """Returns a record of format 1 or 2 without its checksum, which format 1 lacks.

    Raises:
        RecordError: It is no record, or was changed since.
    """
    if not isinstance(described, dict):
        raise records.RecordError(name, "it is no JSON object")
    checksum = described.pop("checksum", None)
    if (checksum is None) == ("run" in described) or (
        checksum is not None
        and checksum != records.hash_of_text(records.line(described))
    ):
        raise records.RecordError(name, "its checksum is not that of its content")
    return described
