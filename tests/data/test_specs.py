import pytest

from rclicks_jax import errors
from rclicks_jax.data import specs


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


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", errors.BadValueError, "nothing"),
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
