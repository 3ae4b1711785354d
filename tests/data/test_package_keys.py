"""A package's key: it changes with all that its readers read, and with nothing else."""

import os
import pathlib
import sys

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax.data import readers, specs
from rclicks_jax.data.raw import clicks_csv, listing, sources

LATER = "mine,a,,a_x_fn,fn,x,pc,1,2,64,48"
OTHER = np.full((48, 64), 255, np.uint8)


def key_of(folder, **changes):
    return readers.fingerprint(specs.DataSpec("folder", folder, **changes))


@pytest.fixture
def folder(tmp_path):
    """Photographs with lists, clicks and previous masks, some of it above."""
    made = make_folder(tmp_path / "above" / "mine")
    text = ",".join(clicks_csv.COLUMNS) + f"\n{LATER}\n"
    (made.parent / "clicks.csv").write_text(text)
    (made.parent / "train.txt").write_text("a\nb\n")
    (made / "val.txt").write_text("c\n")
    write_image(made.parent / "prev_masks" / "a_x_fn.png", OTHER)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "images/a.png",
        "masks/a.png",
        "val.txt",
        "../train.txt",
        "../clicks.csv",
        "../prev_masks/a_x_fn.png",
    ],
)
def test_content_of_the_same_size_and_time_changes_the_key(folder, name):
    before, path = key_of(folder), folder / name
    assert key_of(folder) == before
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert key_of(folder) != before


@pytest.mark.parametrize(
    "name",
    [
        "images/new.png",
        "images/a.webp",
        "masks/new.png",
        "masks/a.bmp",
        "masks/new/1.png",
        "images/x.jfif",
        "train.txt",
        "mine_train.txt",
        "../mine_val.txt",
        "clicks.csv",
        "../previews.csv",
        "prev_masks/a_x_fn.png",
        "SUBSEC_MASKS/all_benchmark_datasets/fn_fp/a_x_fn.png",
        "../SUBSEC_MASKS/all_benchmark_datasets/fn_fp/a_x_fn.png",
    ],
)
def test_a_file_that_would_be_read_changes_the_key_when_it_comes(folder, name):
    before, path = key_of(folder), folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".txt", ".csv"):
        path.write_text(
            (folder.parent / "clicks.csv").read_text() * path.match("*.csv")
        )
    else:
        write_image(path.with_suffix(".png"), OTHER)
        path.with_suffix(".png").replace(path)
    assert key_of(folder) != before


