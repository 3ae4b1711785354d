"""The tables of a benchmark: pure functions of its results."""

from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax.config import Protocol
from rclicks_jax.metrics import interaction, intervals, robustness
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.results.formats import Row, Table
from rclicks_jax.runs.tracks import PARTS


def summary(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Efficiency and robustness, a row a dataset (Table 4 of the paper, and more)."""
    columns = {
        "dataset": ("Dataset", "s"),
        "ok": ("objects ok", "d"),
        "skipped": ("skipped", "d"),
        "failed": ("failed", "d"),
        "base_noc": (f"Base NoC@{THRESHOLD}", ".2f"),
        "sample_noc": (f"Sample NoC@{THRESHOLD}", ".2f"),
        "sample_noc_std": ("± groups", ".2f"),
        "sample_noc_low": ("95 % low", ".2f"),
        "sample_noc_high": ("95 % high", ".2f"),
        "delta_sb": ("ΔSB %", ".2f"),
        "delta_gr": ("ΔGR %", ".2f"),
        "delta_hh": ("ΔHH %", ".2f"),
        "base_nof": ("Base NoF", "d"),
        "sample_nof": ("Sample NoF", ".1f"),
        "base_auc": ("Base IoU-AuC", ".2f"),
        "sample_auc": ("Sample IoU-AuC", ".2f"),
        "nsr": ("NSR %", ".2f"),
    }
    rows = [_summary_row(result, protocol) for result in results]
    title = f"Clicks to {THRESHOLD} % IoU, at most {protocol.max_clicks}"
    return Table("summary", title, columns, rows)


def _summary_row(result: DatasetResults, protocol: Protocol) -> Row:
    row: Row = {"dataset": result.dataset, **result.counts}
    base_noc = base_auc = None
    if result.baseline is not None:
        base_noc = result.noc(result.baseline, protocol, THRESHOLD)
        base_auc = interaction.iou_auc(result.baseline.iou)
        row["base_noc"] = float(base_noc.mean())
        row["base_auc"] = 100 * float(base_auc.mean())
        failed = result.failed(result.baseline, protocol, THRESHOLD)
        row["base_nof"] = int(failed.sum())
    if result.by_group is not None:
        row |= _group_part(result, result.by_group, base_noc, protocol)
    return row


def _group_part(
    result: DatasetResults,
    by_group: Areas,
    base_noc: np.ndarray | None,
    protocol: Protocol,
) -> Row:
    noc = result.noc(by_group, protocol, THRESHOLD).mean(axis=0)
    auc = interaction.iou_auc(by_group.iou).mean(axis=0)
    failed = result.failed(by_group, protocol, THRESHOLD).mean(axis=0)
    sample = robustness.sample_mean(noc)
    interval = intervals.bootstrap_mean(noc.mean(axis=0), np.array(result.image_ids))
    row: Row = {
        "sample_noc": sample.mean,
        "sample_noc_std": sample.std,
        "sample_noc_low": interval.low,
        "sample_noc_high": interval.high,
        "sample_nof": float(failed.sum(axis=1).mean()),
        "sample_auc": 100 * float(auc.mean()),
        "nsr": 100 * robustness.mean_noise_to_signal(auc),
    }
    if base_noc is not None:
        row["delta_sb"] = 100 * float(robustness.delta_sb(noc, base_noc).mean())
    if result.groups == list(range(1, 11)):
        row["delta_gr"] = 100 * float(robustness.delta_gr(noc).mean())
        row["delta_hh"] = 100 * float(robustness.delta_hh(noc).mean())
    return row


def thresholds(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """NoC at each threshold, for the baseline and over the groups."""
    columns = {"dataset": ("Dataset", "s"), "strategy": ("Strategy", "s")}
    columns |= {f"noc{t}": (f"NoC@{t}", ".2f") for t in interaction.THRESHOLDS}
    rows = []
    for result in results:
        for name, areas in by_strategy(result).items():
            row: Row = {"dataset": result.dataset, "strategy": name}
            for percent in interaction.THRESHOLDS:
                noc = result.noc(areas, protocol, percent)
                row[f"noc{percent}"] = float(noc.mean())
            rows.append(row)
    return Table("noc", "Mean number of clicks by threshold", columns, rows)


def curves(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Mean IoU and boundary IoU after each click, by strategy."""
    columns = {
        "dataset": ("Dataset", "s"),
        "strategy": ("Strategy", "s"),
        "click": ("Click", "d"),
        "iou": ("IoU %", ".2f"),
        "boundary_iou": ("Boundary IoU %", ".2f"),
    }
    rows = []
    for result in results:
        for name, areas in by_strategy(result).items():
            whole = mean_curve(areas.iou)
            edges = mean_curve(areas.boundary_iou)
            for click in range(protocol.max_clicks):
                row = {"dataset": result.dataset, "strategy": name, "click": click + 1}
                row["iou"] = 100 * float(whole[click])
                row["boundary_iou"] = 100 * float(edges[click])
                rows.append(row)
    return Table("curves", "Mean IoU after each click", columns, rows)


def mean_curve(values: np.ndarray) -> np.ndarray:
    """Averages `f64[... k]` over all but the clicks."""
    return np.nanmean(values.reshape(-1, values.shape[-1]), axis=0)


def by_strategy(result: DatasetResults) -> dict[str, Areas]:
    """Returns the areas of each strategy by its label."""
    found = {}
    if result.baseline is not None:
        found["baseline"] = result.baseline
    if result.by_group is not None:
        whole, edges = result.by_group.whole, result.by_group.boundary
        for number, group in enumerate(result.groups):
            found[f"G{group}"] = Areas(whole[:, number], edges[:, number])
    return found


def users(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """IoU after a user's first click, and how it differs between users (Table 12)."""
    del protocol
    columns = {
        "dataset": ("Dataset", "s"),
        "input_device": ("Clicks by", "s"),
        "objects": ("Objects", "d"),
        "mean": ("User IoU@1 %", ".2f"),
        "std": ("±", ".2f"),
        "nsr": ("User NSR %", ".2f"),
        "base": ("Base IoU@1 %", ".2f"),
    }
    rows = []
    for result in results:
        clicked = [ious for ious in result.user_ious if ious.size]
        if not clicked:
            continue
        nsr = [float(robustness.noise_to_signal(i, epsilon=1e-9)) for i in clicked]
        row: Row = {
            "dataset": result.dataset,
            "input_device": ", ".join(sorted(result.input_devices)),
            "objects": len(clicked),
            "mean": 100 * float(np.mean([ious.mean() for ious in clicked])),
            "std": 100 * float(np.mean([ious.std() for ious in clicked])),
            "nsr": 100 * float(np.mean(nsr)),
        }
        if result.baseline is not None:
            row["base"] = 100 * float(result.baseline.iou[:, 0].mean())
        rows.append(row)
    return Table("users", "IoU after the first click of each user", columns, rows)


def instances(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What each object took: NoC by strategy, IoU-AuC, NSR."""
    columns = {
        "dataset": ("Dataset", "s"),
        "instance_id": ("Object", "s"),
        "image_id": ("Image", "s"),
        "area": ("Pixels", "d"),
        "base_noc": (f"Base NoC@{THRESHOLD}", "d"),
        "sample_noc": ("Sample NoC", ".2f"),
        "sample_noc_std": ("±", ".2f"),
        "sample_auc": ("Sample IoU-AuC", ".2f"),
        "nsr": ("NSR %", ".2f"),
    }
    rows = []
    for result in results:
        for number, instance_id in enumerate(result.instance_ids):
            row: Row = {
                "dataset": result.dataset,
                "instance_id": instance_id,
                "image_id": result.image_ids[number],
                "area": int(result.areas[number]),
            }
            if result.baseline is not None:
                noc = result.noc(result.baseline, protocol, THRESHOLD)
                row["base_noc"] = int(noc[number])
            if result.by_group is not None:
                noc = result.noc(result.by_group, protocol, THRESHOLD).mean(axis=0)
                auc = interaction.iou_auc(result.by_group.iou).mean(axis=0)
                row["sample_noc"] = float(noc[:, number].mean())
                row["sample_noc_std"] = float(noc[:, number].std())
                row["sample_auc"] = 100 * float(auc[:, number].mean())
                row["nsr"] = 100 * float(robustness.noise_to_signal(auc[:, number]))
            rows.append(row)
    return Table("instances", "What each object took", columns, rows)


def timing(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Seconds by part of the work; these differ from run to run."""
    del protocol
    columns = {
        "dataset": ("Dataset", "s"),
        "encodes": ("Images encoded", "d"),
        "images": ("Images", "d"),
        "clicks": ("Clicks", "d"),
    }
    columns |= {part: (f"{part}, ms a click", ".3f") for part in PARTS}
    rows = []
    for result in results:
        encodes, images = result.encodes
        row: Row = {"dataset": result.dataset, "encodes": encodes, "images": images}
        row["clicks"] = result.clicks
        for part in PARTS:
            milliseconds = 1000 * result.seconds.get(part, 0.0)
            row[part] = milliseconds / max(1, result.clicks)
        rows.append(row)
    return Table("timing", "Wall time", columns, rows)


# What a run writes. All but `timing` are a function of the records' clicks and areas.
MAKERS: tuple[Callable[[Sequence[DatasetResults], Protocol], Table], ...] = (
    summary,
    thresholds,
    curves,
    users,
    instances,
    timing,
)
