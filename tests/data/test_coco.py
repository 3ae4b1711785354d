"""The reader of COCO instances files."""

import json

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers import write_image
from PIL import Image

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import coco
from rclicks_jax.ops import images

SHAPE = (30, 40)
PHOTO = np.full((*SHAPE, 3), 90, np.uint8)
SQUARE = [[10, 5, 20, 5, 20, 15, 10, 15]]
IMAGE = {"id": 1, "file_name": "one.png", "width": 40, "height": 30}
OBJECT = {"id": 5, "image_id": 1, "segmentation": SQUARE}


@pytest.fixture
def opened(tmp_path):
    """Returns what opens a file of these images, annotations and further keys."""
    for name in ("one", "two"):
        write_image(tmp_path / "images" / f"{name}.png", PHOTO)
    path = tmp_path / "instances.json"

    def opening(listed=(IMAGE,), annotations=(OBJECT,), **more):
        content = {"images": listed, "annotations": annotations}
        path.write_text(json.dumps(content | more))
        return coco.CocoSource("mine", path, tmp_path / "images")

    opening.path = path
    return opening


def objects_of(source):
    return {
        one.instance_id: one for image in source.images("test") for one in image.objects
    }


def areas_of(source):
    return {
        name: None if one.mask is None else int((one.mask == raw.OBJECT).sum())
        for name, one in objects_of(source).items()
    }


def noted(source):
    """Returns the places of all notes, of the source and its images, by kind."""
    notes = [*source.notes, *(n for i in source.images("test") for n in i.notes)]
    kinds = {}
    for note in notes:
        kinds.setdefault(note.kind, []).append(note.where)
    return kinds


def places(source, words):
    (found,) = [where for kind, where in noted(source).items() if words in kind]
    return found


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


def test_images_that_are_missing_or_lie_elsewhere_are_named(opened):
    listed = [
        IMAGE,
        {"id": 2, "file_name": "gone.png"},
        {"id": 3, "file_name": "../secret.png"},
    ]
    annotations = [OBJECT | {"id": each, "image_id": each} for each in (1, 2, 3)]
    fine, gone, secret = opened(listed, annotations).images("test")
    assert not fine.problem
    assert "gone.png" in gone.problem
    assert "leads out of" in secret.problem
    assert [one.problem for one in secret.objects] == [secret.problem]


@pytest.mark.parametrize("name", [7, ["one.png"], {"a": 1}, True, "\0", "\ud800.png"])
def test_an_odd_file_name_spoils_one_image(opened, name):
    listed = [IMAGE, {"id": 2, "file_name": name}]
    annotations = [OBJECT, OBJECT | {"id": 6, "image_id": 2}]
    fine, odd = opened(listed, annotations).images("test")
    assert not fine.problem
    assert "file name" in odd.problem or "file_name" in odd.problem
    odd.problem.encode()


def test_without_a_file_name_the_end_of_the_address_is_taken(opened):
    lvis = {"id": 1, "coco_url": "http://images.cocodataset.org/val2017/one.png"}
    source = opened([lvis, {"id": 2}], [OBJECT, OBJECT | {"id": 6, "image_id": 2}])
    assert areas_of(source) == {"5": 100, "6": None}
    assert "neither a file_name nor a coco_url" in objects_of(source)["6"].problem
    assert len(places(source, "coco_url")) == 1


def test_a_file_that_is_called_differently_is_noted(opened):
    source = opened([IMAGE | {"file_name": "ONE.png"}])
    assert areas_of(source) == {"5": 100}
    assert places(source, "called differently") == ["'ONE.png': 'one.png'"]


def test_a_linked_image_may_lie_elsewhere(opened, tmp_path):
    write_image(tmp_path / "store" / "x.png", PHOTO)
    (tmp_path / "images" / "link.png").symlink_to(tmp_path / "store" / "x.png")
    assert areas_of(opened([IMAGE | {"file_name": "link.png"}])) == {"5": 100}


@pytest.mark.parametrize(
    ("width", "height", "words"),
    [
        (80, 60, "80x60"),
        (30, 40, "30x40"),
        (40, None, "no number of pixels"),
        (0, 0, "no number of pixels"),
        (-40, 30, "no number of pixels"),
        ("wide", 30, "'wide'"),
        ([40], 30, "no number of pixels"),
        (True, True, "no number of pixels"),
        (float("nan"), 30, "nan"),
    ],
)
def test_another_size_than_the_photographs_is_refused(opened, width, height, words):
    listed = [IMAGE | {"width": width, "height": height}, IMAGE | {"id": 2}]
    annotations = [OBJECT, OBJECT | {"id": 6, "image_id": 2}]
    wrong, right = opened(listed, annotations).images("test")
    assert words in wrong.problem
    assert not right.problem


