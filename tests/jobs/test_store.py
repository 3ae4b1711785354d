"""A run folder: started, gone on with, refused; whose its records are."""

import dataclasses
import errno
import json
import os
import shutil

import hypothesis
import hypothesis.strategies as st
import pytest
from etils import epath
from recorded_runs import provenance_of

from rclicks_jax import config, errors
from rclicks_jax.jobs import files, identity, records, store

NOTED = provenance_of(["rclicks-benchmark"])


@dataclasses.dataclass(frozen=True)
class Asked:
    """What can change a number of these runs."""

    seed: int = 1
    segmenter: dict = dataclasses.field(default_factory=dict)
    protocol: config.Protocol = config.PAPER
    parts: tuple[int, ...] = (1, 2)


def begin(folder, *, noted=NOTED, mendable=(), **asked):
    """Starts a run; returns its folder."""
    run = store.RunFolder(folder)
    run.begin("benchmark", Asked(**asked), noted, mendable=mendable)
    return run


def record(name="a", attempt=1, status="ok", **facts):
    row = records.row("a-1", status, "why" * (status != "ok"), numbers=[5, 6])
    return records.Record("set", name, (row,), {"encodes": 1, **facts}, attempt=attempt)


def names_of(folder):
    return [each.name for each in folder.read_all()]


def attempts_of(folder):
    return {key: attempt for key, (attempt, _) in folder.newest().items()}


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


def test_a_folder_goes_on_only_with_the_same_run(tmp_path):
    folder = begin(tmp_path)
    begin(tmp_path, noted=dataclasses.replace(NOTED, platform="elsewhere"))
    info = folder.info()
    assert (info.kind, info.format) == ("benchmark", 3)
    assert info.provenance == json.loads(json.dumps(dataclasses.asdict(NOTED)))
    assert identity.from_json(Asked, info.identity, "it") == Asked()
    with pytest.raises(
        errors.RunFolderError, match=r'protocol\.name was "paper" and is "strict"'
    ):
        begin(tmp_path, protocol=config.STRICT)


def test_a_folder_of_another_job_is_refused_in_words(tmp_path):
    begin(tmp_path)
    said = "holds a run of something else: benchmark, not click maps. Take another"
    with pytest.raises(errors.RunFolderError, match=said):
        store.RunFolder(tmp_path).begin("click_maps", Asked(), NOTED)


def test_a_folder_without_a_run_says_so(tmp_path):
    with pytest.raises(
        errors.RunFolderError, match=r"not a run folder: .*no run\.json"
    ):
        store.RunFolder(tmp_path).info()
    with pytest.raises(errors.RunFolderError, match=r"there is no such folder\.$"):
        store.RunFolder(tmp_path / "nowhere").info()


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


def test_hashes_do_not_depend_on_the_order_of_keys():
    first = identity.hash_of({"a": 1, "b": [1, 2]})
    assert first == identity.hash_of(json.loads('{"b": [1, 2], "a": 1}'))
    assert first != identity.hash_of({"a": 1, "b": [2, 1]})


@pytest.fixture
def begun(tmp_path):
    """A folder of a run with records of the images a and b."""
    folder = begin(tmp_path / "run")
    folder.write(record())
    folder.write(record("b"))
    return folder


def path_of(folder, name="a.1.jsonl"):
    return folder.path / "records" / "set" / name


def test_of_two_that_start_at_once_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr(store.RunFolder, "exists", lambda self: False)
    first = begin(tmp_path)
    with pytest.raises(errors.RunFolderError, match="seed was 1 and is 2"):
        begin(tmp_path, seed=2)
    begin(tmp_path)
    assert first.info().identity["seed"] == 1
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


# As format 1 had an image; it named neither run nor number of objects.
OLD_IMAGE = {
    "kind": "image", "dataset": "set", "image_id": "a", "attempt": 1, "encodes": 1,
    "seconds": {"encode": 0.1},
}  # fmt: skip
OLD_OBJECT = {
    "kind": "instance", "instance_id": "a-1", "status": "skipped", "reason": "why",
    "area": 0, "input_device": "", "trajectories": [],
}  # fmt: skip


def old_run(number, **hashed):
    """Returns a `run.json` of an earlier format."""
    hashed = {"seed": 1, **hashed}
    plain = {"hash": identity.hash_of(hashed), "hashed": hashed, "noted": {}}
    return json.dumps({"format": number, **plain} if number > 1 else plain)


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "lacks hash, hashed, noted"),
        ('{"format": 3}', "lacks hash, kind, identity, provenance"),
        (
            '{"format": 3, "hash": "a", "kind": "benchmark", "identity": {}, '
            '"provenance": {}}',
            "its hash",
        ),
        (
            '{"format": 3, "hash": "a", "kind": 7, "identity": {}, "provenance": {}}',
            "not those of a run",
        ),
        ("[]", "not of a run"),
        ("", "cannot be read"),
        ('{"format": "two", "hash": "", "hashed": {}, "noted": {}}', "not of a run"),
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
    (tmp_path / "run.json").write_text(
        old_run(2, protocol=known, parts=[1, 2], segmenter={})
    )
    before = (tmp_path / "run.json").read_bytes()
    begin(tmp_path)
    early = dataclasses.replace(config.PAPER, stop_at=90)
    with pytest.raises(errors.RunFolderError, match=r"stop_at was 0 and is 90"):
        begin(tmp_path, protocol=early)
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_setting_that_this_release_does_not_have_is_named(tmp_path):
    (tmp_path / "run.json").write_text(old_run(2, gravity=9.8))
    with pytest.raises(errors.RunFolderError, match=r"not have: gravity\. Read it"):
        begin(tmp_path)


