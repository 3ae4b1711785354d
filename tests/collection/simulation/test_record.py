"""Records of bots: read as they were written, also after a kill."""

from rclicks_jax.collection.simulation import record
from rclicks_jax.collection.simulation.record import Acknowledged, Ended, Entered

ITEMS = [
    Entered(3, "token"),
    Acknowledged(3, "c" * 22, "pc", 1.5, 2.5, False, True, ("again", "new")),
    Ended(3, "complete", 4),
]


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / record.FILE
    assert list(record.read(path)) == []
    written = record.Record(path)
    for item in ITEMS:
        written.add(item)
    written.close()
    assert list(record.read(path)) == ITEMS
    assert written.clicks == 1


def test_a_line_that_was_cut_is_removed_before_more_is_written(tmp_path):
    path = tmp_path / record.FILE
    written = record.Record(path)
    written.add(ITEMS[0])
    written.close()
    path.write_text(path.read_text() + '{"kind": "Acknow')
    again = record.Record(path)
    again.add(ITEMS[2])
    again.close()
    assert list(record.read(path)) == [ITEMS[0], ITEMS[2]]
