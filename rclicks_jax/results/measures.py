"""The measures of a benchmark: one number for each object.

All tables follow from these numbers: a mean is their mean, its interval is a bootstrap
of them over images, and two segmenters are compared by their differences for each
object.

With several draws of each group (`--config.repeats`), a number is the mean over draws
of the number of one draw. So more draws make it more certain, but estimate the same
thing.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax.metrics import interaction, intervals, robustness
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.settings.protocols import Protocol

Values = Callable[[DatasetResults, Protocol], "np.ndarray | None"]

# The paper's clicking groups, and the two that ΔGR compares.
ALL_GROUPS = tuple(range(1, 11))
ENDS = (ALL_GROUPS[0], ALL_GROUPS[-1])


class Measure(NamedTuple):
    """One number for each object of a dataset.

    Attributes:
        key: Key of the column in tables.
        title: Title in sentences and on axes.
        form: Format specification of a mean.
        values: Function that returns the number of each object, `f64[n]`, NaN where it
            is not defined; None if the run has not played what it needs.
        better: -1 if less is better, 1 if more is.
    """

    key: str
    title: str
    form: str
    values: Values
    better: int

    @property
    def heading(self) -> str:
        """The title in tables, with an arrow to what is better."""
        return f"{self.title} {'↓' if self.better < 0 else '↑'}"


def _of_baseline(
    measure: Callable[[DatasetResults, Areas, Protocol], Any], percent: int = 0
) -> Values:
    def values(result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        if result.baseline is None or not is_known(percent, protocol):
            return None
        return np.asarray(measure(result, result.baseline, protocol), np.float64)

    return values


class _OverGroups(NamedTuple):
    """A statistic over clicking groups of a number of each trajectory.

    Attributes:
        each: Function that returns the number of every trajectory, `[r g n]`.
        measure: Function that returns the statistic of one draw from `f64[g n]`, or
            None if the run lacks what it needs.
        groups: Clicking groups that it needs.
        percent: Threshold of IoU on which it depends, in percent; 0 for none.
    """

    each: Callable[[DatasetResults, Areas, Protocol], np.ndarray]
    measure: Callable[[DatasetResults, np.ndarray, Protocol], Any]
    groups: Sequence[int] = ()
    percent: int = 0

    def __call__(self, result: DatasetResults, protocol: Protocol) -> Any:
        """Returns the mean over draws of the statistic of a draw, `f64[n]`, or None."""
        numbers = self._by_draw(result, protocol)
        if numbers is None:
            return None
        statistics = [self.measure(result, by_group, protocol) for by_group in numbers]
        if any(statistic is None for statistic in statistics):
            return None
        return mean_of_known(np.array(statistics, np.float64))

    def of_averaged(self, result: DatasetResults, protocol: Protocol) -> Any:
        """Returns the statistic of the mean over draws, `f64[n]`, or None.

        It differs from the mean over draws of the statistic.
        """
        numbers = self._by_draw(result, protocol)
        if numbers is None:
            return None
        statistic = self.measure(result, numbers.mean(axis=0), protocol)
        return None if statistic is None else np.asarray(statistic, np.float64)

    def _by_draw(self, result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        if result.by_group is None or not is_known(self.percent, protocol):
            return None
        if not set(self.groups) <= set(result.groups):
            return None
        return self.each(result, result.by_group, protocol)


def is_known(percent: int, protocol: Protocol) -> bool:
    """Tells whether trajectories were played up to a threshold of IoU in percent."""
    return not protocol.stop_at or percent <= protocol.stop_at


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Averages `f64[r n]` over the draws that have a number; NaN where none has."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


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
    """Returns NaN if the protocol stops trajectories early: there is no whole curve."""
    return np.full_like(values, np.nan) if protocol.stop_at else values


def _mean(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray:
    return by_group.mean(axis=0)


def _std(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray | None:
    # A single group has no spread; 0 would mean that users do not differ.
    return by_group.std(axis=0) if len(by_group) > 1 else None


def _nsr(_: DatasetResults, by_group: np.ndarray, __: Protocol) -> np.ndarray | None:
    return 100 * robustness.noise_to_signal(by_group) if len(by_group) > 1 else None


def _delta_gr(result: DatasetResults, by_group: np.ndarray, _: Protocol) -> np.ndarray:
    first, last = (result.groups.index(group) for group in ENDS)
    return 100 * robustness.delta_gr(by_group[[first, last]])


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
    """Applies `measure` to the IoUs after first clicks on each object, `f64[u]`."""

    def values(result: DatasetResults, protocol: Protocol) -> np.ndarray | None:
        del protocol
        ious_of_objects: list[np.ndarray] = getattr(result, source)
        if not any(ious.size for ious in ious_of_objects):
            return None
        return np.array(
            [measure(ious) if ious.size else np.nan for ious in ious_of_objects]
        )

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

    def over_groups(
        each: Callable[[DatasetResults, Areas, Protocol], np.ndarray],
        measure: Callable[[DatasetResults, np.ndarray, Protocol], Any],
        groups: Sequence[int] = (),
    ) -> Values:
        return _OverGroups(each, measure, groups, percent)

    return [
        Measure("base_noc", f"Base NoC{name}", ".2f", _of_baseline(noc, percent), -1),
        Measure("sample_noc", f"Sample NoC{name}", ".2f", over_groups(noc, _mean), -1),
        Measure("sample_noc_std", "± groups", ".2f", over_groups(noc, _std), -1),
        Measure("delta_sb", "ΔSB %", ".2f", over_groups(noc, _delta_sb(percent)), -1),
        Measure("delta_gr", "ΔGR %", ".2f", over_groups(noc, _delta_gr, ENDS), -1),
        Measure(
            "delta_hh", "ΔHH %", ".2f", over_groups(noc, _delta_hh, ALL_GROUPS), -1
        ),
        Measure(
            "base_nof", f"Base NoF{name} %", ".1f", _of_baseline(failed, percent), -1
        ),
        Measure(
            "sample_nof", f"Sample NoF{name} %", ".1f", over_groups(failed, _mean), -1
        ),
    ]


OVER_CLICKS = [
    Measure("base_auc", "Base IoU-AuC", ".2f", _of_baseline(_auc), 1),
    Measure("sample_auc", "Sample IoU-AuC", ".2f", _OverGroups(_auc, _mean), 1),
    Measure("sample_auc_std", "± groups, AuC", ".2f", _OverGroups(_auc, _std), -1),
    Measure(
        "sample_boundary_auc",
        "Sample boundary AuC",
        ".2f",
        _OverGroups(_boundary_auc, _mean),
        1,
    ),
    Measure("nsr", "NSR %", ".2f", _OverGroups(_auc, _nsr), -1),
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
# Statistics that would depend on the number of draws if draws were averaged first.
OF_A_DRAW = ("sample_noc_std", "delta_gr", "delta_hh", "sample_auc_std", "nsr")


def of_averaged_draws(
    measure: Measure, result: DatasetResults, protocol: Protocol
) -> np.ndarray | None:
    """Returns a statistic over groups with draws averaged first.

    Args:
        measure: One of `OF_A_DRAW`.
        result: The results of a dataset.
        protocol: The protocol of the run.

    Returns:
        The statistic of each object, `f64[n]`; None if the run has not played what it
        needs.
    """
    assert isinstance(measure.values, _OverGroups)
    return measure.values.of_averaged(result, protocol)


def mean(
    measure: Measure, result: DatasetResults, protocol: Protocol
) -> intervals.Interval | None:
    """Returns the mean over objects with its interval; None if it is not defined."""
    return intervals.over_images(measure.values(result, protocol), result.image_ids)
