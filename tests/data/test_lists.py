"""Lists of splits, as editors and shells write them."""

import pytest
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.data import raw, readers, specs
from rclicks_jax.data.raw import lists, sources


def splits_of(tmp_path, train, stems=("a", "b", "c.d")):
    path = tmp_path / "train.txt"
    path.write_bytes(train)
    found, notes = lists.splits(stems, {raw.TRAIN: path})
    return [stem for stem in stems if found[stem] == raw.TRAIN], raw.describe(notes)


@pytest.mark.parametrize(
    "content",
    [
        b"a\nb\n",
        b"a\r\nb",
        b"a\rb\r",
        b"\xef\xbb\xbfa\nb\n",
        "\ufeffa\r\nb\r\n".encode("utf-16-le"),
        "\ufeffa\nb\n".encode("utf-16-be"),
        "a\r\nb\r\n".encode("utf-16-le"),
        "\ufeffa\nb\n".encode("utf-32-le"),
        b"  a  \n\n\t\nb\n# c.d\n",
        b"a.jpg\nimages/b.PNG\n",
        b"images\\a.jpg\n./b\n",
    ],
)
def test_a_list_names_its_photographs_however_it_is_written(tmp_path, content):
    assert splits_of(tmp_path, content) == (["a", "b"], [])


def test_a_stem_may_have_points_and_begin_with_a_hash(tmp_path):
    found, notes = splits_of(tmp_path, b"c.d\n#x\n#y\n", ("c.d", "#x", "c"))
    assert (found, notes) == (["c.d", "#x"], [])


def test_a_stem_that_ends_like_a_file_comes_before_the_stem_without(tmp_path):
    found, _ = splits_of(tmp_path, b"a.jpg\n", ("a.jpg", "a"))
    assert found == ["a.jpg"]


def test_what_matches_nothing_is_counted(tmp_path):
    found, notes = splits_of(tmp_path, b"a\ngone\nB\nlost.jpg\n")
    assert found == ["a"]
    assert notes == [
        "train.txt names photographs that are not there (2: gone, lost.jpg)",
        "train.txt names photographs that are not there but in another case (1: B)",
    ]


@pytest.mark.parametrize("content", [b"a\ncaf\xe9\n", b"\xef\xbb\xbfa\n\xe9\n"])
def test_other_encodings_are_named_by_line(tmp_path, content):
    with pytest.raises(errors.DataError, match=r"train.txt, line 2: .* not UTF-8 text"):
        splits_of(tmp_path, content)


def test_a_photograph_in_both_lists_is_refused(tmp_path):
    folder = make_folder(tmp_path / "mine")
    (folder / "train.txt").write_text("a\nb\n")
    (folder / "val.txt").write_text("b.png\nc\n")
    with pytest.raises(errors.DataError, match=r"both name b\. .* one split only"):
        sources.open_source(specs.DataSpec("folder", folder))


def test_a_list_with_a_mark_holds_no_training_image_out(tmp_path):
    folder = make_folder(tmp_path / "mine")
    (folder / "train.txt").write_bytes(b"\xef\xbb\xbfa\nb\n")
    (folder / "val.txt").write_bytes("\ufeffc\n".encode("utf-16"))
    source = sources.open_source(specs.DataSpec("folder", folder))
    assert source.split_names == ("train", "val")
    held_out = raw.splits_of("mine", source.split_names, raw.HELD_OUT)
    assert [i.image_id for s in held_out for i in source.images(s)] == ["c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        ("a\nb\n".encode("utf-32-le"), "line 1: there are zero bytes"),
        (b"a\0\nb", "line 1: there are zero bytes"),
    ],
)
def test_what_is_no_list_is_named(tmp_path, content, message):
    with pytest.raises(errors.DataError, match=message):
        splits_of(tmp_path, content)


@pytest.mark.parametrize("content", [b"", b"\n\n# none\n"])
def test_an_empty_list_is_noted(tmp_path, content):
    assert splits_of(tmp_path, content) == ([], ["lists are empty (1: train.txt)"])


def test_files_that_look_like_lists_are_noted_and_a_broken_link_is_refused(tmp_path):
    folder = make_folder(tmp_path / "mine")
    for name in ("Train.txt", "val.lst", "mine_val.TXT", "clicks.tsv", "readme.txt"):
        (folder / name).write_text("a\n")
    source = sources.open_source(specs.DataSpec("folder", folder))
    (line,) = raw.describe(source.notes)
    assert "(4: Train.txt, clicks.tsv, mine_val.TXT, val.lst)" in line
    (folder / "val.txt").symlink_to(tmp_path / "gone")
    with pytest.raises(errors.DataError, match=r"val\.txt is a link to .*gone, which"):
        sources.open_source(specs.DataSpec("folder", folder))


def test_lists_beside_a_link_to_the_folder_are_read(tmp_path):
    make_folder(tmp_path / "store" / "mine")
    link = tmp_path / "work" / "mine"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "store" / "mine")
    spec = specs.DataSpec("folder", link)
    before = readers.fingerprint(spec)
    (link.parent / "val.txt").write_text("b\n")
    (image,) = sources.open_source(spec).images("val")
    assert image.image_id == "b"
    assert readers.fingerprint(spec) != before
