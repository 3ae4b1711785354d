import dataclasses
import errno
import json
import os
import shutil

import hypothesis
import hypothesis.strategies as st
import pytest
from etils import epath

from rclicks_jax import config, errors
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import files, store
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


@pytest.mark.parametrize(
    "text", ["", "{}", "not json", '{"kind":"image"}\n', 100_000 * "["]
)
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
    with pytest.raises(
        errors.RunFolderError, match=r"not a run folder: .*no run\.json"
    ):
        store.RunFolder(tmp_path).info()
    with pytest.raises(errors.RunFolderError, match=r"there is no such folder\.$"):
        store.RunFolder(tmp_path / "nowhere").info()


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


@pytest.fixture
def begun(tmp_path):
    """A folder of a run with records of the images a and b."""
    folder = store.RunFolder(tmp_path / "run")
    folder.begin({"seed": 1}, {})
    folder.write(record())
    folder.write(record("b"))
    return folder


def path_of(folder, name="a.1.jsonl"):
    return folder.path / "records" / "set" / name


def test_of_two_that_start_at_once_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr(store.RunFolder, "exists", lambda self: False)
    first, second = store.RunFolder(tmp_path), store.RunFolder(tmp_path)
    first.begin({"seed": 1}, {})
    with pytest.raises(errors.RunFolderError, match="seed was 1 and is 2"):
        second.begin({"seed": 2}, {})
    second.begin({"seed": 1}, {})
    assert first.info()["hashed"] == {"seed": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_one_starts_where_files_cannot_be_linked(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", refused)
    assert files.create(epath.Path(tmp_path / "a"), b"first")
    assert not files.create(epath.Path(tmp_path / "a"), b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


def test_records_say_whose_they_are(begun):
    (first, _) = begun.read_all()
    assert first.run == begun.info()["hash"] == store.hash_of({"seed": 1})


def test_records_whose_run_is_lost_are_adopted_by_it_alone(begun, capsys):
    (begun.path / "run.json").unlink()
    with pytest.raises(
        errors.RunFolderError, match=r"2 records but no run\.json; 2 of"
    ):
        store.RunFolder(begun.path).begin({"seed": 2}, {})
    assert not begun.exists()
    again = store.RunFolder(begun.path)
    again.begin({"seed": 1}, {})
    assert "has lost its run.json; its 2 records" in capsys.readouterr().err
    assert [one.image_id for one in again.read_all()] == ["a", "b"]


def test_a_record_of_another_run_is_refused(begun, tmp_path):
    other = store.RunFolder(tmp_path / "other")
    other.begin({"seed": 2}, {})
    other.write(record(attempt=2))
    shutil.copy(path_of(other, "a.2.jsonl"), path_of(begun, "a.2.jsonl"))
    with pytest.raises(records.RecordError, match=r"a\.2\.jsonl.*of another run"):
        list(begun.read_all())


def test_a_failure_of_another_run_is_no_record_of_this_one(begun, tmp_path):
    other = store.RunFolder(tmp_path / "other")
    other.begin({"seed": 2}, {})
    other.write(record(attempt=2, status="failed"))
    shutil.copy(path_of(other, "a.2.jsonl"), path_of(begun, "a.2.jsonl"))
    assert [one.image_id for one in begun.read_all()] == ["b"]


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda text: text.partition("\n")[0] + "\n", "not the 1 that were written"),
        (lambda text: text[:-20], "it was cut|not the 1"),
        (lambda text: text.replace("[5,6]", "[5,7]"), "not the 1 that were written"),
        (lambda text: text.replace('"encodes":1', '"encodes":2'), "its checksum"),
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


def unsealed(text):
    """A record as earlier releases wrote it."""
    head, *rows = map(json.loads, text.splitlines())
    for key in ("objects", "body", "run", "checksum"):
        head.pop(key)
    return "".join(json.dumps(row) + "\n" for row in (head, *rows))


def test_records_of_an_earlier_release_are_read_with_a_word(begun, capsys):
    before = list(begun.read_all())
    for name in ("a.1.jsonl", "b.1.jsonl"):
        path_of(begun, name).write_text(unsealed(path_of(begun, name).read_text()))
    with pytest.raises(records.RecordError, match="does not say of which run"):
        list(begun.read_all())
    run = begun.path / "run.json"
    run.write_text(json.dumps({**json.loads(run.read_text()), "format": 1}))
    begun = store.RunFolder(begun.path)
    found = list(begun.read_all())
    assert [one.instances for one in found] == [one.instances for one in before]
    assert "records of an earlier release" in capsys.readouterr().err
    doubled = unsealed(records.to_lines(record()))
    path_of(begun).write_text(doubled + doubled.splitlines()[1])
    with pytest.raises(records.RecordError, match="'a-1' is in it 2 times"):
        list(begun.read_all())


def test_files_of_others_are_no_records(begun):
    (begun.path / "records" / ".DS_Store").write_bytes(b"\0")
    (begun.path / "records" / "Thumbs.db").write_bytes(b"\0")
    path_of(begun, "._a.1.jsonl").write_bytes(b"\0\5")
    path_of(begun, "notes.txt").write_text("mine")
    path_of(begun, "a.copy.jsonl").write_text("mine")
    assert [one.image_id for one in begun.read_all()] == ["a", "b"]
    assert begun.attempts() == {("set", "a"): 1, ("set", "b"): 1}


def test_reasons_are_text_that_any_file_can_have(begun):
    odd = dataclasses.replace(
        record("c").instances[0],
        status="failed",
        reason="bad \udce9 \ud800 \x00\x1b[31m é\n",
    )
    begun.write(dataclasses.replace(record("c"), instances=(odd,)))
    reason = begun.read("set", "c", 1).instances[0].reason
    assert reason == "bad \\udce9 \\ud800 \\x00\\x1b[31m é\n"
    reason.encode()


def test_a_name_that_is_not_utf8_is_a_file_name():
    names = {store.file_name(text) for text in ("caf\udce9", "café", "caf%E9")}
    assert len(names) == 3
    assert all(name.isascii() for name in names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "lacks hash, hashed, noted"),
        ("[]", "not of a run"),
        ("", "cannot be read"),
        ('{"format": "two", "hash": "", "hashed": {}, "noted": {}}', "not those of"),
        ('{"format": 2, "hash": "", "hashed": [], "noted": {}}', "not those of a run"),
        ('{"format": 2, "hash": "", "hashed": {}, "noted": null}', "not those of a"),
        ('{"format": 2, "hash": "a", "hashed": {"seed": 1}, "noted": {}}', "its hash"),
        ('{"format": 99, "hash": "", "hashed": {}, "noted": {}}', "is of format 99"),
    ],
)
def test_what_is_no_run_of_this_release_is_named(tmp_path, text, message):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(errors.RunFolderError, match=message):
        store.RunFolder(tmp_path).info()


