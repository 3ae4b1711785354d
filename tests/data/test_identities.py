"""Names are text of one form: what a file gives, a table names and a list holds."""

import csv
import os
import unicodedata

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax.data import specs
from rclicks_jax.data.raw import clicks_csv, identities, listing, sources

COLUMNS = clicks_csv.COLUMNS
NUMBERS = ["25", "20", "64", "48"]
PIXELS = np.zeros((48, 64), np.uint8)


def write_clicks(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def first_click(dataset, stem):
    return [dataset, stem, "", stem, "first", "", "pc", *NUMBERS]


def source_of(folder):
    return sources.open_source(specs.DataSpec("folder", folder))


def objects_of(folder):
    source = source_of(folder)
    return [
        each
        for split in source.split_names
        for image in source.images(split)
        for each in image.objects
    ]


# A name that looks like a number, a truth or nothing is a name.
@pytest.mark.parametrize(
    "stem", ["000001", "1e5", "007", "1.0", "nan", "NA", "None", "null", "True", "-0"]
)
def test_a_stem_that_looks_like_something_else_has_its_clicks(tmp_path, stem):
    folder = make_folder(tmp_path / "007", (stem,))
    write_clicks(folder / "clicks.csv", [first_click("007", stem)])
    (one,) = objects_of(folder)
    assert one.instance_id == stem
    assert one.clicks_yx.tolist() == [[20, 25]]


def test_zeros_stay_wherever_in_a_long_table_they_stand(tmp_path):
    rows = [first_click("other", "x")] * 3000 + [first_click("mine", "000001")] * 3000
    write_clicks(tmp_path / "clicks.csv", rows)
    (key,) = clicks_csv.read(tmp_path / "clicks.csv", "mine")
    assert key == ("000001", "first")


_STEMS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1
).filter(lambda stem: len(stem.encode()) < 200)


@hypothesis.given(stem=_STEMS, form=st.sampled_from(["NFC", "NFD"]))
@hypothesis.settings(deadline=None)
def test_a_stem_written_to_a_table_is_found_again(tmp_path_factory, stem, form):
    path = tmp_path_factory.mktemp("table") / "clicks.csv"
    write_clicks(path, [first_click("mine", unicodedata.normalize(form, stem))])
    ((full_stem, _),) = clicks_csv.read(path, "mine")
    assert full_stem == identities.normal(stem)
    # What the file of the photograph gives, whichever way its name is composed.
    file = path.with_name(unicodedata.normalize(form, stem) + ".png")
    assert identities.stem_of(file) == full_stem


def test_composed_and_decomposed_accents_are_one_name(tmp_path):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    folder = make_folder(tmp_path / "mine", (composed,))
    (folder / "masks" / f"{composed}.png").rename(
        folder / "masks" / f"{decomposed}.png"
    )
    (folder / "train.txt").write_text(f"{decomposed}\n")
    write_clicks(folder / "clicks.csv", [first_click("mine", decomposed)])
    assert source_of(folder).split_names == ("train",)
    (one,) = objects_of(folder)
    assert (one.instance_id, one.problem) == (composed, "")
    assert one.clicks_yx.tolist() == [[20, 25]]


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("images", ("a.png", "a.bmp")),
        ("masks", ("a.png", "a.bmp")),
        ("masks/a", ("x.png", "x.bmp")),
        ("images", ("caf\u00e9.png", "cafe\u0301.png")),
    ],
)
def test_two_files_of_one_name_are_refused_and_the_others_are_read(
    tmp_path, place, names
):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    content = (folder / "masks" / "a.png").read_bytes()
    if place == "masks/a":
        (folder / "masks" / "a.png").unlink()
        (folder / "masks" / "a").mkdir()
    for name in names:
        (folder / place / name).write_bytes(content)
    problems = {each.instance_id: each.problem for each in objects_of(folder)}
    stem = "caf\u00e9" if names[0].startswith("caf") else "a"
    assert "which have one name: rename or remove all but one" in problems[stem]
    assert all(identities.normal(name) in problems[stem] for name in names)
    assert problems["b"] == ""