def write_turned(path, stored, orientation):
    """Writes RGB `u8[h w 3]` as a JPEG whose EXIF says how to turn it."""
    exif = Image.Exif()
    exif[0x112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(stored).save(path, exif=exif, quality=95)


def half_bright(shape):
    """Returns a photograph whose left half is bright."""
    photo = np.zeros((*shape, 3), np.uint8)
    photo[:, : shape[1] // 2] = 200
    return photo


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_annotations_of_a_photograph_as_it_is_stored_turn_it_back(
    opened, tmp_path, turn
):
    write_turned(tmp_path / "images" / "turned.jpg", half_bright(SHAPE), turn)
    source = opened([IMAGE | {"file_name": "turned.jpg"}])
    (image,) = source.images("test")
    assert image.shape == SHAPE
    decoded = images.decode_image(image.encoded, "")
    np.testing.assert_allclose(decoded, half_bright(SHAPE), atol=40)
    assert areas_of(source) == {"5": 100}
    assert places(source, "as they are stored") == ["1"]


def test_annotations_of_a_turned_photograph_are_drawn_on_it(opened, tmp_path):
    write_turned(tmp_path / "images" / "turned.jpg", half_bright((40, 30)), 6)
    source = opened([IMAGE | {"file_name": "turned.jpg"}])
    (image,) = source.images("test")
    decoded = images.decode_image(image.encoded, "")
    assert decoded.shape[:2] == image.shape == SHAPE
    assert decoded[:13].min() > 150 > 50 > decoded[17:].max()
    assert areas_of(source) == {"5": 100}
    assert places(source, "are turned as their EXIF tag says") == ["1"]


@pytest.mark.parametrize(
    ("shape", "turn", "size"),
    [
        ((40, 40), 6, {"width": 40, "height": 40}),
        (SHAPE, 3, {"width": 40, "height": 30}),
        (SHAPE, 2, {"width": 40, "height": 30}),
        (SHAPE, 6, {}),
    ],
)
def test_which_way_annotations_lie_is_not_guessed(opened, tmp_path, shape, turn, size):
    write_turned(tmp_path / "images" / "turned.jpg", half_bright(shape), turn)
    source = opened([{"id": 1, "file_name": "turned.jpg"} | size])
    (image,) = source.images("test")
    assert "the EXIF tag of the photograph turns it" in image.problem
    assert image.objects[0].problem == image.problem


def test_both_sizes_of_a_turned_photograph_are_told(opened, tmp_path):
    write_turned(tmp_path / "images" / "turned.jpg", half_bright(SHAPE), 6)
    source = opened([IMAGE | {"file_name": "turned.jpg", "width": 80}])
    (image,) = source.images("test")
    assert "40x30, and 30x40 once turned by EXIF" in image.problem
    assert "of 80x30" in image.problem


@pytest.mark.parametrize("turn", [0, 1, 9])
def test_exif_that_turns_nothing_changes_nothing(opened, tmp_path, turn):
    write_turned(tmp_path / "images" / "turned.jpg", half_bright(SHAPE), turn)
    source = opened([{"id": 1, "file_name": "turned.jpg"}])
    assert areas_of(source) == {"5": 100}
    assert not noted(source)


@pytest.mark.parametrize(
    "size", [{"width": "40", "height": "30"}, {"width": 40.0, "height": 30.0}, {}]
)
def test_a_size_may_be_text_or_missing(opened, size):
    assert areas_of(opened([{"id": 1, "file_name": "one.png"} | size])) == {"5": 100}


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


def test_an_image_id_of_several_images_is_refused(opened):
    listed = [IMAGE, IMAGE | {"file_name": "two.png"}, IMAGE | {"id": 3}]
    source = opened(listed, [OBJECT, OBJECT | {"id": 6, "image_id": 3}])
    assert areas_of(source) == {"5": None, "6": 100}
    problem = objects_of(source)["5"].problem
    assert problem == "the image id 1 is given to 2 images: 'one.png', 'two.png'"


def test_an_image_that_is_listed_twice_counts_once(opened):
    source = opened([IMAGE, IMAGE | {"license": 3}])
    assert areas_of(source) == {"5": 100}
    assert places(source, "more than once") == ["1"]


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


def test_large_photographs_are_shrunk_with_their_masks(tmp_path):
    write_image(tmp_path / "images" / "one.png", PHOTO)
    path = tmp_path / "instances.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": [OBJECT]}))
    source = coco.CocoSource("mine", path, tmp_path / "images", longest_side=20)
    (image,) = source.images("test")
    assert image.shape == (15, 20)
    # Drawn 10x10 and halved: rows 2.5 to 7.5 touch 3 rows on their edges.
    mask = image.objects[0].mask
    assert mask.shape == (15, 20)
    ys, xs = np.nonzero(mask == raw.OBJECT)
    assert (ys.min(), ys.max(), xs.min(), xs.max()) == (2, 7, 5, 9)
    (same,) = coco.CocoSource("mine", path, tmp_path / "images", 40).images("test")
    assert same.shape == SHAPE


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
