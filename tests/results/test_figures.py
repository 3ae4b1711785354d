"""Charts: only where there is something to see, of any names, and said in words."""

import dataclasses

import html_pages
import pytest
import results_of
from matplotlib.figure import Figure

from rclicks_jax.reporting import figure_style
from rclicks_jax.results import comparison, comparison_figures, figures, report
from rclicks_jax.settings import protocols

ODD = "_a<b>&\"'\n$x{\udc80中"


def several(count=3, **changes):
    return [
        results_of.run(f"run{number}", skill=0.05 * number, **changes)
        for number in range(count)
    ]


def test_no_results_make_no_chart():
    assert figures.iou_per_click([]) == ""
    apart = [results_of.run(name, dataset=name) for name in ("one", "two")]
    assert comparison_figures.iou_per_click(apart) == ""


def test_one_click_makes_no_curve():
    one = dataclasses.replace(protocols.PAPER, max_clicks=1)
    runs = [run._replace(protocol=one) for run in several()]
    assert report._with_curves(runs[0]) == []
    assert len(report._with_curves(several()[0])) == 1
    assert comparison_figures.iou_per_click(runs) == ""


def test_one_point_makes_no_chart():
    assert comparison_figures.pareto(several(1)) == ""
    assert comparison_figures.noise(several(objects=1, images=1)) == ""
    assert comparison_figures.correlation_heatmap(several(4)) == ""


def test_a_legend_is_below_the_curves():
    chart = Figure(figsize=(4.6, 3.6), layout="constrained")
    axis = chart.subplots()
    axis.plot([1, 2], [0, 0], label="a curve at the bottom")
    figure_style.legend_below(axis)
    chart.draw_without_rendering()
    (legend,) = chart.legends
    assert legend.get_window_extent().y1 <= axis.get_window_extent().y0
    assert axis.get_legend() is None


@pytest.mark.parametrize(
    "draw",
    [
        comparison_figures.iou_per_click,
        comparison_figures.pareto,
        comparison_figures.noise,
        comparison_figures.correlation_heatmap,
    ],
)
def test_charts_are_said_in_words_and_no_name_breaks_them(draw):
    runs = several(5, dataset=ODD)
    runs[0] = runs[0]._replace(label=ODD)
    svg = draw(runs) * 2
    root = html_pages.parse(svg.encode().decode())
    assert root.inside("svg")
    for chart in root.inside("svg"):
        assert chart["role"] == "img"
        assert len(chart["aria-label"]) > 20
    if draw is comparison_figures.iou_per_click:
        # A name with an underscore in front is in the legend nevertheless.
        assert "\u200b_a<b>&\"' $x{\\udc80中" in root.text


def test_ids_of_several_charts_in_a_page_differ():
    runs = [
        comparison.Run(
            "a",
            protocols.PAPER,
            {name: results_of.results(dataset=name) for name in ("one", "two")},
        )
    ]
    html_pages.check(comparison_figures.iou_per_click(runs))
    results = list(runs[0].results.values())
    html_pages.check(figures.iou_per_click(results))
    assert "(12 objects)" in figures.iou_per_click(results)
