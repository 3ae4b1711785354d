"""The reader of COCO instances files: photographs, their names, sizes and turns."""

import json

import image_bytes
import numpy as np
import pytest
from coco_files import IMAGE, OBJECT, PHOTO, SHAPE, areas_of, noted, objects_of, places
from helpers import write_image
from PIL import Image

from rclicks_jax.data import raw
from rclicks_jax.data.raw import coco
from rclicks_jax.ops import images


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


def test_a_photograph_of_another_size_is_not_decoded(opened, tmp_path):
    source = opened([IMAGE])
    claimed = image_bytes.png(np.zeros((10, 12), int), 8, claimed=(9000, 9001))
    (tmp_path / "images" / "one.png").write_bytes(claimed)
    (image,) = source.images("test")
    assert "the photograph is 9001x9000, but its annotations" in image.problem
