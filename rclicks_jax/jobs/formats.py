"""Reads run folders of older releases as if this release had written them.

A format is a promise: all formats from 1 on are read. `store` and `records` hold the
present format; this module holds only what was different before.

    1   `run.json` has no format number; the record of a benchmark has neither its run
        nor its number of rows
    2   entries `hashed` and `noted`; each job has its own form of records
    3   entries `identity` and `provenance`; all jobs have one form of records

Fields that a release adds change no format: readers fill in what earlier releases stood
for.
"""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from rclicks_jax import errors
from rclicks_jax.files import why_unreadable
from rclicks_jax.jobs import identity, provenance, records
from rclicks_jax.types import JsonObject, is_json_object, json_part

RUN = 3
# From this format on each record holds the hash of its run.
SEALED = 2
# Names of the kinds of jobs before format 3; a benchmark had no name.
_KINDS = {
    "benchmark": "benchmark",
    "click maps": "click_maps",
    "evaluation": "evaluation",
    "click agreement": "click_agreement",
}
_JOB_KEYS = ("segmenter_versions", "card", "precision_error")
# A switch of the protocol. Before it adapters compared the protocol's name.
_FIRST_TOLD = "empty_mask_keeps_crop"
# How clicks were drawn before runs recorded it.
_FIRST_DRAWS = "mass line"


def run_info(described: object, name: str) -> dict[str, object]:
    """Returns the content of a `run.json` in today's format.

    Args:
        described: The parsed JSON content of the file.
        name: Path of the file, for messages.

    Raises:
        RunFolderError: A later release wrote it, or it is not the content of a run.
    """
    content: Mapping[str, Any] = described if is_json_object(described) else {}
    number = content.get("format", 1) if is_json_object(described) else 0
    if isinstance(number, int) and number > RUN:
        raise errors.RunFolderError(
            f"{name} is of format {number}; this release reads formats up to {RUN}. "
            "Read it with the release that made it."
        )
    problem = _problem(content, number)
    if problem:
        raise errors.RunFolderError(
            f"{name} cannot be read, so this is not a run folder: {problem}."
        )
    read = dict(content) if number == RUN else _run_of_before(content)
    identity = _with_switches_of_adapters(json_part(read, "identity"))
    return {**read, "identity": _with_draws(read["kind"], identity)}


def _problem(described: Mapping[str, Any], number: Any) -> str:
    """Returns what is wrong with the content of a `run.json`; empty if nothing is."""
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
    origin = described["provenance" if number == RUN else "noted"]
    wrong = [key for key in origin if not _is_of_provenance(key, origin[key])]
    if wrong:
        return f"its provenance has no such values of {', '.join(wrong)}"
    # Compared one by one, as a value of a file may not be hashable.
    kind = "" if number == RUN else described["hashed"].get("kind", "benchmark")
    if number != RUN and kind not in list(_KINDS):
        return "its kind is none that an earlier release had"
    hashed = (
        {"kind": described["kind"], **described["identity"]}
        if number == RUN
        else described["hashed"]
    )
    if number > 1 and described["hash"] != identity.hash_of(hashed):
        return "its settings are not those that its hash is of"
    return ""


def _is_of_provenance(key: str, value: object) -> bool:
    """Tells whether a value of a file is one that a field of the provenance can have.

    What is no field is of a job, which looks at it itself.
    """
    hint = typing.get_type_hints(provenance.Provenance).get(key, object)
    origin = typing.get_origin(hint) or hint
    kinds: dict[object, type] = {Sequence: list, Mapping: dict, str: str, int: int}
    return isinstance(value, kinds.get(origin, object))


def _run_of_before(described: Mapping[str, Any]) -> dict[str, Any]:
    identity = dict(described["hashed"])
    kind = identity.pop("kind", "benchmark")
    if isinstance(identity.get("protocol"), dict):
        # Before this switch NSS was divided by the deviation alone.
        identity["protocol"] = {"nss_epsilon": 0.0, **identity["protocol"]}
    origin = dict(described["noted"])
    job = {key: origin.pop(key) for key in _JOB_KEYS if key in origin}
    return {
        "format": described.get("format", 1),
        "kind": _KINDS[kind],
        "hash": described["hash"],
        "identity": identity,
        "provenance": {**origin, "job": job},
    }


