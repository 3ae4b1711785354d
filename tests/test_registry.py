import pytest

from rclicks_jax import errors, registry
from rclicks_jax.settings import dicts, evaluation


def test_everything_in_the_catalogue_can_be_imported_and_says_what_it_is():
    described = registry.describe(registry.SEGMENTERS)
    assert described.keys() == registry.SEGMENTERS.keys()
    assert all(text.endswith(".") for text in described.values())


def test_specs_are_a_name_and_options():
    assert registry.parse_spec("walker") == ("walker", {})
    parsed = registry.parse_spec("walker:grid=96:path=/a/b=c")
    assert parsed == ("walker", {"grid": "96", "path": "/a/b=c"})
    with pytest.raises(errors.BadValueError, match=r"'walker'.*'grid'.*key=value"):
        registry.parse_spec("walker:grid")


def test_several_segmenters_are_parted_at_commas():
    found = registry.parse_several("noisy,mine/fast.py:devices=0,1,grabcut:a=b")
    assert found == {
        "noisy": "noisy", "fast": "mine/fast.py:devices=0,1", "grabcut": "grabcut:a=b"
    }  # fmt: skip


def test_segmenters_of_one_name_are_told_apart_by_their_options():
    found = registry.parse_several("sam:variant=vit_b:checkpoint=w/b.pth,sam:x=y")
    assert list(found) == ["sam-vit_b-b", "sam-y"]
    with pytest.raises(errors.BadValueError, match="each once"):
        registry.parse_several("noisy,noisy")


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """A folder whose name has a colon and a comma, with an adapter in it."""
    folder = tmp_path / "run_12:30:00, b"
    folder.mkdir()
    (folder / "a.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return folder / "a.py"


def test_a_path_with_colons_and_commas_is_a_name_and_a_value(odd):
    assert registry.parse_spec(f"{odd}:grid=3") == (str(odd), {"grid": "3"})
    assert registry.parse_spec(f"bridge:adapter={odd}:python=/x") == (
        "bridge", {"adapter": str(odd), "python": "/x"}
    )  # fmt: skip
    found = registry.parse_several(f"noisy,{odd}:devices=0,1,bridge:adapter={odd}")
    assert found == {
        "noisy": "noisy", "a": f"{odd}:devices=0,1", "bridge": f"bridge:adapter={odd}"
    }  # fmt: skip


def test_the_longest_path_that_exists_is_taken(odd, tmp_path):
    (tmp_path / "run_12").write_text("")
    assert registry.parse_spec("run_12:30:00, b/a.py")[0] == "run_12:30:00, b/a.py"
    assert registry.parse_spec("run_12:x=1")[0] == "run_12"


def test_quotes_keep_what_does_not_exist_together():
    spec = 'bridge:adapter="/no:such=a, ""b"".py":python=p'
    parsed = {"adapter": '/no:such=a, "b".py', "python": "p"}
    assert registry.parse_spec(spec) == ("bridge", parsed)
    assert list(registry.parse_several(f"{spec},noisy").values()) == [spec, "noisy"]
    with pytest.raises(errors.BadValueError, match="Quotation mark"):
        registry.parse_spec('bridge:adapter="/a:b')


def test_what_is_no_option_belongs_to_the_value_before_it():
    assert registry.parse_spec("sam:device=cuda:0:x=https://a/b") == (
        "sam", {"device": "cuda:0", "x": "https://a/b"}
    )  # fmt: skip


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(errors.BadValueError, match=r"batch of 'a': got it twice.*once"):
        registry.parse_spec("a:batch=1:zoom=no:batch=2")
    specs = registry.parse_several("a:batch=1,a:batch=2")
    assert list(specs.values()) == ["a:batch=1", "a:batch=2"]


def test_a_comma_before_a_digit_separates_names():
    assert list(registry.parse_several("noisy,3d.py")) == ["noisy", "3d"]


def test_a_list_keeps_paths_with_commas(odd):
    text = f'UD,{odd},"/no,such",DT'
    assert registry.split_list(text) == ["UD", str(odd), "/no,such", "DT"]
    assert registry.split_list("") == [""]
    made = dicts.from_config_dict(evaluation.EvaluateConfig, {"click_models": text})
    assert made.click_models == ("UD", str(odd), "/no,such", "DT")
