"""How alike the clicks of two sets of people are on one task.

PL1, WD, KS and energy distance need no map; they are computed between two sets of
clicks, in units of the target's box. The same between the two halves of each set is the
ceiling.

Source: emb-ai/rclicks, scripts/evaluate_mobile_pc.py and evaluate_previews.py.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from rclicks_jax.data import raw
from rclicks_jax.data.click_pairs import ClickPair
from rclicks_jax.evaluation import click_metrics
from rclicks_jax.metrics import ks2d
from rclicks_jax.ops import masks
from rclicks_jax.types import Status

# Metrics of two sets of clicks, which the halves of a set have, too.
METRICS = ("pl1", "wd", "ks", "energy")
# A task with fewer clicks in either set is skipped: the original's limit for devices,
# and the least that the KS test needs.
_FEWEST = {
    "device": 10,
    "device_as_published": 10,
    "display_mode": 2,
}


@dataclasses.dataclass(frozen=True)
class Agreement:
    """The agreement of two sets of people on one task.

    Attributes:
        dataset: Name of the dataset.
        click_set_id: The click task.
        image_id: The image.
        click_type: `first`, `fn` or `fp`.
        one: Name of the first set, such as `pc`.
        other: Name of the second set.
        one_clicks: Number of clicks in the first set.
        other_clicks: Number of clicks in the second set.
        status: `ok`, `skipped` (too few clicks, no target) or `failed` (unreadable).
        reason: The reason if the status is not `ok`.
        pl1: Mean L1 distance over all pairs. This and the values below are NaN unless
            the status is `ok`.
        wd: Wasserstein distance.
        ks: 1 if the KS test does not tell the sets apart, else 0.
        p_value: p-value of that test.
        energy: Energy distance, with places in sides of the box as in PL1.
        one_halves: The same numbers between the two halves of the first set, by the
            names in `METRICS`; empty if it has too few people, and in older records.
        other_halves: The same of the second set.
        box_hw: Height and width of the target's box, pixels. This and the fields below
            are what intervals resample; they are empty unless the status is `ok`, and
            in older records.
        one_yx: Clicks of the first set.
        other_yx: Clicks of the second set.
        one_people: Who made each click of the first set; empty if the data does not
            say.
        other_people: The same of the second set.
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
    energy: float = float("nan")
    one_halves: Mapping[str, float] = dataclasses.field(default_factory=dict)
    other_halves: Mapping[str, float] = dataclasses.field(default_factory=dict)
    box_hw: tuple[int, ...] = ()
    one_yx: Sequence[Sequence[int]] = ()
    other_yx: Sequence[Sequence[int]] = ()
    one_people: Sequence[str] = ()
    other_people: Sequence[str] = ()


def agreement(pair: ClickPair, compared: str) -> Agreement:
    """Returns the agreement of the two sets of clicks on one task."""
    status, reason = _status(pair)
    if status != "ok":
        return without_numbers(pair, status, reason)
    assert pair.gt_mask is not None
    box = masks.bounding_box(pair.gt_mask == raw.OBJECT)
    assert box is not None
    return in_box(pair, compared, (box[1] - box[0], box[3] - box[2]))


def in_box(pair: ClickPair, compared: str, box_hw: tuple[int, int]) -> Agreement:
    """Returns the agreement on a task whose target's box is known.

    Args:
        pair: The clicks; its mask is not looked at.
        compared: A key of `choices.COMPARED`.
        box_hw: Height and width of the target's box, pixels.
    """
    few = _too_few(pair, _FEWEST[compared])
    if few:
        return without_numbers(pair, "skipped", few)
    one, other = pair.one_yx, pair.other_yx
    of_halves = click_metrics.of_halves
    numbers = click_metrics.of_sets(one, other, box_hw)
    if compared == "device_as_published":
        x_twice = click_metrics.of_sets(one[:, [1, 1]], other, box_hw)
        numbers |= {key: x_twice[key] for key in ("pl1", "wd")}
    return dataclasses.replace(
        without_numbers(pair, "ok", ""),
        **numbers,
        p_value=float(ks2d.ks_p_value(one[:, ::-1], other[:, ::-1])),
        one_halves=of_halves(one, pair.one_people, pair.click_set_id, box_hw),
        other_halves=of_halves(other, pair.other_people, pair.click_set_id, box_hw),
        box_hw=box_hw,
        one_yx=one.tolist(),
        other_yx=other.tolist(),
        one_people=pair.one_people,
        other_people=pair.other_people,
    )


def without_numbers(pair: ClickPair, status: Status, reason: str) -> Agreement:
    """Returns the agreement of a task whose clicks are not compared yet."""
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


def _status(pair: ClickPair) -> tuple[Status, str]:
    if pair.problem or pair.gt_mask is None:
        return ("skipped" if pair.problem == raw.EMPTY else "failed"), pair.problem
    if not (pair.gt_mask == raw.OBJECT).any():
        return "skipped", raw.EMPTY
    return "ok", ""


def _too_few(pair: ClickPair, fewest: int) -> str:
    """Returns which set has too few clicks, in words; empty for neither."""
    counts = {pair.one: len(pair.one_yx), pair.other: len(pair.other_yx)}
    few = [f"{count} by {name}" for name, count in counts.items() if count < fewest]
    return f"fewer than {fewest} clicks: {', '.join(few)}" if few else ""
