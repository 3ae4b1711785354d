"""Tables 4 and 9 to 12 in the paper's form: a row a method, datasets side by side.

NoF is counted, its differences and those of IoU-AuC are absolute, and their sign is the
paper's: groups minus robot, G1 minus G10. "±" is the spread between groups or users,
averaged over objects. A statistic of a draw is averaged over draws.

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
    """Sample NoC with its spread, ΔSB and ΔGR (Table 4)."""
    title = f"Sample NoC@{THRESHOLD} (paper Table 4)"
    return _side_by_side("efficiency_by_dataset", title, runs, _efficiency)


def noc(runs: Sequence[comparison.Run]) -> Table:
    """Base NoC and what groups add, H1-H2 included (Table 9)."""
    title = f"NoC@{THRESHOLD} (paper Table 9)"
    return _side_by_side("noc_by_dataset", title, runs, _noc)


def nof(runs: Sequence[comparison.Run]) -> Table:
    """Objects that take all clicks (Table 10)."""
    title = f"NoF@{THRESHOLD}, in objects (paper Table 10)"
    return _side_by_side("nof_by_dataset", title, runs, _nof)


def iou_auc(runs: Sequence[comparison.Run]) -> Table:
    """Area under the curve of IoU; empty where trajectories ended early (Table 11)."""
    whole = [run for run in runs if not run.protocol.stop_at]
    title = "IoU-AuC, in points (paper Table 11)"
    return _side_by_side("iou_auc_by_dataset", title, whole, _auc)


def first_click(runs: Sequence[comparison.Run]) -> Table:
    """IoU after the first click: of users, of as many samples, of the robot (Table 12).

    All three on the objects that users clicked, if there are users at all.
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
            found = cells(run.results[dataset], run.protocol)
            for key, cell in found.items():
                head, form, row[f"{dataset}_{key}"] = cell
                columns[f"{dataset}_{key}"] = (f"{dataset} {head}", form)
        rows.append(row)
    # A method alone is no table.
    return Table(name, title, columns, rows if len(columns) > 1 else [])


def _means(
    keys: Sequence[str], result: DatasetResults, protocol: Protocol
) -> dict[str, float]:
    found = {key: measures.BY_KEY[key].values(result, protocol) for key in keys}
    return {
        key: float(np.nanmean(values))
        for key, values in found.items()
        if values is not None and np.isfinite(values).any()
    }


def _with_spread(mean: float, spread: float) -> str:
    return f"{mean:.2f} ± {spread:.2f}"


def _efficiency(result: DatasetResults, protocol: Protocol) -> Cells:
    keys = ("sample_noc", "sample_noc_std", "delta_sb", "delta_gr")
    found = _means(keys, result, protocol)
    made: Cells = {}
    if "sample_noc" in found:
        made["objects"] = _objects(result)
        made["sample_noc"] = _sample("NoC ↓", found, "sample_noc")
    for key, head in (("delta_sb", "ΔSB, % of NoC ↓"), ("delta_gr", "ΔGR, % of NoC ↓")):
        if key in found:
            made[key] = (head, "+.2f", found[key])
    return made


def _objects(result: DatasetResults) -> tuple[str, str, float | str]:
    return "objects", "d", len(result.instance_ids)


def _sample(
    head: str, found: dict[str, float], key: str
) -> tuple[str, str, float | str]:
    """Returns a mean over groups with its spread; a single group has none."""
    mean, spread = found[key], found.get(f"{key}_std")
    text = f"{mean:.2f}" if spread is None else _with_spread(mean, spread)
    return f"Sample {head}", "s", text


def _noc(result: DatasetResults, protocol: Protocol) -> Cells:
    found = _means(("base_noc", "delta_hh"), result, protocol)
    made: Cells = {}
    if "base_noc" in found:
        made["objects"] = _objects(result)
        made["base_noc"] = ("Base NoC ↓", ".2f", found["base_noc"])
    made |= _efficiency(result, protocol)
    if "delta_hh" in found:
        made["delta_hh"] = ("H1-H2, % of NoC ↓", "+.2f", found["delta_hh"])
    return made


def _nof(result: DatasetResults, protocol: Protocol) -> Cells:
    if not measures.is_known(THRESHOLD, protocol):
        return {}

    def count(areas: Areas) -> np.ndarray:
        return result.failed(areas, protocol, THRESHOLD).sum(axis=-1)

    made = _absolute(result, count, ("NoF ↓", "objects ↓"), "d")
    if result.by_group is not None:
        # One number a draw and group: the spread is that of a draw, over groups.
        by_draw = count(result.by_group).astype(np.float64)
        found = {"nof": float(by_draw.mean())}
        if len(result.groups) > 1:
            found["nof_std"] = float(by_draw.std(axis=1).mean())
        made["sample"] = _sample("NoF ↓", found, "nof")
    return made


def _auc(result: DatasetResults, protocol: Protocol) -> Cells:
    def area(areas: Areas) -> np.ndarray:
        return 100 * interaction.iou_auc(areas.iou).mean(axis=-1)

    made = _absolute(result, area, ("IoU-AuC ↑", "points ↑"), ".2f")
    found = _means(("sample_auc", "sample_auc_std", "nsr"), result, protocol)
    if "sample_auc" in found:
        made["sample"] = _sample("IoU-AuC ↑", found, "sample_auc")
    if "nsr" in found:
        made["nsr"] = ("NSR, % ↓", ".2f", found["nsr"])
    return made


def _absolute(
    result: DatasetResults,
    of: Callable[[Areas], np.ndarray],
    heads: tuple[str, str],
    form: str,
) -> Cells:
    """Returns the robot's number, room for the groups', and absolute differences.

    Args:
        result: Of a dataset.
        of: The number, over objects.
        heads: Of the number, and of its differences: with the unit and what is better.
        form: Of the number.
    """
    head, unit = heads
    made: Cells = {}
    if result.baseline is None and result.by_group is None:
        return made
    made["objects"] = _objects(result)
    robot = None
    if result.baseline is not None:
        robot = of(result.baseline)
        made["base"] = (f"Base {head}", form, robot.item())
    if result.by_group is None:
        return made
    made["sample"] = (f"Sample {head}", "s", "")
    by_group = of(result.by_group).mean(axis=0)
    if robot is not None:
        made["delta_sb"] = (f"ΔSB, {unit}", "+.2f", float(by_group.mean() - robot))
    if set(measures.ENDS) <= set(result.groups):
        first, last = (by_group[result.groups.index(group)] for group in measures.ENDS)
        made["delta_gr"] = (f"ΔGR, {unit}", "+.2f", float(first - last))
    return made


def _first(result: DatasetResults, protocol: Protocol) -> Cells:
    clicked = tables.with_first_clicks(result)
    result = result if clicked is None else clicked
    keys = ("user_iou", "user_iou_std", "user_nsr")
    keys += ("sampled_iou", "sampled_iou_std", "sampled_nsr")
    found = _means(keys, result, protocol)
    made: Cells = {}
    for source, head in (("user", "User"), ("sampled", "Sampled")):
        if f"{source}_iou" in found:
            mean, spread = found[f"{source}_iou"], found[f"{source}_iou_std"]
            made[f"{source}_iou"] = (f"{head} IoU@1 ↑", "s", _with_spread(mean, spread))
            made[f"{source}_nsr"] = (f"{head} NSR ↓", ".2f", found[f"{source}_nsr"])
    if result.baseline is not None:
        base = float(100 * result.baseline.iou[:, 0].mean())
        made["base"] = ("Base IoU@1 ↑", ".2f", base)
    return {"objects": _objects(result), **made} if made else {}
