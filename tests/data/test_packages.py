import hashlib
import json
import pathlib
import signal
import subprocess
import sys
import time
from concurrent import futures

import numpy as np
import pytest
from clicked_folders import write_clicked
from helpers import make_folder, write_image

from rclicks_jax import cache as locks
from rclicks_jax import errors
from rclicks_jax.data import package_index, packages, packaging, specs


def spec_of(folder):
    return specs.DataSpec("folder", folder)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_folder_is_packaged_once_and_comes_back(tmp_path, cache, caplog):
    folder = make_folder(tmp_path / "mine")
    package = packages.open_instances(spec_of(folder))
    assert not caplog.records
    assert package.dataset == "mine"
    assert [row.name for row in package.rows] == ["a", "b", "c"]
    assert [row.instance_ids for row in package.rows] == [("a",), ("b",), ("c",)]
    example = package.read(package.rows[1])
    assert example.image.shape == (48, 64, 3)
    assert example.image.max() > 150
    (instance,) = example.instances
    assert instance.gt_mask.sum() > 300
    assert instance.ignore_mask is None
    assert instance.user_clicks_yx.shape == (0, 2)
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    times = [path.stat().st_mtime_ns for path in files]
    assert packages.open_instances(spec_of(folder)).checksum == package.checksum
    assert [path.stat().st_mtime_ns for path in files] == times
    assert "tensorflow" not in sys.modules


def test_a_changed_file_makes_another_package_and_keeps_the_first(tmp_path, cache):
    folder = make_folder(tmp_path / "mine")
    before = packages.open_instances(spec_of(folder))
    mask = np.zeros((48, 64), np.uint8)
    mask[5:30, 5:30] = 255
    write_image(folder / "masks" / "b.png", mask)
    after = packages.open_instances(spec_of(folder))
    assert after.checksum != before.checksum
    assert before.read(before.rows[1]).instances[0].gt_mask.sum() != 625
    assert after.read(after.rows[1]).instances[0].gt_mask.sum() == 625


def test_problems_are_packaged_and_named(tmp_path, cache):
    folder = make_folder(tmp_path / "mine")
    (folder / "images" / "a.png").write_bytes(b"broken")
    write_image(folder / "masks" / "b.png", np.zeros((48, 64), np.uint8))
    package = packages.open_instances(spec_of(folder))
    first, second, third = package.rows
    assert "no image" in first.problem
    with pytest.raises(errors.DataError, match="no image that OpenCV can read"):
        package.read(first)
    assert package.read(second).problems == (("b", "the mask has no object pixel"),)
    assert not package.read(second).instances
    assert package.read(third).instances


def test_a_dataset_without_clicks_has_no_tasks(tmp_path, cache):
    folder = make_folder(tmp_path / "mine")
    with pytest.raises(errors.DataError, match="mine has no clicks"):
        packages.open_clicks(spec_of(folder))


def test_threads_wait_for_the_first_read_which_imports_libraries(
    tmp_path, cache, monkeypatch
):
    # Two threads that import TFDS at the same time can wait for each other for ever.
    package = packages.open_instances(spec_of(make_folder(tmp_path / "mine")))
    open_split, events = packages.split_files.open_split, []

    class Slow:
        def __init__(self, source):
            self.source = source

        def __getitem__(self, position):
            events.append("read")
            time.sleep(0.05)
            events.append("end")
            return self.source[position]

    def slowly(folder, split):
        events.append("open")
        time.sleep(0.05)
        return Slow(open_split(folder, split))

    monkeypatch.setattr(packages.split_files, "open_split", slowly)
    with futures.ThreadPoolExecutor(4) as pool:
        examples = list(pool.map(package.read, [*package.rows, *package.rows]))
    assert [example.image_id for example in examples] == ["a", "b", "c"] * 2
    assert events[:3] == ["open", "read", "end"]
    assert events.count("open") == 1


def test_an_unknown_split_lists_what_there_is(sample_instances):
    with pytest.raises(errors.BadValueError, match=r"'dev'.*train, val, all"):
        sample_instances.select("dev")
    assert len(sample_instances.select("all")) == 10
    assert {row.split for row in sample_instances.select("val")} == {"val"}


