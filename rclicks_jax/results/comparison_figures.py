"""Figures of several segmenters as SVG text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.figure_style import (
    chart_name,
    clicks_axis,
    draw_panels,
    legend_below,
    plain,
)
from rclicks_jax.results import (
    comparison,
    correlations,
    difficulty,
    measures,
)
from rclicks_jax.results.figures import curves_of

# Okabe and Ito's colours, which colour-blind readers can tell apart.
_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
_MARKERS = "osD^vPX*"
_EFFICIENCY, _ROBUSTNESS = "sample_noc", "delta_gr"


def iou_per_click(runs: Sequence[comparison.Run]) -> str:
    """Draws mean IoU after each click of all segmenters (Figure 6 of the paper).

    Each dataset has a panel with the mean over groups, the band that they span, and the
    baseline as a dashed line. The text is empty if a run stops trajectories early.
    """
    whole = not any(run.protocol.stop_at or run.protocol.max_clicks < 2 for run in runs)
    panels = [
        (dataset, [(run.label, curves_of(run.results[dataset])) for run in runs])
        for dataset in comparison.datasets_of(runs)
        if whole and all(run.results[dataset].instance_ids for run in runs)
    ]
    return draw_panels(panels, _draw_iou, (4.6, 3.6), _iou_in_words)


def _iou_in_words(panel: tuple[str, list[tuple[str, Any]]]) -> str:
    dataset, of_runs = panel
    ends = [
        f"{label} {100 * np.mean([curve[-1] for curve in curves.values()]):.1f} %"
        for label, curves in of_runs
        if curves
    ]
    return f"IoU after each click, {dataset}. After the last: {'; '.join(ends)}"


def _draw_iou(axis: Any, panel: tuple[str, list[tuple[str, Any]]]) -> None:
    dataset, of_runs = panel
    for number, (label, curves) in enumerate(of_runs):
        colour, marker = _style(number)
        label = chart_name(label)
        of_groups = [curve for name, curve in curves.items() if name.startswith("G")]
        if of_groups:
            stacked = 100 * np.stack(of_groups)
            clicks = np.arange(1, stacked.shape[1] + 1)
            low, high = stacked.min(axis=0), stacked.max(axis=0)
            axis.fill_between(clicks, low, high, color=colour, alpha=0.15, linewidth=0)
            axis.plot(
                clicks,
                stacked.mean(axis=0),
                color=colour,
                label=label,
                marker=marker,
                markevery=4,
                markersize=4,
            )
        if "baseline" in curves:
            curve = 100 * curves["baseline"]
            clicks = np.arange(1, curve.size + 1)
            name = None if of_groups else label
            axis.plot(clicks, curve, "--", color=colour, label=name, linewidth=1)
    axis.set_title(chart_name(dataset), fontsize=10)
    sizes = [curve.size for _, curves in of_runs for curve in curves.values()]
    clicks_axis(axis, max(sizes, default=1))
    legend_below(axis)


def _style(number: int) -> tuple[str, str]:
    """Returns colour and marker of a segmenter; two segmenters differ in both."""
    return _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]


def pareto(runs: Sequence[comparison.Run]) -> str:
    """Draws efficiency against robustness, with 95 % intervals.

    Each dataset has a panel. Filled points are those that no other segmenter beats in
    both. The text is empty if a run has not played the groups that this needs.
    """
    panels = []
    for dataset in comparison.datasets_of(runs):
        measured = [
            comparison.paired(runs, dataset, key) for key in (_EFFICIENCY, _ROBUSTNESS)
        ]
        # With a single segmenter there is nothing to choose.
        if len(runs) > 1 and all(
            paired is not None and np.isfinite(paired.values).any(axis=1).all()
            for paired in measured
        ):
            panels.append((dataset, runs, measured))
    return draw_panels(panels, _draw_pareto, (4.6, 3.6), _pareto_in_words)


def _pareto_in_words(panel: tuple[str, Sequence[comparison.Run], Any]) -> str:
    dataset, runs, measured = panel
    titles = [measures.BY_KEY[key].title for key in (_EFFICIENCY, _ROBUSTNESS)]
    means = np.array([np.nanmean(paired.values, axis=1) for paired in measured]).T
    points = [
        f"{run.label} {noc:.2f} and {robustness:.2f}"
        for run, (noc, robustness) in zip(runs, means, strict=True)
    ]
    return f"{' and '.join(titles)}, less is better, {dataset}: {'; '.join(points)}"


def best(points: np.ndarray) -> np.ndarray:
    """Tells which points no other point beats in both coordinates; less is better.

    Args:
        points: The points, `f64[m 2]`.

    Returns:
        Whether each point is unbeaten, `bool[m]`.
    """
    less = (points[None] <= points[:, None]).all(axis=-1)
    strictly = (points[None] < points[:, None]).any(axis=-1)
    return np.asarray(~np.any(less & strictly, axis=1))


def _draw_pareto(axis: Any, panel: tuple[str, Sequence[comparison.Run], Any]) -> None:
    dataset, runs, (noc, robustness) = panel
    ends = [
        [
            intervals.bootstrap_mean(values, np.array(paired.image_ids))
            for values in paired.values
        ]
        for paired in (noc, robustness)
    ]
    points = np.array([[end.mean for end in of_axis] for of_axis in ends]).T
    filled = best(points)
    for number, run in enumerate(runs):
        across, up = ends[0][number], ends[1][number]
        colour, marker = _style(number)
        axis.errorbar(
            across.mean,
            up.mean,
            xerr=_reach(across),
            yerr=_reach(up),
            fmt=marker,
            color=colour,
            markerfacecolor=colour if filled[number] else "white",
            elinewidth=1,
            capsize=2,
            label=chart_name(run.label),
        )
    axis.set_title(chart_name(dataset), fontsize=10)
    for key, better, name in (
        (_EFFICIENCY, "less is quicker", axis.set_xlabel),
        (_ROBUSTNESS, "less is fairer", axis.set_ylabel),
    ):
        name(f"{measures.BY_KEY[key].heading}  ({better})")
    plain(axis)
    legend_below(axis)


def _reach(interval: intervals.Interval) -> list[list[float]]:
    return [[interval.mean - interval.low], [interval.high - interval.mean]]


def noise(runs: Sequence[comparison.Run]) -> str:
    """Draws the spread of IoU over its mean for each object (Figure 7 of the paper)."""
    panels = [
        (dataset, objects)
        for dataset in comparison.datasets_of(runs)
        if (
            objects := difficulty.difficulty(runs, dataset)
            or difficulty.difficulty(runs, dataset, "groups")
        )
        and objects.mean.size > 1
    ]
    return draw_panels(panels, _draw_noise, (4.0, 3.4), _noise_in_words)


def _noise_in_words(panel: tuple[str, difficulty.Difficulty]) -> str:
    dataset, objects = panel
    return (
        f"Spread and mean of IoU of {objects.mean.size} objects, {dataset}: on average "
        f"{objects.std.mean():.1f} % and {objects.mean.mean():.1f} %"
    )


def _draw_noise(axis: Any, panel: tuple[str, difficulty.Difficulty]) -> None:
    dataset, objects = panel
    axis.scatter(
        objects.std, objects.mean, s=10, color="#0072B2", alpha=0.5, linewidth=0
    )
    mean, std = objects.mean.mean(), objects.std.mean()
    axis.axhline(mean, color="#888888", linewidth=0.8)
    axis.axvline(std, color="#888888", linewidth=0.8)
    known = objects.nsr[np.isfinite(objects.nsr)]
    nsr = f": NSR {known.mean():.2f} %" if known.size else ""
    axis.set_title(f"{chart_name(dataset)}{nsr} ({objects.source})", fontsize=10)
    axis.set_xlabel("spread of IoU over clicks, % ↓")
    axis.set_ylabel("mean IoU, % ↑")
    # Histograms of the objects along each axis.
    for place, values, way in (
        ([0, 1.02, 1, 0.14], objects.std, "vertical"),
        ([1.02, 0, 0.14, 1], objects.mean, "horizontal"),
    ):
        margin = axis.inset_axes(place)
        margin.hist(values, bins=20, orientation=way, color="#0072B2", alpha=0.5)
        margin.axis("off")
    axis.title.set_y(1.16)
    plain(axis)


def correlation_heatmap(runs: Sequence[comparison.Run]) -> str:
    """Draws the correlations of measures over segmenters (Figure 14 of the paper)."""
    matrices = correlations.correlation_matrix(runs)
    if matrices is None or len(matrices[0]) < 2:
        return ""
    return draw_panels(
        [matrices], _draw_correlations, (6.4, 5.4), _correlations_in_words
    )


def _correlations_in_words(panel: tuple[list[str], np.ndarray, np.ndarray]) -> str:
    names = ", ".join(measures.BY_KEY[key].title for key in panel[0])
    return f"How these measures correlate over segmenters, as the table says: {names}"


def _draw_correlations(
    axis: Any, panel: tuple[list[str], np.ndarray, np.ndarray]
) -> None:
    keys, linear, by_rank = panel
    both = np.triu(linear) + np.tril(by_rank, -1)
    axis.imshow(both, vmin=0, vmax=1, cmap="Blues")
    names = [measures.BY_KEY[key].title for key in keys]
    axis.set_xticks(range(len(keys)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(keys)), names)
    for i, row in enumerate(both):
        for j, value in enumerate(row):
            if np.isfinite(value):
                colour = "white" if value > 0.6 else "black"
                axis.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour)
    axis.set_title("Pearson above the diagonal, Spearman below", fontsize=10)
