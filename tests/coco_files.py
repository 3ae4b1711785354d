"""A small COCO instances file, for several tests."""

import json

import numpy as np
from helpers import write_image

from rclicks_jax.data import raw

SHAPE = (30, 40)
PHOTO = np.full((*SHAPE, 3), 90, np.uint8)
SQUARE = [[10, 5, 20, 5, 20, 15, 10, 15]]
IMAGE = {"id": 1, "file_name": "one.png", "width": 40, "height": 30}
OBJECT = {"id": 5, "image_id": 1, "segmentation": SQUARE}


def annotation(number, image_id, **changes):
    usual = {"id": number, "image_id": image_id, "segmentation": SQUARE}
    return usual | changes


def make_coco(folder, annotations, names=("one.png",), categories=()):
    """Writes photographs and a file of annotations; returns what `--data` takes.

    The photographs have the ids 1, 2, ...; those called `gone` are not written.
    """
    listed = []
    for number, name in enumerate(names, 1):
        if not name.startswith("gone"):
            write_image(folder / "images" / name, PHOTO)
        listed.append({"id": number, "file_name": name, "width": 40, "height": 30})
    content = {"images": listed, "annotations": annotations, "categories": categories}
    path = folder / "mine.json"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return f"coco:{path},{folder / 'images'}"


def objects_of(source):
    """Returns the objects of a source by id."""
    return {
        one.instance_id: one for image in source.images("test") for one in image.objects
    }


def areas_of(source):
    """Returns how many pixels each object of a source has; None without a mask."""
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
    """Returns the places of the one note whose kind has these words."""
    (found,) = [where for kind, where in noted(source).items() if words in kind]
    return found
