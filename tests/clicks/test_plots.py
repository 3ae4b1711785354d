"""A plot of image, map and clicks for notebooks."""

import subprocess
import sys

import numpy as np
import pytest
from helpers import disk

from rclicks_jax import errors
from rclicks_jax.clicks import plots
from rclicks_jax.ops import images

SHAPE = (40, 60)
IMAGE = np.full((*SHAPE, 3), 90, np.uint8)


def lines_of(figure):
    return [
        (line.get_marker(), np.array(line.get_xydata()).tolist())
        for line in figure.axes[0].get_lines()
    ]


def test_clicks_are_where_they_were_made_and_kinds_differ_in_shape():
    clicks = [(3, 50), (30, 7), (39, 59)]
    figure = plots.plot_clicks(
        IMAGE, np.ones(SHAPE), clicks, positive=np.array([True, False, True])
    )
    assert lines_of(figure) == [
        ("o", [[50, 3], [59, 39]]),
        ("+", [[50, 3], [59, 39]]),
        ("s", [[7, 30]]),
        ("_", [[7, 30]]),
    ]
    told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert told == ["positive clicks (2)", "negative clicks (1)"]


def test_all_but_the_image_may_be_left_out_and_a_notebook_shows_it():
    figure = plots.plot_clicks(IMAGE[..., 0], title="$x{ of <b>")
    shown = images.decode_image(figure._repr_png_(), "plot")
    assert shown.shape[0] > 100
    assert not lines_of(figure)


def test_a_map_without_mass_and_a_target_at_the_border_are_drawn():
    target = disk(SHAPE, (0, 0), 12)
    figure = plots.plot_clicks(IMAGE, np.zeros(SHAPE), [], target=target)
    outline, *_ = figure.axes[0].collections
    # Closed: it goes along the border of the image.
    assert any((path.vertices < 0).any() for path in outline.get_paths())


def test_matplotlib_is_imported_by_the_first_plot_alone():
    code = (
        "import sys; from rclicks_jax.clicks import plots; import numpy as np;"
        "assert 'matplotlib' not in sys.modules;"
        "plots.plot_clicks(np.zeros((4, 5, 3), np.uint8));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": IMAGE / 255}, "image"),
        ({"click_map": np.ones((60, 40))}, r"click_map.*\(60, 40\)"),
        ({"click_map": -np.ones(SHAPE)}, "not negative"),
        ({"click_map": np.full(SHAPE, np.nan)}, "finite"),
        ({"clicks_yx": [(50, 7)]}, r"\(50, 7\).*40 high and 60 wide"),
        ({"clicks_yx": [1, 2, 3]}, "clicks_yx"),
        ({"clicks_yx": [(1, 2)], "positive": np.array([1])}, "positive"),
        ({"target": np.zeros(SHAPE, bool)}, "target"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(changes, message):
    with pytest.raises(errors.BadValueError, match=message):
        plots.plot_clicks(**{"image": IMAGE, **changes})
