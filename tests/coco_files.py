"""A small COCO instances file, for several tests."""

import json

import numpy as np
from helpers import write_image

SHAPE = (30, 40)
SQUARE = [[10, 5, 20, 5, 20, 15, 10, 15]]


def annotation(number, image_id, **changes):
    usual = {"id": number, "image_id": image_id, "segmentation": SQUARE}
    return usual | changes


def make_coco(folder, annotations, names=("one.png",), categories=()):
    """Writes photographs and a file of annotations; returns what `--data` takes.

    The photographs have the ids 1, 2, ...; those called `gone` are not written.
    """
    photo = np.full((*SHAPE, 3), 90, np.uint8)
    listed = []
    for number, name in enumerate(names, 1):
        if not name.startswith("gone"):
            write_image(folder / "images" / name, photo)
        listed.append({"id": number, "file_name": name, "width": 40, "height": 30})
    content = {"images": listed, "annotations": annotations, "categories": categories}
    path = folder / "mine.json"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return f"coco:{path},{folder / 'images'}"