def test_other_means_are_said_when_a_run_goes_on(tmp_path, capsys):
    eight = dataclasses.replace(NOTED, cores=8, batches={"click_maps": 10})
    for _ in range(2):
        begin(tmp_path, noted=eight)
    assert not capsys.readouterr().err
    begin(tmp_path, noted=dataclasses.replace(NOTED, batches={"click_maps": 3}))
    said = capsys.readouterr().err
    assert "cores was 8 and is 1" in said
    assert "batches.click_maps was 10 and is 3" in said


ILL, WELL, OTHER = {"name": "ill"}, {"name": "well"}, {"name": "other"}


def test_a_run_without_results_starts_again_when_its_segmenter_is_mended(tmp_path):
    begin(tmp_path, segmenter=ILL).write(record(status="failed"))
    for changes in (
        {"segmenter": WELL},
        {"segmenter": WELL, "seed": 2, "mendable": ("segmenter",)},
    ):
        with pytest.raises(errors.RunFolderError, match="holds a run of something"):
            begin(tmp_path, **changes)
    again = begin(tmp_path, segmenter=WELL, mendable=("segmenter",))
    assert again.info().identity["segmenter"] == WELL
    assert list(again.read_all()) == []
    again.write(record(attempt=2))
    with pytest.raises(errors.RunFolderError, match='was "well" and is "other"'):
        begin(tmp_path, segmenter=OTHER, mendable=("segmenter",))


def test_of_two_that_were_mended_and_start_at_once_one_starts(tmp_path, monkeypatch):
    begin(tmp_path, segmenter=ILL).write(record(status="failed"))
    plain, others = store.RunFolder.has_results, []

    def has_results(folder):
        # The other one finds the ill run as well, before its place is taken.
        monkeypatch.setattr(store.RunFolder, "has_results", plain)
        others.append(begin(tmp_path, segmenter=OTHER, mendable=("segmenter",)))
        return plain(folder)

    monkeypatch.setattr(store.RunFolder, "has_results", has_results)
    with pytest.raises(errors.RunFolderError, match='was "other" and is "well"'):
        begin(tmp_path, segmenter=WELL, mendable=("segmenter",))
    others[0].write(record(attempt=2))
    assert [each.attempt for each in store.RunFolder(tmp_path).read_all()] == [2]


def test_a_process_writes_for_the_run_that_it_started(tmp_path):
    first = begin(tmp_path)
    (tmp_path / "run.json").unlink()
    second = begin(tmp_path, seed=2)
    first.write(record())
    with pytest.raises(records.RecordError, match="of another run"):
        list(second.read_all())


def test_a_run_that_has_not_tried_anything_is_not_replaced(tmp_path):
    begin(tmp_path, segmenter=ILL)
    with pytest.raises(errors.RunFolderError, match="holds a run of something else"):
        begin(tmp_path, segmenter=WELL, mendable=("segmenter",))


def test_a_damaged_record_says_nothing_about_results(begun):
    path_of(begun).write_text("")
    assert begun.has_results()
    path_of(begun, "b.1.jsonl").write_text("{")
    assert not begun.has_results()


def test_keys_that_are_numbers_have_the_hash_of_their_text(tmp_path):
    text = {str(n): n for n in range(12)}
    begin(tmp_path, segmenter={n: n for n in range(12)})
    hashed = {"kind": "benchmark", **identity.to_json(Asked(segmenter=text))}
    assert store.RunFolder(tmp_path).run == identity.hash_of(hashed)
    begin(tmp_path, segmenter=text)


def test_what_killed_processes_were_writing_is_removed_later(begun):
    left, fresh = path_of(begun, ".a.2.jsonl.7.partial"), path_of(begun, ".b.8.partial")
    for path in (left, fresh):
        path.write_text("half")
    os.utime(left, (0, 0))
    begin(begun.path)
    assert not left.exists()
    assert fresh.exists()


@pytest.mark.parametrize("name", ["run.json", "records/set/a.1.jsonl"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(begun, name):
    path = begun.path / name
    assert path.exists()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(errors.RunFolderError, match="it is no file"):
        list(store.RunFolder(begun.path).read_all())
