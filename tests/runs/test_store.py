import errno
import json
import os

import hypothesis
import hypothesis.strategies as st
import pytest

from rclicks_jax import errors
from rclicks_jax.runs import records, store
from rclicks_jax.types import Trajectory

TRACK = Trajectory(
    "group", 3, 0, [(1, 2, True), (3, 4, False)], [5, 6], [7, 8], [1, 1], [2, 2]
)


def record(image_id="a", attempt=1, status="ok"):
    tracks = (TRACK,) if status == "ok" else ()
    instance = records.InstanceRecord(
        "a-1", status, "why" * (status != "ok"), 9, "", tracks
    )
    return records.ImageRecord(
        "set", image_id, attempt, 1, {"encode": 0.1}, (instance,)
    )


def test_records_come_back():
    lines = records.to_lines(record())
    assert len(lines.splitlines()) == 2
    assert records.from_lines(lines, "x") == record()


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"kind":"image"}\n'])
def test_what_is_no_record_is_named(text):
    with pytest.raises(errors.RunFolderError, match=r"here\.jsonl is not a record"):
        records.from_lines(text, "here.jsonl")


def test_the_newest_attempt_counts_and_older_ones_stay(tmp_path):
    folder = store.RunFolder(tmp_path)
    folder.write(record(status="failed"))
    folder.write(record(attempt=2))
    folder.write(record("b"))
    assert [r.attempt for r in folder.read_all()] == [2, 1]
    assert folder.attempts() == {("set", "a"): 2, ("set", "b"): 1}
    assert len(list(tmp_path.glob("records/set/*"))) == 3


@hypothesis.given(
    st.lists(st.text(min_size=1, max_size=300), unique=True, min_size=2, max_size=6)
)
def test_ids_become_file_names_that_tell_them_apart(ids):
    names = [store.file_name(one) for one in ids]
    assert len(set(names)) == len(ids)
    for name in names:
        assert len(name.encode()) <= 120
        assert "/" not in name
        assert not name.startswith(".")


def test_a_folder_goes_on_only_with_the_same_run(tmp_path):
    folder = store.RunFolder(tmp_path)
    asked = {"seed": 1, "protocol": {"name": "paper"}, "parts": (1, 2)}
    folder.begin(asked, {"machine": "a"})
    folder.begin(asked, {"machine": "b"})
    assert folder.info()["noted"] == {"machine": "a"}
    other = {"seed": 1, "protocol": {"name": "strict"}, "parts": (1, 2)}
    with pytest.raises(
        errors.RunFolderError, match=r'protocol\.name was "paper" and is "strict"'
    ):
        folder.begin(other, {})


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(errors.RunFolderError, match="is not a run folder"):
        store.RunFolder(tmp_path).info()


def test_a_full_disk_loses_nothing_and_says_what_to_do(tmp_path, monkeypatch):
    folder = store.RunFolder(tmp_path)
    folder.write(record())

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.RunFolderError, match=r"No space left.*make room"):
        folder.write(record("b"))
    monkeypatch.undo()
    assert [r.image_id for r in folder.read_all()] == ["a"]
    folder.write(record("b"))
    assert [r.image_id for r in folder.read_all()] == ["a", "b"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.RunFolderError, match="cannot be written"):
        store.RunFolder(tmp_path / "file").begin({"seed": 1}, {})


def test_hashes_do_not_depend_on_the_order_of_keys():
    first = store.hash_of({"a": 1, "b": [1, 2]})
    assert first == store.hash_of(json.loads('{"b": [1, 2], "a": 1}'))
    assert first != store.hash_of({"a": 1, "b": [2, 1]})
