"""The paper's Tables 4 and 9 to 12: a row for each method, datasets side by side.

NoF is a count of objects. Its differences, and those of IoU-AuC, are absolute and have
the paper's sign: groups minus robot, G1 minus G10. "±" is the spread between groups or
users, averaged over objects. A statistic of a draw is averaged over draws.

Source: emb-ai/rclicks, compute_benchmark_metrics.ipynb.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax.metrics import interaction
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import comparison, measures, tables
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.settings.protocols import Protocol

Cells = dict[str, tuple[str, str, float | str]]
_Cells = Callable[[DatasetResults, Protocol], Cells]


def efficiency(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of Sample NoC with its spread, ΔSB and ΔGR (Table 4)."""
    title = f"Sample NoC@{THRESHOLD} (paper Table 4)"
    return _side_by_side("efficiency_by_dataset", title, runs, _efficiency)


def noc(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of Base NoC, Sample NoC and all differences (Table 9)."""
    title = f"NoC@{THRESHOLD} (paper Table 9)"
    return _side_by_side("noc_by_dataset", title, runs, _noc)


def nof(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of NoF, objects that need all clicks (Table 10)."""
    title = f"NoF@{THRESHOLD}, in objects (paper Table 10)"
    return _side_by_side("nof_by_dataset", title, runs, _nof)


def iou_auc(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of IoU-AuC (Table 11).

    Runs that stop trajectories early are left out: they have no whole curve.
    """
    whole = [run for run in runs if not run.protocol.stop_at]
    title = "IoU-AuC, in points (paper Table 11)"
    return _side_by_side("iou_auc_by_dataset", title, whole, _auc)


def first_click(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of IoU after the first click (Table 12).

    It compares users, as many sampled clicks, and the robot, on the objects that users
    clicked, if there are any.
    """
    title = "IoU@1, in percent (paper Table 12)"
    return _side_by_side("first_click_by_dataset", title, runs, _first)


MAKERS = (efficiency, noc, nof, iou_auc, first_click)


def _side_by_side(
    name: str, title: str, runs: Sequence[comparison.Run], cells: _Cells
) -> Table:
    columns = {"method": ("Method", "s")}
    rows = []
    for run in runs:
        row: Row = {"method": run.label}
        for dataset in sorted(run.results):
            if not run.results[dataset].instance_ids:
                continue
            cells_of_run = cells(run.results[dataset], run.protocol)
            for key, cell in cells_of_run.items():
                head, form, row[f"{dataset}_{key}"] = cell
                columns[f"{dataset}_{key}"] = (f"{dataset} {head}", form)
        rows.append(row)
    # Without any number there is no table.
    return Table(name, title, columns, rows if len(columns) > 1 else [])


def _means(
    keys: Sequence[str], result: DatasetResults, protocol: Protocol
) -> dict[str, float]:
    by_key = {key: measures.BY_KEY[key].values(result, protocol) for key in keys}
    return {
        key: float(np.nanmean(values))
        for key, values in by_key.items()
        if values is not None and np.isfinite(values).any()
    }


def _with_spread(mean: float, spread: float) -> str:
    return f"{mean:.2f} ± {spread:.2f}"


def _efficiency(result: DatasetResults, protocol: Protocol) -> Cells:
    keys = ("sample_noc", "sample_noc_std", "delta_sb", "delta_gr")
    means = _means(keys, result, protocol)
    cells: Cells = {}
    if "sample_noc" in means:
        cells["objects"] = _objects(result)
        cells["sample_noc"] = _sample("NoC ↓", means, "sample_noc")
    for key, head in (("delta_sb", "ΔSB, % of NoC ↓"), ("delta_gr", "ΔGR, % of NoC ↓")):
        if key in means:
            cells[key] = (head, "+.2f", means[key])
    return cells


def _objects(result: DatasetResults) -> tuple[str, str, float | str]:
    return "objects", "d", len(result.instance_ids)


def _sample(
    head: str, means: dict[str, float], key: str
) -> tuple[str, str, float | str]:
    """Returns the cell of a mean over groups with its spread, if it has one."""
    mean, spread = means[key], means.get(f"{key}_std")
    text = f"{mean:.2f}" if spread is None else _with_spread(mean, spread)
    return f"Sample {head}", "s", text


def _noc(result: DatasetResults, protocol: Protocol) -> Cells:
    means = _means(("base_noc", "delta_hh"), result, protocol)
    cells: Cells = {}
    if "base_noc" in means:
        cells["objects"] = _objects(result)
        cells["base_noc"] = ("Base NoC ↓", ".2f", means["base_noc"])
    cells |= _efficiency(result, protocol)
    if "delta_hh" in means:
        cells["delta_hh"] = ("H1-H2, % of NoC ↓", "+.2f", means["delta_hh"])
    return cells


def _nof(result: DatasetResults, protocol: Protocol) -> Cells:
    if not measures.is_known(THRESHOLD, protocol):
        return {}

    def count(areas: Areas) -> np.ndarray:
        return result.failed(areas, protocol, THRESHOLD).sum(axis=-1)

    cells = _absolute(result, count, ("NoF ↓", "objects ↓"), "d")
    if result.by_group is not None:
        # There is a number for each draw and group. The spread is over groups, in a
        # draw.
        by_draw = count(result.by_group).astype(np.float64)
        means = {"nof": float(by_draw.mean())}
        if len(result.groups) > 1:
            means["nof_std"] = float(by_draw.std(axis=1).mean())
        cells["sample"] = _sample("NoF ↓", means, "nof")
    return cells


def _auc(result: DatasetResults, protocol: Protocol) -> Cells:
    def area(areas: Areas) -> np.ndarray:
        return 100 * interaction.iou_auc(areas.iou).mean(axis=-1)

    cells = _absolute(result, area, ("IoU-AuC ↑", "points ↑"), ".2f")
    means = _means(("sample_auc", "sample_auc_std", "nsr"), result, protocol)
    if "sample_auc" in means:
        cells["sample"] = _sample("IoU-AuC ↑", means, "sample_auc")
    if "nsr" in means:
        cells["nsr"] = ("NSR, % ↓", ".2f", means["nsr"])
    return cells


def _absolute(
    result: DatasetResults,
    number_of: Callable[[Areas], np.ndarray],
    heads: tuple[str, str],
    form: str,
) -> Cells:
    """Returns cells of the robot's number and of absolute differences.

    The cell `sample` is empty, for the caller to fill.

    Args:
        result: The results of a dataset.
        number_of: Function that returns the number over all objects.
        heads: Headings of the number, and of its differences: with the unit and an
            arrow to what is better.
        form: Format specification of the number.
    """
    head, unit = heads
    cells: Cells = {}
    if result.baseline is None and result.by_group is None:
        return cells
    cells["objects"] = _objects(result)
    robot = None
    if result.baseline is not None:
        robot = number_of(result.baseline)
        cells["base"] = (f"Base {head}", form, robot.item())
    if result.by_group is None:
        return cells
    cells["sample"] = (f"Sample {head}", "s", "")
    by_group = number_of(result.by_group).mean(axis=0)
    if robot is not None:
        cells["delta_sb"] = (f"ΔSB, {unit}", "+.2f", float(by_group.mean() - robot))
    if set(measures.ENDS) <= set(result.groups):
        first, last = (by_group[result.groups.index(group)] for group in measures.ENDS)
        cells["delta_gr"] = (f"ΔGR, {unit}", "+.2f", float(first - last))
    return cells


def _first(result: DatasetResults, protocol: Protocol) -> Cells:
    clicked = tables.with_first_clicks(result)
    result = result if clicked is None else clicked
    keys = ("user_iou", "user_iou_std", "user_nsr")
    keys += ("sampled_iou", "sampled_iou_std", "sampled_nsr")
    means = _means(keys, result, protocol)
    cells: Cells = {}
    for source, head in (("user", "User"), ("sampled", "Sampled")):
        if f"{source}_iou" in means:
            mean, spread = means[f"{source}_iou"], means[f"{source}_iou_std"]
            cells[f"{source}_iou"] = (
                f"{head} IoU@1 ↑",
                "s",
                _with_spread(mean, spread),
            )
            cells[f"{source}_nsr"] = (f"{head} NSR ↓", ".2f", means[f"{source}_nsr"])
    if result.baseline is not None:
        base = float(100 * result.baseline.iou[:, 0].mean())
        cells["base"] = ("Base IoU@1 ↑", ".2f", base)
    return {"objects": _objects(result), **cells} if cells else {}