def test_a_run_of_an_earlier_release_goes_on_with_what_its_protocol_lacks(tmp_path):
    paper = dataclasses.asdict(config.PAPER)
    known = {key: value for key, value in paper.items() if key != "stop_at"}
    store.RunFolder(tmp_path).begin({"protocol": known}, {})
    store.RunFolder(tmp_path).begin({"protocol": paper}, {})
    with pytest.raises(errors.RunFolderError, match=r"stop_at was 0 and is 90"):
        store.RunFolder(tmp_path).begin({"protocol": {**paper, "stop_at": 90}}, {})


def test_other_means_are_said_when_a_run_goes_on(tmp_path, capsys):
    folder = store.RunFolder(tmp_path)
    folder.begin({"seed": 1}, {"cores": 8, "batches": {"click_maps": 10}})
    folder.begin({"seed": 1}, {"cores": 8, "batches": {"click_maps": 10}})
    assert not capsys.readouterr().err
    folder.begin({"seed": 1}, {"cores": 1, "batches": {"click_maps": 3}})
    said = capsys.readouterr().err
    assert "cores was 8 and is 1" in said
    assert "batches.click_maps was 10 and is 3" in said


def test_a_run_without_results_starts_again_when_its_segmenter_is_mended(tmp_path):
    folder = store.RunFolder(tmp_path)
    folder.begin({"seed": 1, "segmenter": "ill"}, {})
    folder.write(record(status="failed"))
    again = store.RunFolder(tmp_path)
    asked = {"seed": 1, "segmenter": "well"}
    for mendable, has_results in (((), False), (("segmenter",), True)):
        with pytest.raises(errors.RunFolderError, match="holds a run of something"):
            again.begin(
                asked, {}, mendable=mendable, has_results=lambda has=has_results: has
            )
    again.begin(asked, {}, mendable=("segmenter",), has_results=again.has_results)
    assert again.info()["hashed"] == asked
    assert list(again.read_all()) == []


def test_of_two_that_were_mended_and_start_at_once_one_starts(tmp_path):
    folder = store.RunFolder(tmp_path)
    folder.begin({"segmenter": "ill"}, {})
    folder.write(record(status="failed"))
    refused = []

    def begin(name, has_results):
        mended = store.RunFolder(tmp_path)
        try:
            mended.begin(
                {"segmenter": name},
                {},
                mendable=("segmenter",),
                has_results=has_results,
            )
        except errors.RunFolderError as error:
            refused.append(str(error))
        return mended

    others = []

    def has_results():
        # The other one finds the ill run as well, before its place is taken.
        others.append(begin("other", lambda: False))
        return False

    begin("one", has_results)
    (message,) = refused
    assert 'segmenter was "other" and is "one"' in message
    others[0].write(record(attempt=2))
    assert [each.attempt for each in store.RunFolder(tmp_path).read_all()] == [2]


def test_a_process_writes_for_the_run_that_it_started(tmp_path):
    first = store.RunFolder(tmp_path)
    first.begin({"seed": 1}, {})
    (tmp_path / "run.json").unlink()
    second = store.RunFolder(tmp_path)
    second.begin({"seed": 2}, {})
    first.write(record())
    with pytest.raises(records.RecordError, match="of another run"):
        list(second.read_all())


def test_a_run_that_has_not_tried_anything_is_not_replaced(tmp_path):
    store.RunFolder(tmp_path).begin({"segmenter": "ill"}, {})
    with pytest.raises(errors.RunFolderError, match="holds a run of something else"):
        store.RunFolder(tmp_path).begin(
            {"segmenter": "well"},
            {},
            mendable=("segmenter",),
            has_results=lambda: False,
        )


def test_a_damaged_record_says_nothing_about_results(begun):
    path_of(begun).write_text("")
    assert begun.has_results()
    path_of(begun, "b.1.jsonl").write_text("{")
    assert not begun.has_results()


def test_keys_that_are_numbers_have_the_hash_of_their_text(tmp_path):
    hashed = {"segmenter": {str(n): n for n in range(12)}}
    numbers = {"segmenter": {n: n for n in range(12)}}
    store.RunFolder(tmp_path).begin(numbers, {})
    assert store.RunFolder(tmp_path).run == store.hash_of(hashed)


def test_what_killed_processes_were_writing_is_removed_later(begun):
    left, fresh = path_of(begun, ".a.2.jsonl.7.partial"), path_of(begun, ".b.8.partial")
    for path in (left, fresh):
        path.write_text("half")
    os.utime(left, (0, 0))
    begun.begin({"seed": 1}, {})
    assert not left.exists()
    assert fresh.exists()
