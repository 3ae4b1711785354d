"""Tables 4 and 9 to 12 in the paper's form: a row a method, datasets side by side.

NoF is counted, its differences and those of IoU-AuC are absolute. "±" is the spread
between groups or users, averaged over objects.

Source: emb-ai/rclicks, compute_benchmark_metrics.ipynb.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax.config import Protocol
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.results import comparison, measures
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.results.formats import Row, Table

Cells = Callable[[DatasetResults, Protocol], dict[str, tuple[str, str, float | str]]]


def table4(runs: Sequence[comparison.Run]) -> Table:
    """Sample NoC with its spread, ΔSB and ΔGR."""
    return _side_by_side("table4", f"Sample NoC@{THRESHOLD}", runs, _efficiency)


def table9(runs: Sequence[comparison.Run]) -> Table:
    """Base NoC and what groups add, H1-H2 included."""
    return _side_by_side("table9", f"NoC@{THRESHOLD}", runs, _noc)


def table10(runs: Sequence[comparison.Run]) -> Table:
    """Objects that take all clicks."""
    return _side_by_side("table10", f"NoF@{THRESHOLD}", runs, _nof)


def table11(runs: Sequence[comparison.Run]) -> Table:
    """Area under the curve of IoU; empty where trajectories ended early."""
    whole = [run for run in runs if not run.protocol.stop_at]
    return _side_by_side("table11", "IoU-AuC", whole, _auc)


def table12(runs: Sequence[comparison.Run]) -> Table:
    """IoU after the first click: of users, of as many samples, of the robot."""
    return _side_by_side("table12", "IoU@1", runs, _first)


MAKERS = (table4, table9, table10, table11, table12)


def _side_by_side(
    name: str, title: str, runs: Sequence[comparison.Run], cells: Cells
) -> Table:
    columns = {"method": ("Method", "s")}
    rows = []
    for run in runs:
        row: Row = {"method": run.label}
        for dataset in sorted(run.results):
            for key, cell in cells(run.results[dataset], run.protocol).items():
                head, form, row[f"{dataset}_{key}"] = cell
                columns[f"{dataset}_{key}"] = (f"{dataset} {head}", form)
        rows.append(row)
    return Table(name, title, columns, rows)


def _means(
    keys: Sequence[str], result: DatasetResults, protocol: Protocol
) -> dict[str, float]:
    found = {key: measures.BY_KEY[key].values(result, protocol) for key in keys}
    return {
        key: float(np.nanmean(values))
        for key, values in found.items()
        if values is not None
    }


def _with_spread(mean: float, spread: float) -> str:
    return f"{mean:.2f} ± {spread:.2f}"


def _efficiency(
    result: DatasetResults, protocol: Protocol
) -> dict[str, tuple[str, str, float | str]]:
    keys = ("sample_noc", "sample_noc_std", "delta_sb", "delta_gr")
    found = _means(keys, result, protocol)
    made: dict[str, tuple[str, str, float | str]] = {}
    if "sample_noc" in found:
        spread = _with_spread(found["sample_noc"], found["sample_noc_std"])
        made["sample_noc"] = ("Sample NoC", "s", spread)
    for key, head in (("delta_sb", "ΔSB"), ("delta_gr", "ΔGR")):
        if key in found:
            made[key] = (head, "+.2f", found[key])
    return made


def _noc(
    result: DatasetResults, protocol: Protocol
) -> dict[str, tuple[str, str, float | str]]:
    found = _means(("base_noc", "delta_hh"), result, protocol)
    made: dict[str, tuple[str, str, float | str]] = {}
    if "base_noc" in found:
        made["base_noc"] = ("Base NoC", ".2f", found["base_noc"])
    made |= _efficiency(result, protocol)
    if "delta_hh" in found:
        made["delta_hh"] = ("H1-H2", "+.2f", found["delta_hh"])
    return made


def _nof(
    result: DatasetResults, protocol: Protocol
) -> dict[str, tuple[str, str, float | str]]:
    def count(areas: Areas) -> np.ndarray:
        return result.failed(areas, protocol, THRESHOLD).sum(axis=-1)

    return _absolute(result, count, "NoF", "d")


def _auc(
    result: DatasetResults, protocol: Protocol
) -> dict[str, tuple[str, str, float | str]]:
    del protocol

    def area(areas: Areas) -> np.ndarray:
        return 100 * interaction.iou_auc(areas.iou).mean(axis=-1)

    made = _absolute(result, area, "IoU-AuC", ".2f")
    if result.by_group is not None:
        of_each = interaction.iou_auc(result.by_group.iou).mean(axis=0)
        spread = float(100 * of_each.std(axis=0).mean())
        mean = float(100 * of_each.mean())
        made["sample"] = ("Sample IoU-AuC", "s", _with_spread(mean, spread))
        nsr = 100 * robustness.mean_noise_to_signal(of_each)
        made["nsr"] = ("NSR", ".2f", nsr)
    return made


def _absolute(
    result: DatasetResults,
    of: Callable[[Areas], np.ndarray],
    head: str,
    form: str,
) -> dict[str, tuple[str, str, float | str]]:
    """Returns the robot's number, the groups' mean and spread, and differences."""
    made: dict[str, tuple[str, str, float | str]] = {}
    robot = None
    if result.baseline is not None:
        robot = of(result.baseline)
        made["base"] = (f"Base {head}", form, robot.item())
    if result.by_group is None:
        return made
    by_group = of(result.by_group).mean(axis=0)
    spread = _with_spread(float(by_group.mean()), float(by_group.std()))
    made["sample"] = (f"Sample {head}", "s", spread)
    if robot is not None:
        made["delta_sb"] = ("ΔSB", "+.2f", float(by_group.mean() - robot))
    if len(by_group) > 1:
        made["delta_gr"] = ("ΔGR", "+.2f", float(by_group[0] - by_group[-1]))
    return made


def _first(
    result: DatasetResults, protocol: Protocol
) -> dict[str, tuple[str, str, float | str]]:
    keys = ("user_iou", "user_iou_std", "user_nsr")
    keys += ("sampled_iou", "sampled_iou_std", "sampled_nsr")
    found = _means(keys, result, protocol)
    made: dict[str, tuple[str, str, float | str]] = {}
    for source, head in (("user", "User"), ("sampled", "Sampled")):
        if f"{source}_iou" in found:
            mean, spread = found[f"{source}_iou"], found[f"{source}_iou_std"]
            made[f"{source}_iou"] = (f"{head} IoU@1", "s", _with_spread(mean, spread))
            made[f"{source}_nsr"] = (f"{head} NSR", ".2f", found[f"{source}_nsr"])
    if result.baseline is not None:
        base = float(100 * result.baseline.iou[:, 0].mean())
        made["base"] = ("Base IoU@1", ".2f", base)
    return made