@pytest.mark.parametrize(
    "name",
    ["notes.md", "images/.DS_Store", "masks/._a.png", "../x.txt", "prev_masks/z"],
)
def test_what_is_not_read_changes_nothing(folder, name):
    before = key_of(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    assert key_of(folder) == before


def test_what_lies_behind_links_counts(folder, tmp_path):
    store = tmp_path / "store"
    (folder / "masks").rename(store)
    (folder / "masks").symlink_to(store)
    (folder / "images" / "loop").symlink_to("..")
    before = key_of(folder)
    write_image(store / "a.png", OTHER)
    changed = key_of(folder)
    assert changed != before
    # Another folder with the same names, sizes and times.
    other = tmp_path / "other"
    other.mkdir()
    for path in store.iterdir():
        stat = path.stat()
        (other / path.name).write_bytes(path.read_bytes())
        os.utime(other / path.name, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (folder / "masks").unlink()
    (folder / "masks").symlink_to(other)
    assert key_of(folder) != changed


def test_links_behind_a_coco_file_count_and_end(tmp_path):
    folder, store = tmp_path / "images", tmp_path / "store"
    write_image(store / "deep" / "a.png", OTHER)
    folder.mkdir()
    (folder / "linked").symlink_to(store)
    (store / "loop").symlink_to(folder)
    (tmp_path / "x.json").write_text(
        '{"images": [{"id": 1, "file_name": "linked/deep/a.png", "width": 64, '
        '"height": 48}], "annotations": [{"id": 1, "image_id": 1, "iscrowd": 0, '
        '"segmentation": [[1, 1, 9, 1, 9, 9]]}]}'
    )
    spec = specs.DataSpec("coco", folder, tmp_path / "x.json")
    before = readers.fingerprint(spec)
    write_image(store / "deep" / "a.png", OTHER // 2)
    changed = readers.fingerprint(spec)
    assert changed != before
    (tmp_path / "x.json").write_text((tmp_path / "x.json").read_text() + " ")
    assert readers.fingerprint(spec) != changed


def test_the_way_a_folder_is_named_does_not_count(folder, monkeypatch):
    before = key_of(folder)
    monkeypatch.chdir(folder.parent)
    assert key_of(pathlib.Path("mine")) == before
    assert key_of(folder, max_side=32) != before


def test_readers_read_nothing_that_they_do_not_declare(folder):
    source = sources.open_source(specs.DataSpec("folder", folder))
    opened, watching = set(), [True]

    def watch(event, arguments):
        if watching and event == "open" and isinstance(arguments[0], str | os.PathLike):
            opened.add(os.path.realpath(arguments[0]))

    sys.addaudithook(watch)
    clicks_csv.read_all.__globals__["_read"].cache_clear()
    source = sources.open_source(specs.DataSpec("folder", folder))
    for split in source.split_names:
        assert list(source.images(split)) + list(source.tasks(split))
    watching.clear()
    above = os.path.realpath(folder.parent)
    read = {path for path in opened if path.startswith(above)}
    assert len(read) == 10
    assert read <= {os.path.realpath(path) for path in source.files()}


@hypothesis.given(data=st.data())
@hypothesis.settings(deadline=None, max_examples=25)
def test_every_change_of_a_readable_file_and_no_other_counts(tmp_path_factory, data):
    folder = make_folder(tmp_path_factory.mktemp("key") / "mine", ("a", "b"))
    before = key_of(folder)
    place = data.draw(st.sampled_from(["", "images", "masks", "masks/a", "other"]))
    stem = data.draw(st.sampled_from(["a", "z", "._a", ".x", "train", "notes"]))
    suffix = data.draw(st.sampled_from([".png", ".JPG", ".txt", ".gif", ""]))
    path = folder / place / (stem + suffix)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"new")
    listed = place in ("images", "masks", "masks/a") and not listing.is_junk(path.name)
    is_list = place == "" and path.name == "train.txt"
    assert (key_of(folder) != before) == (listed or is_list or place == "masks/a")


def test_the_version_of_the_readers_follows_from_their_source(tmp_path, monkeypatch):
    found = readers.modules()
    for name in ("data.raw.folders", "data.raw.coco", "ops.images", "ops.letterbox"):
        assert f"rclicks_jax.{name}" in found
    assert "rclicks_jax.metrics.interaction" not in found
    before = readers.version()
    changed = tmp_path / "images.py"
    source = found["rclicks_jax.ops.images"].read_text()
    changed.write_text(f"{source}\n_MORE = 1\n")
    edited = {**found, "rclicks_jax.ops.images": changed}
    monkeypatch.setattr(readers, "modules", lambda: edited)
    readers.version.cache_clear()
    assert readers.version() != before
    readers.version.cache_clear()


def test_every_library_that_readers_decode_with_is_part_of_their_version():
    used = {
        name.split(".")[0]
        for path in readers.modules().values()
        for name in readers.imported(path)
    }
    # Neither decodes, draws nor resizes.
    others = {"rclicks_jax", "absl", "etils", "jax", "tqdm"}
    assert used - set(sys.stdlib_module_names) - others <= set(readers.LIBRARIES)


def test_a_file_that_may_be_read_now_makes_another_package(tmp_path, monkeypatch):
    spec = specs.DataSpec("folder", make_folder(tmp_path / "mine", ("a",)))
    readable = readers.fingerprint(spec)
    # As of a user who is not in the file's group yet: nothing of the file differs.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert readers.fingerprint(spec) != readable
