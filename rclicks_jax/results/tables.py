"""The tables of a benchmark: pure functions of its results."""

from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax.config import Protocol
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.results.formats import Row, Table
from rclicks_jax.runs.tracks import PARTS


def summary(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Efficiency and robustness with 95 % intervals, a row a dataset."""
    columns = {
        "dataset": ("Dataset", "s"),
        "ok": ("objects ok", "d"),
        "skipped": ("skipped", "d"),
        "failed": ("failed", "d"),
    }
    rows: list[Row] = [{"dataset": one.dataset, **one.counts} for one in results]
    for measure in measures.ALL:
        means = [measures.mean(measure, result, protocol) for result in results]
        if any(mean is not None for mean in means):
            columns[measure.key] = (measure.title, measure.form)
            for row, mean in zip(rows, means, strict=True):
                row[measure.key] = mean
    title = f"Clicks to {THRESHOLD} % IoU, at most {protocol.max_clicks}"
    return Table("summary", title, columns, rows)


def thresholds(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """NoC at each threshold, for the baseline and over the groups."""
    columns = {"dataset": ("Dataset", "s"), "strategy": ("Strategy", "s")}
    # Beyond where trajectories ended, nothing is known.
    last = protocol.stop_at or 100
    known = [percent for percent in interaction.THRESHOLDS if percent <= last]
    columns |= {f"noc{t}": (f"NoC@{t}", ".2f") for t in known}
    rows = []
    for result in results:
        for name, areas in by_strategy(result).items():
            row: Row = {"dataset": result.dataset, "strategy": name}
            for percent in known:
                noc = result.noc(areas, protocol, percent)
                of_each = noc if noc.ndim == 1 else noc.mean(axis=0)
                row[f"noc{percent}"] = measures.over_images(of_each, result.image_ids)
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
    found |= result.robots
    if result.by_group is not None:
        whole, edges = result.by_group.whole, result.by_group.boundary
        for number, group in enumerate(result.groups):
            found[f"G{group}"] = Areas(whole[:, number], edges[:, number])
    return found


def users(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """IoU after a user's first click, and how it differs between users (Table 12)."""
    columns = {
        "dataset": ("Dataset", "s"),
        "input_device": ("Clicks by", "s"),
        "objects": ("Objects", "d"),
    }
    both = [*measures.USERS, *measures.SAMPLED_USERS]
    columns |= {one.key: (one.title, one.form) for one in both}
    columns["base"] = ("Base IoU@1 %", ".2f")
    rows = []
    for result in results:
        clicked = [ious for ious in result.user_ious if ious.size]
        if not clicked:
            continue
        row: Row = {
            "dataset": result.dataset,
            "input_device": ", ".join(sorted(result.input_devices)),
            "objects": len(clicked),
        }
        for measure in both:
            row[measure.key] = measures.mean(measure, result, protocol)
        if result.baseline is not None:
            first = 100 * result.baseline.iou[:, 0]
            row["base"] = measures.over_images(first, result.image_ids)
        rows.append(row)
    return Table("users", "IoU after the first click of each user", columns, rows)


def instances(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What each object took: every measure of it."""
    columns = {
        "dataset": ("Dataset", "s"),
        "instance_id": ("Object", "s"),
        "image_id": ("Image", "s"),
        "area": ("Pixels", "d"),
    }
    rows: list[Row] = []
    for result in results:
        found = {one.key: one.values(result, protocol) for one in measures.ALL}
        known = {key: values for key, values in found.items() if values is not None}
        for number, instance_id in enumerate(result.instance_ids):
            row: Row = {
                "dataset": result.dataset,
                "instance_id": instance_id,
                "image_id": result.image_ids[number],
                "area": int(result.areas[number]),
            }
            row |= {key: float(values[number]) for key, values in known.items()}
            rows.append(row)
    measured = {key for row in rows for key in row}
    columns |= {
        one.key: (one.title, one.form) for one in measures.ALL if one.key in measured
    }
    return Table("instances", "What each object took", columns, rows)


def repeats(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What draws add to the spread between groups; empty for a single draw."""
    columns = {
        "dataset": ("Dataset", "s"),
        "repeats": ("Draws", "d"),
        "mean": (f"Sample NoC@{THRESHOLD}", ".2f"),
        "error": ("± by draws", ".3f"),
        "groups": ("between groups", ".2f"),
        "draws": ("between draws of a group", ".2f"),
    }
    rows: list[Row] = []
    for result in results:
        if result.by_group is None or len(result.by_group.whole) < 2:
            continue
        noc = result.noc(result.by_group, protocol, THRESHOLD).astype(np.float64)
        found = robustness.spread(noc)._asdict()
        row: Row = {"dataset": result.dataset, "repeats": len(noc)}
        rows.append({**row, "mean": float(noc.mean()), **found})
    return Table("repeats", "What is chance, and what are groups", columns, rows)


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
    repeats,
    timing,
)
