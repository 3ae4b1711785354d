"""The reader of COCO instances files: annotations, ids, categories, JSON."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from coco_files import IMAGE, OBJECT, SHAPE, SQUARE, areas_of, noted, objects_of, places

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import coco


def test_an_object_comes_in_its_frame(opened):
    (image,) = opened().images("test")
    assert (image.image_id, image.shape, image.problem) == ("1", SHAPE, "")
    (one,) = image.objects
    expected = np.zeros(SHAPE, bool)
    expected[5:15, 10:20] = True
    np.testing.assert_array_equal(one.mask == raw.OBJECT, expected)
    assert not noted(opened())


def test_a_bad_object_spoils_no_other(opened):
    annotations = [
        OBJECT,
        OBJECT | {"id": 6, "segmentation": [[float("nan"), 1, 5, 1, 5, 5]]},
        OBJECT | {"id": 7, "segmentation": None},
        {"id": 8, "image_id": 1},
        OBJECT | {"id": 9, "segmentation": [[30, 5, 34, 9], *SQUARE]},
    ]
    source = opened(annotations=annotations)
    assert areas_of(source) == {"5": 100, "6": None, "7": None, "8": None, "9": 100}
    assert "nan" in objects_of(source)["6"].problem
    assert objects_of(source)["7"].problem == raw.NO_MASK
    assert objects_of(source)["8"].problem == raw.NO_MASK
    assert places(source, "fewer than three points") == ["9"]


def test_crowds_are_left_out_and_noted_whatever_their_type(opened):
    flags = [0, "0", "false", False, None, 0.0, 1, "1", "true", True, 1.0]
    annotations = [
        OBJECT | {"id": number, "iscrowd": flag} for number, flag in enumerate(flags)
    ]
    source = opened(annotations=annotations)
    assert list(areas_of(source).values()) == [100] * 6
    assert places(source, "crowds") == ["6", "7", "8", "9", "10"]


@pytest.mark.parametrize("flag", ["maybe", 2, [1], {}, float("nan")])
def test_what_may_be_a_crowd_is_refused(opened, flag):
    source = opened(annotations=[OBJECT, OBJECT | {"id": 6, "iscrowd": flag}])
    assert areas_of(source) == {"5": 100, "6": None}
    assert "iscrowd is" in objects_of(source)["6"].problem


def test_image_ids_match_as_text(opened):
    listed = [IMAGE | {"id": "1"}, IMAGE | {"id": 2.0, "file_name": "two.png"}]
    annotations = [OBJECT, OBJECT | {"id": 6, "image_id": 2}]
    source = opened(listed, annotations)
    assert areas_of(source) == {"5": 100, "6": 100}
    assert [image.image_id for image in source.images("test")] == ["1", "2"]
    assert places(source, "match as text") == ["5"]


def test_what_matches_nothing_is_noted(opened):
    listed = [IMAGE, {"id": 2, "file_name": "two.png"}, "three.png"]
    annotations = [OBJECT, OBJECT | {"id": 6, "image_id": 99}, 7]
    source = opened(listed, annotations)
    assert areas_of(source) == {"5": 100}
    assert len(source) == 1
    assert places(source, "no image of the file") == ["6"]
    assert places(source, "have no annotation") == ["two.png"]
    assert places(source, "`images` are no JSON objects") == ["images[2]"]
    assert places(source, "`annotations` are no JSON objects") == ["annotations[2]"]


def test_repeated_ids_of_annotations_become_unique(opened):
    listed = [IMAGE, IMAGE | {"id": 2, "file_name": "two.png"}]
    annotations = [
        OBJECT | {"id": 0},
        OBJECT | {"id": 0},
        OBJECT | {"id": 0, "image_id": 2},
        OBJECT | {"id": "1_0"},
        OBJECT | {"id": 9},
    ]
    source = opened(listed, annotations)
    assert sorted(areas_of(source)) == ["1_0", "1_0_2", "1_0_3", "2_0", "9"]
    assert places(source, "named anew") == ["1_0_2", "1_0_3", "2_0"]


@pytest.mark.parametrize("odd", [None, True, 1.5, [1], {"a": 1}, "", "\ud800", 1e300])
def test_annotations_without_an_id_are_named_by_their_image(opened, odd):
    annotations = [OBJECT, OBJECT | {"id": odd}, {**OBJECT, "id": odd}]
    source = opened(annotations=annotations)
    assert sorted(areas_of(source)) == ["1_object", "1_object_2", "5"]
    assert places(source, "named anew") == ["1_object", "1_object_2"]


def test_ids_are_composed_text(opened):
    listed = [IMAGE | {"id": "cafe\u0301"}]
    source = opened(listed, [OBJECT | {"image_id": "caf\u00e9"}])
    (image,) = source.images("test")
    assert image.image_id == "caf\u00e9"


def test_objects_have_categories(opened):
    categories = [
        {"id": 1, "name": "cat"},
        {"id": "2", "name": "cafe\u0301"},
        {"id": 3, "name": "dog"},
        {"id": 3, "name": "wolf"},
        {"id": 4, "name": 7},
        "odd",
    ]
    ids = [1, 2, 3, 4, 9, None, [1]]
    annotations = [
        OBJECT | {"id": number, "category_id": each} for number, each in enumerate(ids)
    ]
    source = opened(annotations=annotations, categories=categories)
    names = [one.category for one in objects_of(source).values()]
    assert names == ["cat", "caf\u00e9", "", "", "", "", ""]
    assert places(source, "`categories` does not name") == ["2", "3", "4", "6"]


@pytest.mark.parametrize("categories", [None, 7, {"1": "cat"}, []])
def test_odd_categories_spoil_no_object(opened, categories):
    assert areas_of(opened(categories=categories)) == {"5": 100}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_of_other_encodings_is_read(opened, encoding):
    opened()
    text = opened.path.read_text()
    opened.path.write_bytes(text.encode(encoding))
    source = coco.CocoSource("mine", opened.path, opened.path.parent / "images")
    assert areas_of(source) == {"5": 100}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"images": []}', "has no `annotations`, but 'images'"),
        (b'{"annotations": [], "image": {}}', "has no `images`"),
        (b"{}", "has no `images`, but nothing"),
        (b"[]", r"it holds \[\]"),
        (b"7", "it holds 7"),
        (b'{"images": {"1": {}}, "annotations": []}', "no list"),
        (b'{"images": [], "annotations": null}', "`annotations` is None, no list"),
        (b'{"images": [', "line 1, column 13 is no JSON"),
        (b"", "it is empty"),
        (b'{"images": "caf\xe9"}', "byte 15 is no text in utf-8"),
        (b'{"images": ' + b"[" * 100_000, "nested too deeply"),
        (
            b'{"images": [], "annotations": [{"segments_info": []}]}',
            "it is a panoptic one",
        ),
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path, content, words):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    message = f"x.json is not a COCO instances file: .*{words}"
    with pytest.raises(errors.DataError, match=message):
        coco.CocoSource("x", path, tmp_path)


def test_a_file_without_an_object_is_refused(opened):
    with pytest.raises(
        errors.DataError, match="has no object: 0 images, 0 annotations"
    ):
        opened([], [])
    message = (
        "has no object: 1 images, 2 annotations.*crowds.*1: 5.*no image of the file"
    )
    odd = [OBJECT | {"iscrowd": 1}, OBJECT | {"image_id": 7}]
    with pytest.raises(errors.DataError, match=message):
        opened(annotations=odd)


def test_endless_numbers_spoil_one_object(opened):
    opened(annotations=[OBJECT, OBJECT | {"id": 6, "segmentation": [[123]]}])
    opened.path.write_text(opened.path.read_text().replace("123", "9" * 5000))
    source = coco.CocoSource("mine", opened.path, opened.path.parent / "images")
    assert areas_of(source) == {"5": 100, "6": None}


odd = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 3),
        st.floats(),
        st.sampled_from(["1", "one.png", "two.png", "\ud800", "", "http://x/one.png"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "size", "counts"]), inner, max_size=2),
    ),
    max_leaves=5,
)


def entries(**usual):
    """Returns a strategy of lists of entries whose values are usual or odd."""
    fields = {key: st.one_of(st.just(value), odd) for key, value in usual.items()}
    entry = st.fixed_dictionaries({}, optional=fields)
    return st.one_of(st.lists(st.one_of(entry, entry, odd), max_size=4), odd)


@hypothesis.given(
    entries(
        id=1, file_name="one.png", width=40, height=30, coco_url="http://x/two.png"
    ),
    entries(id=5, image_id=1, segmentation=SQUARE, iscrowd=0, category_id=1),
    entries(id=1, name="cat"),
)
@hypothesis.settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
def test_any_json_is_read_or_refused(opened, listed, annotations, categories):
    try:
        source = opened(listed, annotations, categories=categories)
    except errors.DataError as error:
        str(error).encode()
        return
    assert len(source) == len(list(source.images("test"))) > 0
    names = []
    for image in source.images("test"):
        assert image.objects
        assert bool(image.problem) != bool(image.encoded)
        image.image_id.encode()
        image.problem.encode()
        for one in image.objects:
            names.append(one.instance_id)
            "".join((one.instance_id, one.problem, one.category)).encode()
            assert (one.mask is None) == bool(one.problem)
            assert one.mask is None or one.mask.shape == image.shape
    assert len(set(names)) == len(names)
    for kind, where in noted(source).items():
        "".join((kind, *where)).encode()


def test_two_images_of_one_file_are_noted(opened):
    source = opened(
        [IMAGE, IMAGE | {"id": 2}], [OBJECT, OBJECT | {"id": 6, "image_id": 2}]
    )
    assert areas_of(source) == {"5": 100, "6": 100}
    assert places(source, "have one file_name") == ["'one.png'"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"it is empty \(0 bytes\)"),
        (b"<!DOCTYPE html><html></html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
        (b"\x1f\x8b\x08\0", "it is a gzip archive"),
        (b'{"images": [', "line 1, column 13 is no JSON"),
    ],
)
def test_what_is_no_json_is_named(tmp_path, content, message):
    path = tmp_path / "instances.json"
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match=message):
        coco.CocoSource("mine", path, tmp_path)
