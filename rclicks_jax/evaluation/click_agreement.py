"""How alike two sets of people click: PC and mobile, and modes of showing the target.

The metrics of click maps that need no map: PL1, WD and KS between two sets of clicks,
in units of the target's box.

Source: emb-ai/rclicks, scripts/evaluate_mobile_pc.py and evaluate_previews.py.
"""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tqdm
from etils import epath

from rclicks_jax import errors
from rclicks_jax.data import click_pairs, packages, raw, specs
from rclicks_jax.data.click_pairs import ClickPair
from rclicks_jax.evaluation.choices import COMPARED
from rclicks_jax.evaluation.identity import AgreementIdentity
from rclicks_jax.jobs import engine, failures, records, store
from rclicks_jax.jobs.work_units import Unit
from rclicks_jax.metrics import click_prediction, ks2d
from rclicks_jax.ops import masks
from rclicks_jax.types import Status

KIND = "click_agreement"
# Of `Agreement`; NaN unless it is `ok`.
_NUMBERS = ("pl1", "wd", "ks", "p_value")
# With fewer clicks in either set a task is skipped: the original's number for devices,
# and what the KS test needs.
_FEWEST = {
    "device": 10,
    "device_as_published": 10,
    "display_mode": 2,
}


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How alike two sets of people clicked in one task.

    Attributes:
        dataset: Name of the dataset.
        click_set_id: The task.
        image_id: The photograph.
        click_type: `first`, `fn` or `fp`.
        one: What the first set is of.
        other: What the second set is of.
        one_clicks: How many clicks the first set has.
        other_clicks: How many the second has.
        status: `ok`, `skipped` (too few clicks, no target) or `failed` (unreadable).
        reason: Why it is not `ok`.
        pl1: Mean L1 distance over all pairs; NaN unless `ok`, as those below.
        wd: Wasserstein distance.
        ks: 1 if the KS test does not tell the sets apart, else 0.
        p_value: Of that test.
    """

    dataset: str
    click_set_id: str
    image_id: str
    click_type: str
    one: str
    other: str
    one_clicks: int
    other_clicks: int
    status: Status
    reason: str = ""
    pl1: float = float("nan")
    wd: float = float("nan")
    ks: float = float("nan")
    p_value: float = float("nan")


def run(
    compared: str,
    data: str,
    split: str,
    workdir: epath.PathLike,
    *,
    max_side: int = 0,
    limits: engine.Limits | None = None,
) -> engine.Outcome:
    """Compares two sets of clicks on every task of some datasets.

    Args:
        compared: A key of `choices.COMPARED`.
        data: Click data, as `--data` takes it; for display modes the photographs that
            `previews.csv` is about.
        split: As `--split` takes it; display modes are compared on all there is.
        workdir: The run folder.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.
        limits: This start's share of the tasks, and which failures are too many.

    Raises:
        RClicksError: The data has no such sets, or the folder holds something else.
    """
    if compared not in COMPARED:
        raise errors.UnknownNameError("comparison of clicks", compared, COMPARED)
    parsed = specs.parse(data, max_side)
    units: list[Unit] = []
    seen: dict[str, str] = {}
    noted: list[str] = []
    # Data without such sets leaves no folder.
    for spec in parsed:
        digest = hashlib.sha256()
        notes = click_pairs.notes(spec, by_mode=compared == "display_mode")
        for pair in tqdm.tqdm(_pairs(compared, spec, split), desc="Reading"):
            units.append(Unit(pair.dataset, _name_of(pair), (), None))
            notes += pair.notes
            for part in (pair.one_yx, pair.other_yx, pair.gt_mask):
                digest.update(b"-" if part is None else part.tobytes())
        seen[spec.name] = digest.hexdigest()
        # A photograph has several tasks.
        told = raw.describe(dict.fromkeys(notes))
        noted += [f"{spec.name}: {line}" for line in told]
    identity = AgreementIdentity(compared, seen, split, max_side)
    job = ClickAgreement(identity, parsed, noted)
    return engine.run(job, units, workdir, limits or engine.Limits())


def read_all(folder: store.RunFolder) -> list[Agreement]:
    """Reads what a comparison recorded, in order of dataset and file.

    Raises:
        RecordError: A record is damaged, or of another run.
    """
    return [_from_row(record.rows[0]) for record in folder.read_all()]


class ClickAgreement(engine.Job):
    """Two sets of people on the same tasks."""

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
        """Takes what is compared, where it is read from, and what was noted there."""
        self._identity = identity
        self._specs = parsed
        self._noted = noted

    def identity(self) -> AgreementIdentity:
        """Returns all that can change a number."""
        return self._identity

    def provenance(self) -> Mapping[str, Any]:
        """Returns what was decided or left out when the data was read; says it, too."""
        return {"data_notes": packages.say(self._noted)}

    def facts(self) -> Mapping[str, str]:
        """Returns what is compared."""
        return {"compared": COMPARED[self._identity.compared]}

    def work(
        self, units: Iterable[Unit], folder: store.RunFolder, advance: engine.Advance
    ) -> Iterator[records.Record]:
        """Reads the tasks once more, in the order of the units, and compares."""
        compared, split = self._identity.compared, self._identity.split
        pairs = (pair for spec in self._specs for pair in _pairs(compared, spec, split))
        for unit in units:
            (pair,) = itertools.islice(
                (one for one in pairs if (one.dataset, _name_of(one)) == _key(unit)), 1
            )
            try:
                found = agreement(pair, compared)
            except Exception as error:
                reason = failures.reason(error, self.memory_advice)
                found = _described(pair, "failed", reason)
            row = _to_row(found, unit.name)
            asked = not pair.problem
            yield records.Record(unit.dataset, unit.name, (row,), asked=asked)


def _key(unit: Unit) -> tuple[str, str]:
    return unit.dataset, unit.name


def _name_of(pair: ClickPair) -> str:
    """Returns the name of a comparison: a task is compared in several modes."""
    return f"{pair.click_set_id}, {pair.one} and {pair.other}"


def _to_row(found: Agreement, name: str) -> dict[str, Any]:
    """Returns a comparison as JSON has it, which has no NaN."""
    row = dataclasses.asdict(found)
    missing = [key for key in _NUMBERS if not np.isfinite(row[key])]
    return {"instance_id": name, **row, **dict.fromkeys(missing)}


def _from_row(row: Mapping[str, Any]) -> Agreement:
    values = {key: value for key, value in row.items() if key != "instance_id"}
    missing = [key for key in _NUMBERS if values[key] is None]
    return Agreement(**{**values, **dict.fromkeys(missing, float("nan"))})


def _pairs(compared: str, spec: specs.DataSpec, split: str) -> Iterator[ClickPair]:
    if compared == "display_mode":
        return click_pairs.by_display_mode(spec)
    return click_pairs.by_device(spec, split)


def agreement(pair: ClickPair, compared: str) -> Agreement:
    """Returns how alike the two sets of clicks on one task are."""
    found = _described(pair, *_status(pair, _FEWEST[compared]))
    if found.status != "ok":
        return found
    assert pair.gt_mask is not None
    box = masks.bounding_box(pair.gt_mask == raw.OBJECT)
    assert box is not None
    box_hw = box[1] - box[0], box[3] - box[2]
    one, other = pair.one_yx, pair.other_yx
    p_value = float(ks2d.ks_p_value(one[:, ::-1], other[:, ::-1]))
    if compared == "device_as_published":
        one = one[:, [1, 1]]
    return dataclasses.replace(
        found,
        pl1=click_prediction.pl1(one, other, box_hw),
        wd=float(click_prediction.wd(one, other) / np.hypot(*box_hw)),
        ks=float(p_value > click_prediction.KS_LEVEL),
        p_value=p_value,
    )


def _described(pair: ClickPair, status: Status, reason: str) -> Agreement:
    """Returns what is known of a task before its clicks are compared."""
    return Agreement(
        dataset=pair.dataset,
        click_set_id=pair.click_set_id,
        image_id=pair.image_id,
        click_type=pair.click_type,
        one=pair.one,
        other=pair.other,
        one_clicks=len(pair.one_yx),
        other_clicks=len(pair.other_yx),
        status=status,
        reason=reason,
    )


def _status(pair: ClickPair, fewest: int) -> tuple[Status, str]:
    if pair.problem or pair.gt_mask is None:
        return ("skipped" if pair.problem == raw.EMPTY else "failed"), pair.problem
    if not (pair.gt_mask == raw.OBJECT).any():
        return "skipped", raw.EMPTY
    counts = {pair.one: len(pair.one_yx), pair.other: len(pair.other_yx)}
    few = [f"{count} by {name}" for name, count in counts.items() if count < fewest]
    if few:
        return "skipped", f"fewer than {fewest} clicks: {', '.join(few)}"
    return "ok", ""