def test_a_cache_that_cannot_be_written_says_what_to_set(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "file"))
    with pytest.raises(errors.DataError, match=r"cannot be packaged.*\$RCLICKS_CACHE"):
        packages.open_instances(spec_of(make_folder(tmp_path / "mine")))


def test_click_tasks_come_back(sample_instances):
    (spec,) = specs.parse("sample")
    package = packages.open_clicks(spec)
    by_type = {}
    for row in package.rows:
        by_type.setdefault(row.name.rsplit("_", 1)[-1], row)
    later = package.read(by_type["fn"])
    assert later.click_type == "fn"
    assert later.prev_mask.max() == 1
    assert later.input_device == "synthetic"
    target = later.gt_mask.astype(np.float32)
    np.testing.assert_array_equal(later.error_mask, target * (1 - later.prev_mask))
    false = package.read(by_type["fp"])
    np.testing.assert_array_equal(
        false.error_mask, (1 - false.gt_mask) * false.prev_mask
    )
    first = package.read(package.rows[0])
    assert first.prev_mask is None
    np.testing.assert_array_equal(first.error_mask, first.gt_mask.astype(np.float32))


def test_prepare_says_what_it_packaged(tmp_path, cache):
    lines = list(packages.prepare_all(spec_of(make_folder(tmp_path / "mine"))))
    assert lines[0].startswith(
        "mine instances: 3 packaged, 0 of them unusable; checksum "
    )


def test_a_part_of_a_published_dataset_is_noted(tmp_path, cache):
    folder = tmp_path / "DAVIS"
    make_folder(folder)
    (folder / "images").rename(folder / "img")
    (folder / "masks").rename(folder / "gt")
    package = packages.open_instances(specs.DataSpec("DAVIS", folder))
    (note,) = package.notes
    assert "3 images with 3 objects instead of 345 with 345" in note


