"""The calculation of a whole benchmark's time."""

import pytest
from tpu import pace, table


def row(program, shape, chip, estimate):
    return table.Row(program, shape, chip, 1, 1, 16, estimate, 0, 0, 0, 0, 0, 0)


ROWS = [
    row("click maps", "`b`, 16 of 416x416", "v5e", 1.0),
    row("click maps", "`b`, 16 of 416x416", "v4", 16.0),
    row("draws", "10 of 480x640", "v4", 1.0),
    row("draws", "10 of 1500x2000", "v4", 10.0),
    row("regions", "2 of 1500x2000", "v4", 0.5),
    row("areas", "11 masks of 1500x2000", "v4", 0.5),
]


def test_every_map_region_draw_and_area_is_counted():
    seconds = pace.seconds_of(ROWS, "v4")
    assert seconds["click maps"] == pytest.approx(2531 * 191 / 1000)
    assert seconds["regions"] == pytest.approx(2531 * 191 * 0.25 / 1000)
    # Ten groups, twenty clicks; ten draws take 10 ms.
    assert seconds["draws"] == pytest.approx(2531 * 200 / 1000)
    assert seconds["areas"] == pytest.approx(2531 * 20 * 0.5 / 1000)


def test_it_says_what_limits_it():
    assert "draws limit it" in pace.v4_32(ROWS)
