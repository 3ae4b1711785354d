import pytest

from rclicks_jax import errors
from rclicks_jax.data import specs
from rclicks_jax.data.raw import layouts


@pytest.fixture
def places(tmp_path):
    (tmp_path / "GrabCut").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.json").write_text("{}")
    return tmp_path


def test_several_datasets_are_parted_by_commas(places):
    coco = f"coco:{places}/mine.json,{places}/mine"
    text = f"sample,GrabCut:{places}/GrabCut,{coco},folder:{places}/mine"
    with pytest.raises(errors.BadValueError, match="mine more than once"):
        specs.parse(text)
    (places / "other.json").write_text("{}")
    found = specs.parse(text.replace("mine.json", "other.json"))
    assert [spec.kind for spec in found] == ["sample", "GrabCut", "coco", "folder"]
    assert [spec.name for spec in found] == ["sample", "GrabCut", "other", "mine"]
    assert found[2].json_path == places / "other.json"
    assert found[2].folder == places / "mine"


def test_a_name_alone_is_looked_for_below_the_data_root(places, monkeypatch):
    monkeypatch.setenv(specs.DATA_ROOT_VARIABLE, str(places))
    assert specs.parse("GrabCut")[0].folder == places / "GrabCut"


def test_paths_may_have_commas_and_colons(places):
    odd = places / "12:30:00, b"
    (odd / "images").mkdir(parents=True)
    (odd / "x,y.json").write_text("{}")
    for text in (f"folder:{odd}", str(odd), f'folder:"{odd}"', f'"{odd}"'):
        (spec, sample) = specs.parse(f"{text},sample")
        assert (spec.kind, spec.folder) == ("folder", odd)
        assert sample.kind == "sample"
    coco = f"coco:{odd}/x,y.json,{odd}/images"
    (first, second) = specs.parse(f"{coco},folder:{places}/mine")
    assert (first.json_path, first.folder) == (odd / "x,y.json", odd / "images")
    assert second.folder == places / "mine"


def test_the_longest_path_that_exists_is_taken(places):
    (places / "mine,sample").mkdir()
    (spec,) = specs.parse(f"folder:{places}/mine,sample")
    assert spec.folder == places / "mine,sample"
    (places / "mine,sample").rmdir()
    assert len(specs.parse(f"folder:{places}/mine,sample")) == 2


def test_a_folder_alone_is_what_its_name_and_layout_say(places):
    assert specs.parse(str(places / "mine"))[0].kind == "folder"
    assert specs.parse(str(places / "GrabCut"))[0].kind == "folder"
    for name in ("data_GT", "boundary_GT"):
        (places / "GrabCut" / name).mkdir()
    assert specs.parse(str(places / "GrabCut"))[0].kind == "GrabCut"


def test_what_may_be_meant_is_named(places):
    for wrong in ("Mine", "mines"):
        with pytest.raises(
            errors.DataError, match=rf"does not exist. Do you mean {places}/mine\b"
        ):
            specs.parse(f"folder:{places}/{wrong}")
    backslashes = str(places / "mine").replace("/", "\\")
    with pytest.raises(errors.DataError, match=f"There is {places}/mine"):
        specs.parse(f"folder:{backslashes}")
    with pytest.raises(errors.DataError, match=r"mine\.json is not a folder"):
        specs.parse(f"folder:{places}/mine.json")
    with pytest.raises(errors.DataError, match="mine is not a file"):
        specs.parse(f"coco:{places}/mine,{places}/mine")


def test_a_limit_is_of_every_dataset_and_not_negative(places):
    found = specs.parse(f"sample,folder:{places}/mine", 100)
    assert [spec.max_side for spec in found] == [100, 100]
    with pytest.raises(errors.BadValueError, match=r"max_side: got -1; allowed: 0"):
        specs.parse("sample", -1)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", errors.BadValueError, "nothing"),
        ("folder:/a\udce9", errors.BadValueError, r"/a\\xe9; allowed: UTF-8 text"),
        ("imagenet", errors.BadValueError, "'imagenet'.*GrabCut.*folder:DIR"),
        ("GrabCut", errors.BadValueError, r"GrabCut:DIR, or \$RCLICKS_DATA"),
        ("folder", errors.BadValueError, "without a folder"),
        ("coco:x.json", errors.BadValueError, "IMAGE_FOLDER"),
        ("folder:/no/such/place", errors.DataError, "/no/such/place does not exist"),
    ],
)
def test_what_is_not_understood_is_explained(text, error, message, monkeypatch):
    monkeypatch.delenv(specs.DATA_ROOT_VARIABLE, raising=False)
    with pytest.raises(error, match=message):
        specs.parse(text)


@pytest.mark.parametrize(
    "text", ["~nobody-of-this-name", "folder:~nobody-of-this-name"]
)
def test_a_folder_that_begins_like_a_users_home_is_found(tmp_path, monkeypatch, text):
    (tmp_path / "~nobody-of-this-name").mkdir()
    monkeypatch.chdir(tmp_path)
    (spec,) = specs.parse(text)
    assert spec.name == "~nobody-of-this-name"


def test_every_layout_can_be_named():
    assert set(specs.RCLICKS_NAMES) == set(layouts.LAYOUTS)
