"""The calculation of a whole benchmark's time."""

import dataclasses

import pytest
from tpu import method_costs, pace, table


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
SAM = method_costs.METHODS[0]
OF_SAM = [
    row("SAM encoder", "`vit_b`, 4 photographs", "v4", 400),
    row("SAM decoder", "64 of 8 photographs", "v4", 640),
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


def seconds_of(method, rows=OF_SAM):
    """Seconds of an object by SAM's programs."""
    example = method.example(rows)
    assert example is not None
    return method.seconds(rows, example)


def test_an_object_is_encoded_once_and_answered_220_times():
    assert seconds_of(SAM) == pytest.approx(0.1 + 220 * 0.01)


def test_a_method_without_programs_takes_the_time_of_its_products():
    like = method_costs.Example(SAM.products, SAM.programs)
    larger = method_costs.Products(2 * SAM.products.encode, 3 * SAM.products.answer)
    method = method_costs.Method("larger", larger, like=like)
    assert seconds_of(method) == pytest.approx(0.2 + 3 * 220 * 0.01)
    # Its own programs are taken as soon as the table has them.
    own = method_costs.Programs(None, ("own", "64"))
    method = dataclasses.replace(method, programs=own)
    assert seconds_of(method) == pytest.approx(0.2 + 3 * 220 * 0.01)
    rows = [*OF_SAM, row("own", "64 crops", "v4", 64)]
    assert seconds_of(method, rows) == pytest.approx(220 * 0.001)


def test_a_method_that_no_program_stands_for_is_named():
    text = (
        "| forward, batch 256 | ours, bfloat16 | | 100 |\ndevice drew for 10 objects a "
        "second"
    )
    *lines, sentence = pace.methods([*ROWS, *OF_SAM], text)
    assert any("| SAM `vit_l` * |" in line for line in lines)
    assert not any("RITM" in line for line in lines)
    assert "RITM `h18_itermask`" in sentence


def test_further_passes_of_the_first_click_are_counted():
    method = dataclasses.replace(SAM, further=1)
    assert seconds_of(method) == pytest.approx(0.1 + (220 + 11) * 0.01)
