"""Records as lines: what comes back, and what is refused."""

import json

import pytest

from rclicks_jax import errors
from rclicks_jax.jobs import formats, records

ROWS = (
    records.row("a-1", "ok", area=3, ious=[0.1, 1.0]),
    records.row("a-2", "skipped", "the mask is empty"),
)
RECORD = records.Record("set", "a", ROWS, {"encodes": 1}, attempt=2, run="0123")


def read(text, kind="benchmark"):
    return formats.record(text, "here.jsonl", kind)


def test_records_come_back():
    lines = records.to_lines(RECORD, "benchmark")
    assert len(lines.splitlines()) == 3
    found = read(lines)
    assert (found.dataset, found.name, found.rows) == ("set", "a", ROWS)
    assert (found.facts, found.attempt, found.run) == ({"encodes": 1}, 2, "0123")
    assert found.statuses == ["ok", "skipped"]
    assert found.has_results
    assert not found.failed
    assert formats.owner(lines) == "0123"


def test_a_record_without_objects_is_one():
    empty = records.Record("set", "a", ())
    assert read(records.to_lines(empty, "benchmark")).rows == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "not json", '{"kind":"image"}\n', 100_000 * "[",
        '{"format":3}', '{"format":3,"kind":"benchmark"}\n',
    ],
)  # fmt: skip
def test_what_is_no_record_is_named(text):
    with pytest.raises(records.RecordError, match=r"here\.jsonl is not a record"):
        read(text)


@pytest.mark.parametrize("kind", ["evaluation", "click_maps", "click_agreement"])
def test_a_record_of_another_job_is_refused(kind):
    with pytest.raises(records.RecordError, match="it is of a job of kind 'benchmark'"):
        read(records.to_lines(RECORD, "benchmark"), kind)


@pytest.mark.parametrize("number", [4, 99, "three"])
def test_a_record_of_a_later_release_is_refused_in_words(number):
    head, _, body = records.to_lines(RECORD, "benchmark").partition("\n")
    text = json.dumps({**json.loads(head), "format": number}) + "\n" + body
    said = f"here.jsonl is of format {number}; this release reads formats up to 3. Read"
    with pytest.raises(errors.RunFolderError, match=said) as raised:
        read(text)
    # It is not repeated, as one that is damaged is.
    assert not isinstance(raised.value, records.RecordError)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (({"instance_id": "a"},), "a row has no status"),
        (({"instance_id": "a", "status": "fine"},), "a row has no status"),
        ((ROWS[0], ROWS[0]), "object 'a-1' is in it 2 times"),
    ],
)
def test_rows_that_mean_nothing_are_refused(rows, problem):
    text = records.to_lines(records.Record("set", "a", rows), "benchmark")
    with pytest.raises(records.RecordError, match=problem):
        read(text)


def test_statuses_are_counted():
    assert records.count(["ok", "failed", "ok"]) == {"ok": 2, "skipped": 0, "failed": 1}
    assert records.failed_share({"ok": 3, "skipped": 0, "failed": 1}) == 0.25
    assert records.failed_share({"ok": 0, "skipped": 0, "failed": 0}) == 0
