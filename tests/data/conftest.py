"""A folder of two photographs and what opens a COCO file of them."""

import json

import pytest
from coco_files import IMAGE, OBJECT, PHOTO
from helpers import write_image

from rclicks_jax.data.raw import coco


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
