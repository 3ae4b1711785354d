import concurrent.futures
import json
import pathlib
import re
import time

import numpy as np
import pytest

from rclicks_jax import cache as user_cache
from rclicks_jax import errors
from rclicks_jax.data import letterbox_cache, packages, preprocess, specs
from rclicks_jax.data.synthetic import later_tasks

SETTINGS = letterbox_cache.LetterboxSettings(size=32, sigma=20.0)


@pytest.fixture(scope="module")
def package():
    return packages.open_clicks(specs.parse("sample")[0])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(user_cache.VARIABLE, str(tmp_path))
    return tmp_path / "squares"


def equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_what_lies_on_disk_is_what_was_made(package, cache):
    prepared = letterbox_cache.prepare(package, "val", SETTINGS, workers=2)
    rows = package.select("val")
    assert len(prepared) == len(rows) > 64
    for index in (0, 63, 64, len(rows) - 1):
        made = preprocess.pack(package.read(rows[index]), 32, 20.0)
        assert equal(prepared[index], made)
    example = prepared[0]
    assert example.image.dtype == example.masks.dtype == np.uint8
    assert example.click_map.dtype == np.float16
    y0, y1, x0, x1 = example.box
    assert example.image[y0:y1, x0:x1].any()
    assert not example.image[:y0].any()


def test_an_interrupted_build_goes_on_with_the_next_part(package, cache, monkeypatch):
    whole = letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    (folder,) = cache.iterdir()
    (folder / letterbox_cache.INDEX_NAME).unlink()
    last = sorted(folder.glob("part-*.npy"))[-1]
    expected = last.read_bytes()
    last.unlink()
    pathlib.Path(f"{last}.json").unlink()
    made = []
    pack = preprocess.pack
    monkeypatch.setattr(preprocess, "pack", lambda *args: made.append(1) or pack(*args))
    again = letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    assert len(made) == len(whole) % 64
    assert last.read_bytes() == expected
    assert again.counts == whole.counts


def test_other_settings_are_other_examples(package, cache):
    first = letterbox_cache.prepare(package, "val", SETTINGS, workers=2)
    other = letterbox_cache.LetterboxSettings(size=32, sigma=40.0)
    second = letterbox_cache.prepare(package, "val", other, workers=2)
    assert not equal(first[0], second[0])
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_package_is_no_smaller_dataset(package, cache, monkeypatch):
    def broken(_):
        raise errors.DataError("the package is damaged")

    monkeypatch.setattr(package, "read", broken)
    with pytest.raises(errors.DataError, match="the package is damaged"):
        letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    assert not list(cache.rglob(letterbox_cache.INDEX_NAME))


def test_a_cache_that_cannot_be_written_says_what_to_do(package, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv(user_cache.VARIABLE, str(blocked))
    with pytest.raises(
        errors.DataError, match=r"Not a directory.*\$RCLICKS_CACHE names"
    ):
        letterbox_cache.prepare(package, "val", SETTINGS, workers=1)


def test_later_tasks_make_the_share_asked_for_and_are_counted(package, cache):
    settings = letterbox_cache.LetterboxSettings(
        size=32, sigma=20.0, later_share=0.2, later_kinds=("dilated", "part_lost")
    )
    prepared = letterbox_cache.prepare(package, "val", settings, workers=2)
    first = sum(row.click_type == "first" for row in package.select("val"))
    synthetic = sum(n for what, n in prepared.counts.items() if "synthetic fn" in what)
    synthetic += sum(n for what, n in prepared.counts.items() if "synthetic fp" in what)
    skipped = prepared.counts["synthetic later tasks skipped"]
    assert synthetic + skipped == round(first * 0.25)
    assert len(prepared) == len(package.select("val")) + synthetic
    index = json.loads((next(cache.iterdir()) / letterbox_cache.INDEX_NAME).read_text())
    assert index["settings"]["later_share"] == 0.2


@pytest.mark.parametrize("kind", ["dilated", "neighbour", "shifted", "part_lost"])
def test_a_later_task_has_an_error_that_is_not_the_target(package, kind):
    row = next(row for row in package.select("val") if row.click_type == "first")
    first = package.read(row)
    task = later_tasks.make(first, kind)
    assert task is not None
    assert task.input_device == "synthetic"
    assert not np.array_equal(task.error_mask, first.error_mask)
    region = task.error_mask > 0.5
    inside = region[tuple(task.clicks_yx.T)].mean()
    assert inside > 0.5
    again = later_tasks.make(first, kind)
    assert again is not None
    np.testing.assert_array_equal(again.clicks_yx, task.clicks_yx)


def test_shares_and_distortions_that_cannot_be_are_refused():
    names = [f"object {i}" for i in range(10)]
    assert len(later_tasks.plan(names, 0.5, ("dilated", "shifted"))) == 10
    with pytest.raises(errors.BadValueError, match=r"later_share.*0 to 0\.50"):
        later_tasks.plan(names, 0.6, ("dilated",))
    with pytest.raises(errors.BadValueError, match="bent"):
        later_tasks.plan(names, 0.1, ("bent",))


@pytest.mark.parametrize("text", ["{", "{}", '{"counts": {}, "lengths": "x"}'])
def test_a_cut_index_is_named(tmp_path, text):
    (tmp_path / letterbox_cache.INDEX_NAME).write_text(text)
    with pytest.raises(errors.DataError, match=r"index\.json is damaged.*Remove the"):
        letterbox_cache.LetterboxCache(tmp_path)


def flipped(whole, place):
    return whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :]


def refused(package):
    """Returns the numbers of the examples that are refused as damaged."""
    source = letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    numbers = []
    for number in range(len(source)):
        try:
            source[number]
        except errors.DataError as error:
            numbers.append(number)
            said = str(error)
    if numbers:
        assert re.search("part-00001.npy is damaged.*Remove the", said)
    return numbers


def test_what_is_not_what_was_written_is_no_example(package, cache):
    count = len(letterbox_cache.prepare(package, "val", SETTINGS, workers=1))
    assert refused(package) == []
    (folder,) = cache.iterdir()
    path = folder / "part-00001.npy"
    whole = path.read_bytes()
    size = (len(whole) - 128) // (count - 64)
    for number in (64, 70, count - 1):
        path.write_bytes(flipped(whole, 128 + (number - 64) * size + size // 3))
        # A host that shares the data with others reads no example but its own.
        assert refused(package) == [number]
    # The type of a field, and a cut file, are of all.
    for broken in (whole.replace(b"|u1", b"|i1", 1), whole[:-1], whole[:100]):
        path.write_bytes(broken)
        assert refused(package) == list(range(64, count))


def test_a_damaged_index_is_named(package, cache):
    letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    (folder,) = cache.iterdir()
    path = folder / letterbox_cache.INDEX_NAME
    whole = path.read_bytes()
    for broken in (flipped(whole, whole.index(b"64")), whole[:100]):
        path.write_bytes(broken)
        with pytest.raises(errors.DataError, match=r"index\.json is damaged.*Remove"):
            letterbox_cache.prepare(package, "val", SETTINGS, workers=1)


def test_threads_open_one_part_at_a_time(package, cache, monkeypatch):
    source = letterbox_cache.prepare(package, "val", SETTINGS, workers=1)
    load, inside, most = np.load, [], []

    def watched(*arguments, **options):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        rows = load(*arguments, **options)
        inside.pop()
        return rows

    monkeypatch.setattr(np, "load", watched)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(source.__getitem__, (0, 64, 1, 65)))) == 4
    assert max(most) == 1
