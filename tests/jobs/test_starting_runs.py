"""A run folder is started, gone on with, or refused."""

import dataclasses
import json
import os

import pytest
from etils import epath
from run_folders import ILL, NOTED, OTHER, WELL, Asked, begin, old_run, record

from rclicks_jax import errors
from rclicks_jax.jobs import identity, records, run_files, store
from rclicks_jax.settings import protocols


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
        begin(tmp_path, protocol=protocols.STRICT)


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


def test_hashes_do_not_depend_on_the_order_of_keys():
    first = identity.hash_of({"a": 1, "b": [1, 2]})
    assert first == identity.hash_of(json.loads('{"b": [1, 2], "a": 1}'))
    assert first != identity.hash_of({"a": 1, "b": [2, 1]})


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
    assert run_files.create(epath.Path(tmp_path / "a"), b"first")
    assert not run_files.create(epath.Path(tmp_path / "a"), b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


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
    paper = dataclasses.asdict(protocols.PAPER)
    known = {key: value for key, value in paper.items() if key != "stop_at"}
    (tmp_path / "run.json").write_text(
        old_run(2, protocol=known, parts=[1, 2], segmenter={})
    )
    before = (tmp_path / "run.json").read_bytes()
    begin(tmp_path)
    early = dataclasses.replace(protocols.PAPER, stop_at=90)
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


def test_keys_that_are_numbers_have_the_hash_of_their_text(tmp_path):
    text = {str(n): n for n in range(12)}
    begin(tmp_path, segmenter={n: n for n in range(12)})
    hashed = {"kind": "benchmark", **identity.to_json(Asked(segmenter=text))}
    assert store.RunFolder(tmp_path).run == identity.hash_of(hashed)
    begin(tmp_path, segmenter=text)


@pytest.mark.parametrize("name", ["run.json", "records/set/a.1.jsonl"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(begun, name):
    path = begun.path / name
    assert path.exists()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(errors.RunFolderError, match="it is no file"):
        list(store.RunFolder(begun.path).read_all())
