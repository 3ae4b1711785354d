"""The tables of a benchmark, made from its results alone."""

from collections.abc import Callable, Sequence

import numpy as np

from rclicks_jax.benchmark.clock import PARTS
from rclicks_jax.metrics import interaction, intervals, robustness
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import measures, part_tables, people_tables, run_notes
from rclicks_jax.results.aggregate import THRESHOLD, Areas, DatasetResults
from rclicks_jax.settings.protocols import Protocol


def summary(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of efficiency and robustness, a row for each dataset."""
    columns = {
        "dataset": ("Dataset", "s"),
        "ok": ("objects ok", "d"),
        "skipped": ("skipped", "d"),
        "failed": ("failed", "d"),
    }
    rows: list[Row] = [
        {"dataset": result.dataset, **result.counts} for result in results
    ]
    fewer: dict[tuple[str, int, int], list[str]] = {}
    for measure in measures.ALL:
        values = [measure.values(result, protocol) for result in results]
        means = [
            intervals.over_images(numbers, result.image_ids)
            for numbers, result in zip(values, results, strict=True)
        ]
        if all(mean is None for mean in means):
            continue
        columns[measure.key] = (measure.heading, measure.form)
        for row, mean, numbers in zip(rows, means, values, strict=True):
            row[measure.key] = mean
            if numbers is not None and mean is not None:
                known = int(np.isfinite(numbers).sum())
                if known < len(numbers):
                    key = row["dataset"], known, len(numbers)
                    fewer.setdefault(key, []).append(measure.title)
    notes = [
        *run_notes.notes_of_groups(results),
        *(
            f"{', '.join(titles)} on {dataset}: over the {known} of {count} objects "
            "that have a number."
            for (dataset, known, count), titles in fewer.items()
        ),
    ]
    if not measures.is_known(THRESHOLD, protocol):
        notes.append(
            f"Trajectories ended at {protocol.stop_at} % IoU: there is no "
            f"NoC@{THRESHOLD}."
        )
    title = f"Clicks to {THRESHOLD} % IoU, at most {protocol.max_clicks}"
    return Table("summary", title, columns, rows, tuple(notes))


def thresholds(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of NoC at each threshold, by strategy."""
    columns = {"dataset": ("Dataset", "s"), "strategy": ("Strategy", "s")}
    # Above the threshold at which trajectories stop, NoC is unknown.
    last = protocol.stop_at or 100
    known = [percent for percent in interaction.THRESHOLDS if percent <= last]
    columns |= {f"noc{t}": (f"NoC@{t} ↓", ".2f") for t in known}
    rows = []
    for result in results:
        for name, areas in by_strategy(result).items():
            row: Row = {"dataset": result.dataset, "strategy": name}
            for percent in known:
                noc = result.noc(areas, protocol, percent)
                numbers = noc if noc.ndim == 1 else noc.mean(axis=0)
                row[f"noc{percent}"] = intervals.over_images(numbers, result.image_ids)
            rows.append(row)
    return Table("noc", "Mean number of clicks by threshold", columns, rows)


def curves(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of mean IoU and boundary IoU after each click, by strategy.

    It is empty if the protocol stops trajectories early: there is no whole curve.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "strategy": ("Strategy", "s"),
        "click": ("Click", "d"),
        "iou": ("IoU % ↑", ".2f"),
        "boundary_iou": ("Boundary IoU % ↑", ".2f"),
    }
    rows = []
    for result in results if not protocol.stop_at else ():
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
    """Averages `f64[... k]` over all axes but the last, the clicks."""
    return np.nanmean(values.reshape(-1, values.shape[-1]), axis=0)


def by_strategy(result: DatasetResults) -> dict[str, Areas]:
    """Returns the areas of each strategy by its label."""
    areas_of = {}
    if result.baseline is not None:
        areas_of["baseline"] = result.baseline
    areas_of |= result.robots
    if result.by_group is not None:
        whole, edges = result.by_group.whole, result.by_group.boundary
        for number, group in enumerate(result.groups):
            areas_of[f"G{group}"] = Areas(whole[:, number], edges[:, number])
    return areas_of


def users(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of IoU after first clicks, and its spread between users.

    Users, sampled clicks and the robot are compared on the objects that have all of
    them (paper Table 12).
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "input_device": ("Clicks by", "s"),
        "objects": ("objects with clicks", "d"),
        "of": ("of objects", "d"),
    }
    both = [*measures.USERS, *measures.SAMPLED_USERS]
    columns |= {measure.key: (measure.heading, measure.form) for measure in both}
    columns["base"] = ("Base IoU@1 % ↑", ".2f")
    rows = []
    for result in results:
        clicked = with_first_clicks(result)
        if clicked is None:
            continue
        row: Row = {
            "dataset": result.dataset,
            "input_device": ", ".join(sorted(result.input_devices)),
            "objects": len(clicked.instance_ids),
            "of": len(result.instance_ids),
        }
        for measure in both:
            row[measure.key] = measures.mean(measure, clicked, protocol)
        if clicked.baseline is not None:
            first = 100 * clicked.baseline.iou[:, 0]
            row["base"] = intervals.over_images(first, clicked.image_ids)
        rows.append(row)
    return Table("users", "IoU after the first click of each user", columns, rows)


def with_first_clicks(result: DatasetResults) -> DatasetResults | None:
    """Returns the results of the objects that users clicked; None without any.

    If first clicks were sampled too, objects without a sample are left out.
    """
    sampled = any(ious.size for ious in result.sampled_ious)
    kept = [
        number
        for number, ious in enumerate(result.user_ious)
        if ious.size and (not sampled or result.sampled_ious[number].size)
    ]
    return result.only(kept) if kept else None


def instances(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of all measures of each object."""
    columns = {
        "dataset": ("Dataset", "s"),
        "instance_id": ("Object", "s"),
        "image_id": ("Image", "s"),
        "area": ("Pixels", "d"),
    }
    rows: list[Row] = []
    for result in results:
        by_key = {m.key: m.values(result, protocol) for m in measures.ALL}
        known = {key: values for key, values in by_key.items() if values is not None}
        for number, instance_id in enumerate(result.instance_ids):
            row: Row = {
                "dataset": result.dataset,
                "instance_id": instance_id,
                "image_id": result.image_ids[number],
                "area": int(result.areas[number]),
            }
            row |= {key: float(values[number]) for key, values in known.items()}
            rows.append(row)
    keys = {key for row in rows for key in row}
    columns |= {
        measure.key: (measure.heading, measure.form)
        for measure in measures.ALL
        if measure.key in keys
    }
    return Table("instances", "The measures of each object", columns, rows)


def repeats(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of spreads between groups and between draws of a group.

    It is empty for a single draw.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "repeats": ("Draws", "d"),
        "mean": (f"Sample NoC@{THRESHOLD} ↓", ".2f"),
        "error": ("± by draws", ".3f"),
        "groups": ("between groups", ".2f"),
        "draws": ("between draws of a group", ".2f"),
    }
    rows: list[Row] = []
    for result in results if measures.is_known(THRESHOLD, protocol) else ():
        if result.by_group is None or len(result.by_group.whole) < 2:
            continue
        noc = result.noc(result.by_group, protocol, THRESHOLD).astype(np.float64)
        spread = robustness.spread(noc)._asdict()
        row: Row = {"dataset": result.dataset, "repeats": len(noc)}
        rows.append({**row, "mean": float(noc.mean()), **spread})
    return Table("repeats", "Spread by chance, and between groups", columns, rows)


def averaged_draws(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of statistics of a draw, with draws averaged first.

    Averaging removes chance from each group, so spreads and ratios shrink: these are
    other numbers than those of a run with one draw. It is empty for a single draw.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "measure": ("Measure", "s"),
        "repeats": ("Draws", "d"),
        "of_a_draw": ("of a draw, as in all tables", ".2f"),
        "of_averaged": ("of averaged draws", ".2f"),
    }
    rows: list[Row] = []
    for result in results:
        if result.by_group is None or len(result.by_group.whole) < 2:
            continue
        for measure in (measures.BY_KEY[key] for key in measures.OF_A_DRAW):
            averaged = measures.of_averaged_draws(measure, result, protocol)
            if averaged is None or not np.isfinite(averaged).any():
                continue
            rows.append(
                {
                    "dataset": result.dataset,
                    "measure": measure.title,
                    "repeats": len(result.by_group.whole),
                    "of_a_draw": measures.mean(measure, result, protocol),
                    "of_averaged": intervals.over_images(averaged, result.image_ids),
                }
            )
    title = "Statistics of a draw, and of draws that are averaged first"
    return Table("averaged_draws", title, columns, rows)


def timing(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of time by part of the work, which differs between runs."""
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


# The tables of a run. All but `timing` depend only on clicks and areas of records.
MAKERS: tuple[Callable[[Sequence[DatasetResults], Protocol], Table], ...] = (
    summary,
    thresholds,
    curves,
    users,
    people_tables.people,
    *part_tables.MAKERS,
    instances,
    repeats,
    averaged_draws,
    timing,
)


def not_written(tables: Sequence[Table], *, wanted_users: bool) -> list[str]:
    """Returns a note on the tables that are empty, with the reasons.

    Args:
        tables: All tables of a run.
        wanted_users: Whether the run had the setting to replay first clicks.
    """
    empty = {table.name for table in tables if not table.rows}
    reasons = {
        "users": (
            "--config.users found no object with real first clicks"
            if wanted_users
            else "--config.users replays real first clicks"
        ),
        "repeats": "--config.repeats=5 separates chance from groups",
    }
    parts = [f"{name} ({reason})" for name, reason in reasons.items() if name in empty]
    return [f"Tables without content: {'; '.join(parts)}."] if parts else []
