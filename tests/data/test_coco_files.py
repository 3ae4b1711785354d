"""How the files are found that a COCO file names."""

import pytest

from rclicks_jax import errors
from rclicks_jax.data.raw import coco_files


@pytest.fixture
def folder(tmp_path):
    for name in ("a.jpg", "sub/b.jpg", "D.JPG", "e f.jpg", "cafe\u0301.jpg", "x&y.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "secret.jpg").write_text("")
    return tmp_path / "photos"


def found(folder, name, *others):
    path, matched = coco_files.ImageFolder(folder, (name, *others)).find(name)
    assert path.exists()
    return path.relative_to(folder).as_posix(), matched


@pytest.mark.parametrize("name", ["a.jpg", "sub/b.jpg", "e f.jpg", "x&y.jpg"])
def test_a_name_is_read_as_it_stands(folder, name):
    assert found(folder, name) == (name, False)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        (r"sub\b.jpg", "sub/b.jpg"),
        ("photos/sub/b.jpg", "sub/b.jpg"),
        (r"photos\a.jpg", "a.jpg"),
        ("d.jpg", "D.JPG"),
        ("SUB/B.jpg", "sub/b.jpg"),
        ("e%20f.jpg", "e f.jpg"),
        ("caf\u00e9.jpg", "cafe\u0301.jpg"),
        ("http://images.cocodataset.org/val2017/a.jpg", "a.jpg"),
        ("https://host/bucket/sub/b.jpg?token=1#x", "sub/b.jpg"),
        ("s3://bucket/e%20f.jpg", "e f.jpg"),
    ],
)
def test_another_way_to_write_a_name_is_matched(folder, name, file):
    assert found(folder, name) == (file, True)


def test_a_name_inside_the_folder_may_be_absolute(folder):
    assert found(folder, str(folder / "a.jpg"))[0] == "a.jpg"
    assert found(folder, "sub/../a.jpg")[0] == "a.jpg"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        r"..\secret.jpg",
        "sub/../../secret.jpg",
        "/etc/passwd",
        r"C:\photos\a.jpg",
        "..",
    ],
)
def test_no_name_leads_out_of_the_folder(folder, name):
    with pytest.raises(errors.DataError, match="leads out of"):
        found(folder, name)


def test_an_absolute_name_is_told_what_lies_in_the_folder(folder):
    with pytest.raises(errors.DataError, match=r"perhaps 'sub/b\.jpg'"):
        found(folder, "/data/set/sub/b.jpg")
    with pytest.raises(errors.DataError, match=r"perhaps 'a\.jpg'"):
        found(folder, r"C:\photos\a.jpg")


def test_no_other_way_to_write_a_name_leads_out_of_the_folder(folder):
    name = "%2e%2e/secret.jpg"
    path, _ = coco_files.ImageFolder(folder, (name,)).find(name)
    assert not path.exists()
    assert path.is_relative_to(folder)


@pytest.mark.parametrize("name", ["http://host/../secret.jpg", "s3://x/secret.jpg"])
def test_a_url_of_no_file_says_what_to_download(folder, name):
    with pytest.raises(errors.DataError, match=r"no 'secret\.jpg' in .*: download it"):
        found(folder, name)


@pytest.mark.parametrize("name", ["a\0.jpg", "\ud800.jpg", ""])
def test_what_no_file_can_be_called_is_refused(folder, name):
    with pytest.raises(errors.DataError, match="can be no file name") as raised:
        found(folder, name)
    str(raised.value).encode()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("A.jpg", "a.jpg"),
        ("http://host/train/a.jpg", "http://host/val/a.jpg"),
        ("A.JPG", "A.jpg"),
    ],
)
def test_a_file_that_may_be_another_images_is_not_guessed(folder, name, other):
    with pytest.raises(errors.DataError, match="so may that of another image"):
        found(folder, name, other)


def test_two_files_that_differ_in_case_are_not_guessed(folder):
    (folder / "A.jpg").write_text("")
    path, matched = coco_files.ImageFolder(folder, ("A.Jpg",)).find("A.Jpg")
    assert (path.name, matched) == ("A.Jpg", False)
    assert not path.exists()


def test_a_folder_without_a_file_is_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.DataError, match="empty is to hold the images"):
        coco_files.ImageFolder(tmp_path / "empty", ())
    with pytest.raises(errors.DataError, match="is to be the folder of images: Not a"):
        coco_files.ImageFolder(folder / "a.jpg", ())
    with pytest.raises(
        errors.DataError, match="is to be the folder of images: No such"
    ):
        coco_files.ImageFolder(tmp_path / "gone", ())


def test_links_may_lead_out_of_the_folder(folder, tmp_path):
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert found(folder, "link.jpg") == ("link.jpg", False)
