"""The records of a run folder: attempts, whose they are, what is none."""

import errno
import json
import os
import shutil

import hypothesis
import hypothesis.strategies as st
import pytest
from run_folders import (
    OLD_IMAGE,
    OLD_OBJECT,
    Asked,
    attempts_of,
    begin,
    names_of,
    old_run,
    path_of,
    record,
)

from rclicks_jax import errors
from rclicks_jax.jobs import identity, records, store


def test_the_newest_attempt_counts_and_older_ones_stay(tmp_path):
    folder = begin(tmp_path)
    folder.write(record(status="failed"))
    folder.write(record(attempt=2))
    folder.write(record("b"))
    assert [r.attempt for r in folder.read_all()] == [2, 1]
    assert attempts_of(folder) == {("set", "a"): 2, ("set", "b"): 1}
    assert len(list(tmp_path.glob("records/set/*"))) == 3


def test_the_tenth_attempt_is_newer_than_the_ninth(tmp_path):
    folder = begin(tmp_path)
    for attempt in (9, 10):
        folder.write(record(attempt=attempt))
    assert [r.attempt for r in folder.read_all()] == [10]


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


def test_a_full_disk_loses_nothing_and_says_what_to_do(tmp_path, monkeypatch):
    folder = begin(tmp_path)
    folder.write(record())

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.RunFolderError, match=r"No space left.*make room"):
        folder.write(record("b"))
    monkeypatch.undo()
    assert names_of(folder) == ["a"]
    folder.write(record("b"))
    assert names_of(folder) == ["a", "b"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.RunFolderError, match="cannot be written"):
        begin(tmp_path / "file")


def test_records_say_whose_they_are(begun):
    (first, _) = begun.read_all()
    assert first.run == begun.info().hash == begun.run
    hashed = {"kind": "benchmark", **identity.to_json(Asked())}
    assert first.run == identity.hash_of(hashed)


def test_records_whose_run_is_lost_are_adopted_by_it_alone(begun, capsys):
    (begun.path / "run.json").unlink()
    with pytest.raises(
        errors.RunFolderError, match=r"2 records but no run\.json; 2 of"
    ):
        begin(begun.path, seed=2)
    assert not begun.exists()
    again = begin(begun.path)
    assert "has lost its run.json; its 2 records" in capsys.readouterr().err
    assert names_of(again) == ["a", "b"]


def test_a_record_of_another_run_is_refused(begun, tmp_path):
    other = begin(tmp_path / "other", seed=2)
    other.write(record(attempt=2))
    shutil.copy(path_of(other, "a.2.jsonl"), path_of(begun, "a.2.jsonl"))
    with pytest.raises(records.RecordError, match=r"a\.2\.jsonl.*of another run"):
        list(begun.read_all())


def test_a_failure_of_another_run_is_no_record_of_this_one(begun, tmp_path):
    other = begin(tmp_path / "other", seed=2)
    other.write(record(attempt=2, status="failed"))
    shutil.copy(path_of(other, "a.2.jsonl"), path_of(begun, "a.2.jsonl"))
    assert names_of(begun) == ["b"]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda text: text.partition("\n")[0] + "\n", "not the 1 that were written"),
        (lambda text: text[:-20], "it was cut|not the 1"),
        (lambda text: text.replace("[5,6]", "[5,7]"), "not the 1 that were written"),
        (lambda text: text.replace('"encodes":1', '"encodes":2'), "its head is not"),
        (lambda text: text.replace('"attempt":1,', ""), "its head lacks attempt"),
        (lambda text: "", "is not a record"),
        (lambda text: text + text.splitlines()[1] + "\n", "not the 1 that were"),
    ],
)
def test_a_record_that_was_cut_or_changed_is_refused(begun, damage, problem):
    path = path_of(begun)
    path.write_text(damage(path.read_text()))
    with pytest.raises(records.RecordError, match=problem):
        list(begun.read_all())


def test_a_record_of_another_image_is_refused(begun):
    shutil.copy(path_of(begun), path_of(begun, "c.1.jsonl"))
    with pytest.raises(records.RecordError, match=r"c\.1\.jsonl.*it is of set/a"):
        list(begun.read_all())


def test_records_of_an_earlier_release_are_read_with_a_word(tmp_path, capsys):
    run = begin(tmp_path)
    run.write(record())
    path = path_of(run)
    text = f"{json.dumps(OLD_IMAGE)}\n{json.dumps(OLD_OBJECT)}\n"
    path.write_text(text)
    with pytest.raises(records.RecordError, match="does not say of which run"):
        list(run.read_all())
    (tmp_path / "run.json").write_text(old_run(2))
    with pytest.raises(records.RecordError, match="does not say of which run"):
        list(store.RunFolder(tmp_path).read_all())
    (tmp_path / "run.json").write_text(old_run(1))
    run = store.RunFolder(tmp_path)
    (found,) = run.read_all()
    assert found.rows == (
        {key: value for key, value in OLD_OBJECT.items() if key != "kind"},
    )
    assert found.facts == {"encodes": 1, "seconds": {"encode": 0.1}}
    assert "records of an earlier release" in capsys.readouterr().err
    path.write_text(text + text.splitlines()[1])
    with pytest.raises(records.RecordError, match="'a-1' is in it 2 times"):
        list(run.read_all())
    path.write_text(text.splitlines()[0] + "\n")
    with pytest.raises(records.RecordError, match="may have been cut"):
        list(run.read_all())


def test_files_of_others_are_no_records(begun):
    (begun.path / "records" / ".DS_Store").write_bytes(b"\0")
    (begun.path / "records" / "Thumbs.db").write_bytes(b"\0")
    path_of(begun, "._a.1.jsonl").write_bytes(b"\0\5")
    path_of(begun, "notes.txt").write_text("mine")
    path_of(begun, "a.copy.jsonl").write_text("mine")
    assert names_of(begun) == ["a", "b"]
    assert attempts_of(begun) == {("set", "a"): 1, ("set", "b"): 1}


def test_reasons_are_text_that_any_file_can_have(begun):
    row = records.row("c-1", "failed", "bad \udce9 \ud800 \x00\x1b[31m é\n")
    begun.write(records.Record("set", "c", (row,)))
    (reason,) = begun.read(path_of(begun, "c.1.jsonl")).reasons
    assert reason == "bad \\udce9 \\ud800 \\x00\\x1b[31m é\n"
    reason.encode()


def test_a_name_that_is_not_utf8_is_a_file_name():
    names = {store.file_name(text) for text in ("caf\udce9", "café", "caf%E9")}
    assert len(names) == 3
    assert all(name.isascii() for name in names)


def test_a_damaged_record_says_nothing_about_results(begun):
    path_of(begun).write_text("")
    assert begun.has_results()
    path_of(begun, "b.1.jsonl").write_text("{")
    assert not begun.has_results()


def test_what_killed_processes_were_writing_is_removed_later(begun):
    left, fresh = path_of(begun, ".a.2.jsonl.7.partial"), path_of(begun, ".b.8.partial")
    for path in (left, fresh):
        path.write_text("half")
    os.utime(left, (0, 0))
    begin(begun.path)
    assert not left.exists()
    assert fresh.exists()
