"""The job that compares the clicks of two sets of people.

The sets are people on PC and on mobile, or people who were shown the target in
different ways. `agreements` says how two sets of clicks are compared.

Source: emb-ai/rclicks, scripts/evaluate_mobile_pc.py and evaluate_previews.py.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tqdm
from etils import epath

from rclicks_jax import errors
from rclicks_jax.data import click_pairs, packages, raw, specs
from rclicks_jax.data.click_pairs import ClickPair
from rclicks_jax.evaluation import agreements
from rclicks_jax.evaluation.agreements import METRICS, Agreement
from rclicks_jax.evaluation.choices import COMPARED
from rclicks_jax.evaluation.identity import AgreementIdentity
from rclicks_jax.jobs import engine, failures, records, store
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.types import JsonObject

KIND = "click_agreement"
# Fields of `Agreement` that are NaN unless it is `ok`.
_NUMBERS = ("pl1", "wd", "ks", "p_value", "energy")


def run(
    compared: str,
    data: str,
    split: str,
    workdir: epath.PathLike,
    *,
    max_side: int = 0,
    limits: engine.Limits | None = None,
) -> engine.Outcome:
    """Compares two sets of people on every task of datasets.

    Args:
        compared: A key of `choices.COMPARED`.
        data: Click data, as `--data` takes it; for display modes, the images that
            `previews.csv` is about.
        split: A split, as `--split` takes it; display modes use all tasks.
        workdir: The run folder.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
        limits: The share of this start, and the failures that it accepts.

    Raises:
        RClicksError: The data does not have the two sets, or the folder holds another
            run.
    """
    if compared not in COMPARED:
        raise errors.UnknownNameError("comparison of clicks", compared, COMPARED)
    parsed = specs.parse(data, max_side)
    units: list[Unit] = []
    digests: dict[str, str] = {}
    data_notes: list[str] = []
    # All data is read first, so that data without such sets leaves no folder.
    for spec in parsed:
        digest = hashlib.sha256()
        notes = click_pairs.notes(spec, by_mode=compared == "display_mode")
        for pair in tqdm.tqdm(_pairs(compared, spec, split), desc="Reading"):
            units.append(Unit(pair.dataset, _name_of(pair), (), None))
            notes += pair.notes
            for part in (pair.one_yx, pair.other_yx, pair.gt_mask):
                digest.update(b"-" if part is None else part.tobytes())
            people = [*pair.one_people, *pair.other_people]
            # Without names the digest is what it was before there were any.
            digest.update(repr(people).encode() if people else b"")
        digests[spec.name] = digest.hexdigest()
        # Several tasks may share a photograph and its notes.
        lines = raw.describe(dict.fromkeys(notes))
        data_notes += [f"{spec.name}: {line}" for line in lines]
    identity = AgreementIdentity(compared, digests, split, max_side, METRICS)
    job = ClickAgreement(identity, parsed, data_notes)
    return engine.run(job, units, workdir, limits or engine.Limits())


def read_all(folder: store.RunFolder) -> list[Agreement]:
    """Reads the agreements of a comparison, in order of dataset and file.

    Raises:
        RecordError: A record is damaged, or belongs to another run.
    """
    return [from_row(record.rows[0]) for record in folder.read_all()]


class ClickAgreement(engine.Job):
    """The job: two sets of people on the same tasks."""

    kind = KIND
    title = "Comparison of people"
    doing = "Comparing"
    unit = step = "click task"

    def __init__(
        self,
        identity: AgreementIdentity,
        parsed: Sequence[specs.DataSpec],
        noted: list[str],
    ) -> None:
        """Takes the identity of the run, the data, and the notes on the data."""
        self._identity = identity
        self._specs = parsed
        self._noted = noted

    def identity(self) -> AgreementIdentity:
        """Returns all values that can change a number."""
        return self._identity

    def provenance(self) -> JsonObject:
        """Returns what was decided or left out when the data was read; says it, too."""
        return {"data_notes": packages.say(self._noted)}

    def facts(self) -> Mapping[str, str]:
        """Returns a description of the comparison."""
        return {"compared": COMPARED[self._identity.compared]}

    def work(
        self, units: engine.Units, folder: store.RunFolder, advance: engine.Advance
    ) -> Generator[records.Record]:
        """Reads the tasks again, in the order of the units, and compares the clicks."""
        compared, split = self._identity.compared, self._identity.split
        pairs = (pair for spec in self._specs for pair in _pairs(compared, spec, split))
        for unit in units:
            (pair,) = itertools.islice(
                (found for found in pairs if _key_of(found) == _key(unit)), 1
            )
            try:
                result = agreements.agreement(pair, compared)
            except Exception as error:
                reason = failures.reason(error, self.memory_advice)
                result = agreements.without_numbers(pair, "failed", reason)
            row = _to_row(result, unit.name)
            asked = not pair.problem
            yield records.Record(unit.dataset, unit.name, (row,), asked=asked)


def _key(unit: Unit) -> tuple[str, str]:
    return unit.dataset, unit.name


def _key_of(pair: ClickPair) -> tuple[str, str]:
    return pair.dataset, _name_of(pair)


def _name_of(pair: ClickPair) -> str:
    """Returns the name of a unit: one task may be compared in several pairs."""
    return f"{pair.click_set_id}, {pair.one} and {pair.other}"


def _to_row(result: Agreement, name: str) -> dict[str, Any]:
    """Returns an agreement as a JSON object, with null for NaN."""
    row = dataclasses.asdict(result)
    missing = [key for key in _NUMBERS if not np.isfinite(row[key])]
    return {"instance_id": name, **row, **dict.fromkeys(missing)}


def from_row(row: Mapping[str, Any]) -> Agreement:
    """Returns the agreement of a row of a record, perhaps of an earlier release."""
    values = {key: value for key, value in row.items() if key != "instance_id"}
    # A number that an older record does not have keeps its default.
    missing = [key for key in _NUMBERS if key in values and values[key] is None]
    return Agreement(**{**values, **dict.fromkeys(missing, float("nan"))})


def _pairs(compared: str, spec: specs.DataSpec, split: str) -> Iterator[ClickPair]:
    if compared == "display_mode":
        return click_pairs.by_display_mode(spec)
    return click_pairs.by_device(spec, split)
