import pytest

from rclicks_jax import catalogue, errors


def test_everything_in_the_catalogue_can_be_imported_and_says_what_it_is():
    described = catalogue.describe(catalogue.SEGMENTERS)
    assert described.keys() == catalogue.SEGMENTERS.keys()
    assert all(text.endswith(".") for text in described.values())


def test_specs_are_a_name_and_options():
    assert catalogue.parse_spec("walker") == ("walker", {})
    parsed = catalogue.parse_spec("walker:grid=96:path=/a/b=c")
    assert parsed == ("walker", {"grid": "96", "path": "/a/b=c"})
    with pytest.raises(errors.BadValueError, match=r"'walker'.*'grid'.*key=value"):
        catalogue.parse_spec("walker:grid")


def test_several_segmenters_are_parted_at_commas():
    found = catalogue.parse_several("noisy,mine/fast.py:devices=0,1,grabcut:a=b")
    assert found == {
        "noisy": "noisy", "fast": "mine/fast.py:devices=0,1", "grabcut": "grabcut:a=b"
    }  # fmt: skip


def test_segmenters_of_one_name_are_told_apart_by_their_options():
    found = catalogue.parse_several("sam:variant=vit_b:checkpoint=w/b.pth,sam:x=y")
    assert list(found) == ["sam-vit_b-b", "sam-y"]
    with pytest.raises(errors.BadValueError, match="each once"):
        catalogue.parse_several("noisy,noisy")