def test_a_mask_file_beside_a_folder_of_masks_is_refused(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    content = (folder / "masks" / "a.png").read_bytes()
    (folder / "masks" / "a").mkdir()
    (folder / "masks" / "a" / "x.png").write_bytes(content)
    first, second = objects_of(folder)
    assert "masks/ has a.png, a, which have one name" in first.problem
    assert second.problem == ""


def test_names_of_another_case_are_other_names(tmp_path):
    first, second = objects_of(make_folder(tmp_path / "mine", ("A", "a")))
    assert (first.instance_id, second.instance_id) == ("A", "a")
    assert not first.problem + second.problem


def test_an_object_that_is_called_like_another_photograph_is_refused(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a", "a_______x"))
    content = (folder / "masks" / "a.png").read_bytes()
    (folder / "masks" / "a.png").unlink()
    (folder / "masks" / "a").mkdir()
    for name in ("x", "y"):
        (folder / "masks" / "a" / f"{name}.png").write_bytes(content)
    found = [(each.instance_id, bool(each.problem)) for each in objects_of(folder)]
    expected = [("a_______x", True), ("a_______y", False), ("a_______x", False)]
    assert found == expected


def test_a_file_name_that_is_no_text_fails_alone(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    odd = b"caf\xe9.png"
    content = (folder / "images" / "a.png").read_bytes()

    with open(os.path.join(os.fsencode(folder), b"images", odd), "wb") as file:
        file.write(content)
    problems = {each.instance_id: each.problem for each in objects_of(folder)}
    assert problems["caf\\xe9"].startswith("the name of the file is not UTF-8 text")
    assert problems["a"] == problems["b"] == ""


@pytest.mark.parametrize(
    "name",
    ["._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "._.DS_Store", "@eaDir/"],
)
@pytest.mark.parametrize("place", ["images", "masks", "masks/b"])
def test_what_systems_leave_behind_fails_nothing(tmp_path, name, place):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    (folder / "masks" / "b").mkdir()
    (folder / "masks" / "b.png").rename(folder / "masks" / "b" / "1.png")
    path = folder / place / name
    path.mkdir() if name.endswith("/") else path.write_bytes(b"\0\5\x16\7")
    source = source_of(folder)
    assert [each.problem for each in objects_of(folder)] == ["", ""]
    assert list(source.notes) == []


def test_hidden_files_of_other_kinds_are_counted(tmp_path):
    folder = make_folder(tmp_path / "mine")
    (folder / "images" / ".draft.png").write_bytes(b"")
    (note,) = source_of(folder).notes
    assert note.where == ".draft.png"
    assert note.kind == "images/ has hidden files, which are not read"


@pytest.mark.parametrize("suffix", [".jfif", ".gif", ".heic", ".avif", ".txt"])
@pytest.mark.parametrize("place", ["images", "masks"])
def test_files_that_are_not_read_are_counted(tmp_path, suffix, place):
    folder = make_folder(tmp_path / "mine")
    (folder / place / f"x{suffix}").write_bytes(b"")
    (note,) = source_of(folder).notes
    assert note.where == f"x{suffix}"
    assert f"{place}/ has files that end in {suffix}, which are not read" in note.kind


def test_folders_among_photographs_and_masks_of_none_are_counted(tmp_path):
    folder = make_folder(tmp_path / "mine")
    write_image(folder / "images" / "more" / "x.png", PIXELS)
    write_image(folder / "masks" / "gone.png", PIXELS)
    noted = {note.kind: note.where for note in source_of(folder).notes}
    assert noted == {
        "images/ has folders, which are not looked into": "more",
        "masks without a photograph": "gone",
    }


@pytest.mark.parametrize(
    ("there", "hint"),
    [
        ("{}_mask.png", "there is STEM_mask.png: rename it"),
        ("mask-{}.png", "there is mask-STEM.png: rename it"),
        ("{}.jpg.png", "there is STEM.jpg.png: rename it"),
        ("{}.gif", "there is STEM.gif, which is not read"),
        ("A{}.png", ""),
    ],
)
def test_a_missing_mask_comes_with_a_hint_that_is_one_for_all(tmp_path, there, hint):
    folder = make_folder(tmp_path / "mine", ("x1", "x2"))
    for stem in ("x1", "x2"):
        path = folder / "masks" / f"{stem}.png"
        path.rename(path.with_name(there.format(stem)))
    (problem,) = {each.problem for each in objects_of(folder)}
    assert "masks has no mask called as the photograph (STEM.png)" in problem
    assert hint in problem
    assert ("there is" in problem) == bool(hint)


def test_another_case_is_a_hint_and_no_match(tmp_path):
    folder = make_folder(tmp_path / "mine", ("Cat",))
    (folder / "masks" / "Cat.png").rename(folder / "masks" / "cat.png")
    (one,) = objects_of(folder)
    assert "there is STEM.png: rename it, capital letters count" in one.problem


def test_a_folder_of_masks_that_cannot_be_listed_fails_its_photograph(
    tmp_path, monkeypatch
):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    (folder / "masks" / "a.png").unlink()
    (folder / "masks" / "a").mkdir()
    scandir = listing.os.scandir

    def refuse(path):
        if str(path).endswith("masks/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(listing.os, "scandir", refuse)
    first, second = objects_of(folder)
    assert "masks/a cannot be listed: Permission denied." in first.problem
    assert second.problem == ""