def _with_switches_of_adapters(identity: JsonObject) -> JsonObject:
    """Returns an identity whose protocol has the switches that adapters obeyed.

    Before they were told values, those that come with this package were told a name,
    as their option `protocol`; their default was `paper`. Methods were given the run's
    name, `bridge:adapter=NAME` was not.
    """
    protocol, segmenter = identity.get("protocol"), identity.get("segmenter")
    if not is_json_object(protocol) or _FIRST_TOLD in protocol:
        return identity
    name = protocol.get("name")
    changed: dict[str, object] = {}
    if is_json_object(segmenter) and _is_own_adapter(segmenter):
        options = dict(json_part(segmenter, "options"))
        name = options.pop("protocol", "paper")
        changed["segmenter"] = {**segmenter, "options": options}
        protocol = {**protocol, "drop_mask_prompt": name != "strict"}
    changed["protocol"] = {**protocol, _FIRST_TOLD: name != "strict"}
    return {**identity, **changed}


def _is_own_adapter(segmenter: JsonObject) -> bool:
    """Tells whether a recorded segmenter ran an adapter that comes with this package.

    Those go by their name, where a user's file goes by its checksum.
    """
    code = segmenter.get("adapter", segmenter.get("code"))
    has_options = is_json_object(segmenter.get("options"))
    return has_options and isinstance(code, str) and " " not in code


def _with_draws(kind: str, identity: JsonObject) -> JsonObject:
    """Returns an identity that says how clicks are drawn, if any are.

    Before this was recorded, bits modulo the mass of a group were a position on the
    line of all levels.
    """
    if kind == "benchmark":
        players = json_part(identity, "strategies")
        draws = bool(players.get("groups") or players.get("robots"))
    else:
        draws = kind == "click_maps" and bool(identity.get("samples"))
    return {"click_draws": _FIRST_DRAWS, **identity} if draws else identity


def record(text: str, name: str, kind: str) -> records.Record:
    """Reads the record of a unit of work, in any format.

    Args:
        text: The content of the file.
        name: Path of the file, for messages.
        kind: The kind of job that must have written it.

    Raises:
        RecordError: Another job wrote it, or it is damaged.
        RunFolderError: A later release wrote it.
    """
    try:
        number = json.loads(text.partition("\n")[0]).get("format", 2)
    except records.BROKEN as error:
        raise records.RecordError(name, why_unreadable(error)) from error
    if number == records.FORMAT:
        parsed = records.from_lines(text, name, kind)
        return dataclasses.replace(records.checked(parsed, name), origin=name)
    if not isinstance(number, int) or number > records.FORMAT:
        raise errors.RunFolderError(
            f"{name} is of format {number}; this release reads formats up to "
            f"{records.FORMAT}. Read it with the release that made it."
        )
    try:
        parsed = _READERS[kind](text, name)
    except records.BROKEN as error:
        raise records.RecordError(name, why_unreadable(error)) from error
    return dataclasses.replace(records.checked(parsed, name), origin=name)


def owner(text: str) -> str:
    """Returns the hash of the run that a record names; empty if it names none."""
    try:
        return str(json.loads(text.partition("\n")[0]).get("run", ""))
    except records.BROKEN:
        return ""


def _benchmark(text: str, name: str) -> records.Record:
    """Reads the record of an image: its own line, then a line for each object."""
    first, _, body = text.partition("\n")
    head = _unsealed(json.loads(first), name)
    rows = [json.loads(line) for line in body.splitlines()]
    if head["kind"] != "image":
        raise KeyError("kind")
    if not rows and "body" not in head:
        # An image without objects, or a cut record of format 1.
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
    """Reads the record of a click task: one JSON object."""
    content = _unsealed(json.loads(text), name)
    run = content.pop("run", "")
    row = {**content, "instance_id": content["click_set_id"]}
    del row["dataset"], row["click_set_id"]
    return records.Record(content["dataset"], content["click_set_id"], (row,), run=run)


def _click_maps(text: str, name: str) -> records.Record:
    """Reads the record of an image: one JSON object with a list of the objects."""
    content = _unsealed(json.loads(text), name)
    rows = tuple(content["objects"])
    run = content.get("run", "")
    return records.Record(content["dataset"], content["name"], rows, run=run)


_READERS = {
    "benchmark": _benchmark,
    "evaluation": _evaluation,
    "click_maps": _click_maps,
}


def _unsealed(described: Any, name: str) -> dict[str, Any]:
    """Checks and removes the checksum of a record of format 1 or 2; 1 has none.

    Raises:
        RecordError: It is not a record, or was changed after it was written.
    """
    if not is_json_object(described):
        raise records.RecordError(name, "it is no JSON object")
    content = dict(described)
    checksum = content.pop("checksum", None)
    if (checksum is None) == ("run" in content) or (
        checksum is not None and checksum != records.hash_of_text(records.line(content))
    ):
        raise records.RecordError(name, "its checksum is not that of its content")
    return content
