"""The reader of COCO instances files."""

import json

import numpy as np
import pytest
from helpers import write_image
from pycocotools import mask as coco_mask

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import coco

SHAPE = (30, 40)
PHOTO = np.full((*SHAPE, 3), 90, np.uint8)


@pytest.fixture
def coco_files(tmp_path):
    write_image(tmp_path / "images" / "one.png", PHOTO)
    square = np.zeros(SHAPE, np.uint8, order="F")
    square[5:15, 10:20] = 1
    compressed = coco_mask.encode(square)
    flat = square.ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    annotations = [
        {"id": 1, "segmentation": [[10, 5, 20, 5, 20, 15, 10, 15]]},
        {"id": 2, "segmentation": {"size": list(SHAPE), "counts": counts}},
        {
            "id": 3,
            "segmentation": {
                "size": list(SHAPE),
                "counts": compressed["counts"].decode(),
            },
        },
        {
            "id": 4,
            "segmentation": {"size": list(SHAPE), "counts": counts},
            "iscrowd": 1,
        },
        {"id": 5, "segmentation": {"nonsense": 1}},
        {"id": 6, "segmentation": [[0, 0, 0, 0, 0, 0]]},
    ]
    content = {
        "images": [
            {"id": 9, "file_name": "one.png"},
            {"id": 10, "file_name": "gone.png"},
            {"id": 11, "file_name": "../secret.png"},
        ],
        "annotations": [{**a, "image_id": 9} for a in annotations]
        + [
            {"id": 7, "image_id": 10, "segmentation": []},
            {"id": 8, "image_id": 11, "segmentation": []},
        ],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return coco.CocoSource("mine", path, tmp_path / "images"), square


def test_coco_draws_polygons_and_both_kinds_of_run_lengths(coco_files):
    source, square = coco_files
    image = next(source.images("test"))
    by_id = {o.instance_id: o for o in image.objects}
    assert sorted(by_id) == ["1", "2", "3", "5", "6"]
    for name in ("1", "2", "3"):
        np.testing.assert_array_equal(by_id[name].mask == raw.OBJECT, square > 0)
    assert "cannot be drawn" in by_id["5"].problem
    assert by_id["6"].problem
    (note,) = source.notes
    assert "crowds" in note.kind
    assert note.where == "4"


def test_coco_names_images_that_are_missing_or_lie_elsewhere(coco_files):
    source, _ = coco_files
    _, gone, secret = source.images("test")
    assert "gone.png" in gone.problem
    assert "leads out of" in secret.problem


def test_what_is_no_coco_file_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"images": []}')
    with pytest.raises(errors.DataError, match="is not a COCO instances file"):
        coco.CocoSource("x", path, tmp_path)
