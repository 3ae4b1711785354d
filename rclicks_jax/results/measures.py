"""What is measured of each object: one number an object, so that everything follows.

A mean of a table is the mean of such numbers; its interval is a bootstrap of them over
images; two segmenters are compared by their differences, object by object.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax.config import Protocol
from rclicks_jax.metrics import interaction, intervals, robustness
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults

Values = Callable[[DatasetResults, Protocol], "np.ndarray | None"]


class Measure(NamedTuple):
    """One number for each object of a dataset.

    Attributes:
        key: In tables.
        title: In headings.
        form: How a mean is written.
        values: Of each object, `f64[n]`, NaN where it is not defined; None where the
            run has not played what it needs.
        better: -1 if less is better, 1 if more is, 0 if neither.
    """

    key: str
    title: str
    form: str
    values: Values
    better: int


def _of_baseline(measure: Callable[[DatasetResults, Areas, Protocol], Any]) -> Values:
    def values(result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        if result.baseline is None:
            return None
        return np.asarray(measure(result, result.baseline, protocol), np.float64)

    return values


def _of_groups(
    measure: Callable[[DatasetResults, np.ndarray, Protocol], Any],
    each: Callable[[DatasetResults, Areas, Protocol], np.ndarray],
    *,
    all_groups: bool = False,
) -> Values:
    """Applies `measure` to `each`, averaged over repeats: `f64[g n]` to `f64[n]`."""

    def values(result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        if result.by_group is None:
            return None
        if all_groups and result.groups != list(range(1, 11)):
            return None
        by_group = each(result, result.by_group, protocol).mean(axis=0)
        made = measure(result, by_group, protocol)
        return None if made is None else np.asarray(made, np.float64)

    return values


def _noc(percent: int) -> Callable[[DatasetResults, Areas, Protocol], np.ndarray]:
    return lambda result, areas, protocol: result.noc(areas, protocol, percent)


def _failed(percent: int) -> Callable[[DatasetResults, Areas, Protocol], np.ndarray]:
    return lambda result, areas, protocol: (
        100.0 * result.failed(areas, protocol, percent)
    )


def _auc(result: DatasetResults, areas: Areas, protocol: Protocol) -> np.ndarray:
    del result
    return _of_whole_curve(100 * interaction.iou_auc(areas.iou), protocol)


def _boundary_auc(
    result: DatasetResults, areas: Areas, protocol: Protocol
) -> np.ndarray:
    del result
    return _of_whole_curve(100 * interaction.iou_auc(areas.boundary_iou), protocol)


def _of_whole_curve(values: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Returns NaN where trajectories ended early: there is no whole curve."""
    return np.full_like(values, np.nan) if protocol.stop_at else values


def _mean(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return by_group.mean(axis=0)


def _std(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return by_group.std(axis=0)


def _nsr(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return 100 * robustness.noise_to_signal(by_group)


def _delta_gr(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return 100 * robustness.delta_gr(by_group)


def _delta_hh(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return 100 * robustness.delta_hh(by_group).mean(axis=0)


def _delta_sb(percent: int) -> Callable[..., np.ndarray | None]:
    def measure(
        result: DatasetResults, by_group: np.ndarray, protocol: Protocol
    ) -> np.ndarray | None:
        if result.baseline is None:
            return None
        base = result.noc(result.baseline, protocol, percent)
        return 100 * robustness.delta_sb(by_group, base)

    return measure


def _first(source: str, measure: Callable[[np.ndarray], float]) -> Values:
    """Applies `measure` to the IoU of first clicks, `f64[u]`, of each object."""

    def values(result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        del protocol
        every: list[np.ndarray] = getattr(result, source)
        if not any(ious.size for ious in every):
            return None
        return np.array([measure(ious) if ious.size else np.nan for ious in every])

    return values


def _percent_mean(ious: np.ndarray) -> float:
    return 100 * float(ious.mean())


def _percent_std(ious: np.ndarray) -> float:
    return 100 * float(ious.std())


def _percent_nsr(ious: np.ndarray) -> float:
    return 100 * float(robustness.noise_to_signal(ious, epsilon=1e-9))


def at(percent: int) -> list[Measure]:
    """Returns the measures that depend on a threshold of IoU in percent."""
    noc, failed, name = _noc(percent), _failed(percent), f"@{percent}"
    return [
        Measure("base_noc", f"Base NoC{name}", ".2f", _of_baseline(noc), -1),
        Measure("sample_noc", f"Sample NoC{name}", ".2f", _of_groups(_mean, noc), -1),
        Measure("sample_noc_std", "± groups", ".2f", _of_groups(_std, noc), -1),
        Measure("delta_sb", "ΔSB %", ".2f", _of_groups(_delta_sb(percent), noc), -1),
        Measure(
            "delta_gr", "ΔGR %", ".2f", _of_groups(_delta_gr, noc, all_groups=True), -1
        ),
        Measure(
            "delta_hh", "ΔHH %", ".2f", _of_groups(_delta_hh, noc, all_groups=True), -1
        ),
        Measure("base_nof", f"Base NoF{name} %", ".1f", _of_baseline(failed), -1),
        Measure(
            "sample_nof", f"Sample NoF{name} %", ".1f", _of_groups(_mean, failed), -1
        ),
    ]


OVER_CLICKS = [
    Measure("base_auc", "Base IoU-AuC", ".2f", _of_baseline(_auc), 1),
    Measure("sample_auc", "Sample IoU-AuC", ".2f", _of_groups(_mean, _auc), 1),
    Measure("sample_auc_std", "± groups, AuC", ".2f", _of_groups(_std, _auc), -1),
    Measure(
        "sample_boundary_auc",
        "Sample boundary AuC",
        ".2f",
        _of_groups(_mean, _boundary_auc),
        1,
    ),
    Measure("nsr", "NSR %", ".2f", _of_groups(_nsr, _auc), -1),
]


def _of_first_clicks(key: str, title: str, source: str) -> list[Measure]:
    mean, std, nsr = (
        _first(source, of) for of in (_percent_mean, _percent_std, _percent_nsr)
    )
    return [
        Measure(f"{key}_iou", f"{title} IoU@1 %", ".2f", mean, 1),
        Measure(f"{key}_iou_std", f"± {title.lower()}", ".2f", std, -1),
        Measure(f"{key}_nsr", f"{title} NSR %", ".2f", nsr, -1),
    ]


USERS = _of_first_clicks("user", "User", "user_ious")
SAMPLED_USERS = _of_first_clicks("sampled", "Sampled", "sampled_ious")
ALL = [*at(THRESHOLD), *OVER_CLICKS, *USERS, *SAMPLED_USERS]
BY_KEY = {measure.key: measure for measure in ALL}


def mean(
    measure: Measure, result: DatasetResults, protocol: Protocol
) -> intervals.Interval | None:
    """Returns a mean over objects with its interval; None if nothing was measured."""
    return over_images(measure.values(result, protocol), result.image_ids)


def over_images(
    values: np.ndarray | None, image_ids: list[str]
) -> intervals.Interval | None:
    """Returns a mean with its interval by a bootstrap over images.

    Args:
        values: One number an object, `f64[n]`, perhaps with NaN; or None.
        image_ids: The image of each.
    """
    if values is None or not np.isfinite(values).any():
        return None
    return intervals.bootstrap_mean(values, np.array(image_ids))
