"""Records of images, typed, as the engine's records and back."""

import dataclasses

import pytest

from rclicks_jax.benchmark import records
from rclicks_jax.jobs import formats
from rclicks_jax.jobs import records as engine_records
from rclicks_jax.types import Trajectory

TRACK = Trajectory(
    "group", 3, 0, [(1, 2, True), (3, 4, False)], [5, 6], [7, 8], [1, 1], [2, 2]
)
OBJECTS = (
    records.InstanceRecord("a-1", "ok", "", 9, "pc", (TRACK,), "cat", 3072),
    records.InstanceRecord("a-2", "failed", "why"),
)
IMAGE = records.ImageRecord("set", "a", 1, 1, {"encode": 0.1}, OBJECTS)


def test_an_image_comes_back():
    record = records.to_record(IMAGE)
    assert (record.dataset, record.name, record.asked) == ("set", "a", True)
    assert record.reasons == ["why"]
    lines = engine_records.to_lines(record, "benchmark")
    assert records.from_record(formats.record(lines, "x", "benchmark")) == IMAGE


def test_an_image_that_was_not_encoded_says_nothing_of_the_segmenter():
    assert not records.to_record(dataclasses.replace(IMAGE, encodes=0)).asked


@pytest.mark.parametrize(
    "rows", [({"status": "ok"},), ({"status": "ok", "trajectories": 3},)]
)
def test_rows_of_something_else_are_named_by_their_file(rows):
    text = engine_records.to_lines(
        engine_records.Record("set", "a", rows, {"encodes": 1, "seconds": {}}),
        "benchmark",
    )
    with pytest.raises(engine_records.RecordError, match=r"here.* not a benchmark's"):
        records.from_record(formats.record(text, "here", "benchmark"))