def test_nothing_is_left_in_the_temporary_folder(tmp_path, cache, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    package = packages.open_instances(spec_of(make_folder(tmp_path / "mine", ("a",))))
    assert package.read(package.rows[0]).instances
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_package_with_a_cut_index_is_made_again(tmp_path, cache, cut):
    spec = spec_of(make_folder(tmp_path / "mine", ("a",)))
    before = packages.open_instances(spec)
    (path,) = cache.rglob(packages.INDEX_NAME)
    path.write_bytes(path.read_bytes()[:cut])
    made_again(spec, path, before)


@pytest.mark.parametrize("lost", ["rows", "checksum", "notes"])
def test_a_package_whose_index_lacks_something_is_made_again(tmp_path, cache, lost):
    spec = spec_of(make_folder(tmp_path / "mine", ("a",)))
    before = packages.open_instances(spec)
    (path,) = cache.rglob(packages.INDEX_NAME)
    index = json.loads(path.read_bytes())
    del index[lost]
    path.write_text(json.dumps(index))
    made_again(spec, path, before)


def made_again(spec, path, before):
    with pytest.raises(errors.DataError, match="no whole package"):
        packages.Package("instances", "mine", path.parent)
    after = packages.open_instances(spec)
    assert after.checksum == before.checksum
    assert after.read(after.rows[0]).instances[0].gt_mask.sum() > 300
    json.loads(path.read_bytes())


def test_a_killed_packaging_is_made_again_and_leaves_nothing(tmp_path, cache):
    folder = make_folder(tmp_path / "mine")
    code = f"""
import os, signal
from rclicks_jax.data import packages, packaging, specs
features = packaging.image_features
def killed(image):
    if image.image_id == "c":
        os.kill(os.getpid(), signal.SIGKILL)
    return features(image)
packaging.image_features = killed
packages.open_instances(specs.parse("folder:{folder}")[0])
"""
    process = subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    assert process.returncode == -signal.SIGKILL
    left = list(cache.rglob("incomplete.*"))
    assert len(left) == 1
    # Another dataset sweeps too, but not what another process is at work on.
    with locks.exclusive(left[0].parents[2]):
        lock = left[0].parents[2] / locks.LOCK_NAME
        holder = lock.read_text()
        packages.open_instances(spec_of(make_folder(tmp_path / "other", ("a",))))
        assert left[0].exists()
        assert lock.read_text() == holder != ""
    package = packages.open_instances(spec_of(folder))
    assert [row.name for row in package.rows] == ["a", "b", "c"]
    assert list(cache.rglob("incomplete.*")) == []
    assert package.read(package.rows[0]).instances


def test_data_that_changes_while_it_is_packaged_is_refused(
    tmp_path, cache, monkeypatch
):
    folder = make_folder(tmp_path / "mine", ("a",))
    build = packages._build

    def change(*arguments):
        build(*arguments)
        (folder / "masks" / "b.png").write_bytes(b"")

    monkeypatch.setattr(packages, "_build", change)
    with pytest.raises(errors.DataError, match="mine changed while it was packaged"):
        packages.open_instances(spec_of(folder))
    assert list(cache.rglob(packages.INDEX_NAME)) == []


def test_a_dataset_with_a_long_name_is_packaged(tmp_path, cache):
    folder = make_folder(tmp_path / ("\u00e9" * 120), ("a",))
    assert packages.open_instances(spec_of(folder)).dataset == folder.name


@pytest.mark.parametrize(
    "raised",
    [
        RuntimeError("write() failed: No space left on device"),
        OSError("Not enough disk space. Needed: Unknown size (download: ...)"),
    ],
)
def test_a_full_disk_is_told_by_libraries_too(tmp_path, cache, monkeypatch, raised):
    folder = make_folder(tmp_path / "mine", ("a",))

    class Full:
        data_dir = "nowhere"

        def download_and_prepare(self, **_):
            raise raised

    build = packages._build
    monkeypatch.setattr(packages, "_build", lambda _, *rest: build(Full(), *rest))
    with pytest.raises(errors.DataError, match=r"No space left on device\. Make room"):
        packages.open_instances(spec_of(folder))


def test_no_flipped_bit_of_an_index_is_taken(tmp_path, cache):
    spec = spec_of(make_folder(tmp_path / "mine", ("a", "b")))
    rows = packages.open_instances(spec).rows
    (path,) = cache.rglob(packages.INDEX_NAME)
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        assert package_index.read(path.parent) is None, damaged[place - 20 : place + 1]
    assert packages.open_instances(spec).rows == rows
    assert json.loads(path.read_bytes())["rows"] == json.loads(whole)["rows"]


def test_a_damaged_package_is_named(tmp_path, cache):
    spec = spec_of(make_folder(tmp_path / "mine", ("a",)))
    package = packages.open_instances(spec)
    (path,) = cache.rglob("*.array_record*")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(errors.DataError, match=r"is damaged .* Remove that folder"):
        package.read(package.rows[0])


def test_what_cannot_be_read_back_is_told_and_made_again(tmp_path, cache, monkeypatch):
    spec = spec_of(make_folder(tmp_path / "mine", ("a",)))

    def cut(builder, *rest):
        build(builder, *rest)
        path = pathlib.Path(builder.data_dir) / "dataset_info.json"
        path.write_bytes(path.read_bytes()[:100])

    build = packages._build
    monkeypatch.setattr(packages, "_build", cut)
    with pytest.raises(errors.DataError, match=r"cannot be read back .* packaged anew"):
        packages.open_instances(spec)
    monkeypatch.setattr(packages, "_build", build)
    package = packages.open_instances(spec)
    assert package.read(package.rows[0]).instances[0].gt_mask.sum() > 300


def test_who_clicked_is_packaged_and_without_it_a_checksum_is_what_it_was(
    tmp_path, cache
):
    clicks = {("a", "pc"): [(30, 14), (35, 16)]}
    folder = write_clicked(tmp_path, clicks, person=True)
    package = packages.open_clicks(spec_of(folder))
    assert package.read(package.rows[0]).people == ("p0", "p1")
    write_clicked(tmp_path, clicks)
    plain = packages.open_clicks(spec_of(folder))
    assert plain.read(plain.rows[0]).people == ()
    assert plain.checksum != package.checksum
    before, now = hashlib.sha256(), hashlib.sha256()
    packaging.update_digest(before, {"clicks_yx": np.zeros(2)})
    packaging.update_digest(now, {"clicks_yx": np.zeros(2), "people": b""})
    assert now.digest() == before.digest()
