"""Reader of COCO instances: polygons and run lengths, compressed or not."""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files
from rclicks_jax.ops import images


class CocoSource:
    """A COCO instances file and the folder of its images.

    Attributes:
        name: Of the dataset.
        split_names: `test`.
        notes: What was left out when the file was read.
    """

    def __init__(
        self, name: str, json_path: pathlib.Path, folder: pathlib.Path
    ) -> None:
        """Reads the annotations.

        Raises:
            DataError: The file is no COCO instances file.
        """
        self.name = name
        self.split_names: tuple[str, ...] = (raw.UNLISTED,)
        self._folder = folder
        try:
            content = json.loads(json_path.read_text())
            self._images = sorted(content["images"], key=lambda image: image["id"])
            self._by_image: dict[int, list[dict[str, Any]]] = {}
            self.notes: list[raw.Note] = []
            for annotation in sorted(content["annotations"], key=lambda a: a["id"]):
                if annotation.get("iscrowd"):
                    kind = "annotations are crowds (iscrowd) and are left out"
                    self.notes.append(raw.Note(kind, str(annotation["id"])))
                else:
                    of_image = self._by_image.setdefault(annotation["image_id"], [])
                    of_image.append(annotation)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise errors.DataError(
                f"{json_path} is not a COCO instances file: {error!r}. It must have "
                "`images` (id, file_name) and `annotations` (id, image_id, "
                "segmentation)."
            ) from error

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self._images)

    @property
    def has_clicks(self) -> bool:
        """COCO has no clicks."""
        return False

    def images(self, split: str) -> Iterator[raw.RawImage]:
        """Yields every image that has an object which is no crowd."""
        del split
        for image in self._images:
            annotations = self._by_image.get(image["id"], [])
            if annotations:
                yield self._image(image, annotations)

    def tasks(self, split: str) -> Iterator[raw.RawTask]:
        """Yields nothing: COCO has no clicks."""
        del split
        return iter(())

    def _image(
        self, image: dict[str, Any], annotations: list[dict[str, Any]]
    ) -> raw.RawImage:
        image_id = str(image["id"])
        try:
            path = _inside(self._folder, image["file_name"])
            encoded = files.read(path)
            shape = images.decode_image(encoded, str(path)).shape[:2]
        except errors.DataError as error:
            objects = [
                raw.RawObject(str(annotation["id"]), None, str(error))
                for annotation in annotations
            ]
            return raw.RawImage(image_id, b"", (0, 0), tuple(objects), str(error))
        objects = [_object(annotation, shape) for annotation in annotations]
        return raw.RawImage(image_id, encoded, shape, tuple(objects))


def _inside(folder: pathlib.Path, name: str) -> pathlib.Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise errors.DataError(f"The file name {name!r} leads out of {folder}.")
    return path


def _object(annotation: dict[str, Any], shape: tuple[int, int]) -> raw.RawObject:
    instance_id = str(annotation["id"])
    try:
        mask = decode(annotation.get("segmentation"), shape)
    except errors.DataError as error:
        return raw.RawObject(instance_id, None, str(error))
    problem = raw.object_problem(mask, shape)
    return raw.RawObject(instance_id, None if problem else mask, problem)


def decode(segmentation: Any, shape: tuple[int, int]) -> np.ndarray:
    """Draws a COCO segmentation: a list of polygons, or run lengths.

    Args:
        segmentation: As in the file.
        shape: Height and width of the image.

    Returns:
        `u8[h w]` of `OBJECT` and `BACKGROUND`.

    Raises:
        DataError: It is neither, or its size is not the image's.
    """
    height, width = shape
    try:
        runs: Any
        if isinstance(segmentation, list):
            runs = coco_mask.merge(coco_mask.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            runs = coco_mask.frPyObjects(segmentation, *segmentation["size"])
        else:
            counts = segmentation["counts"]
            runs = {**segmentation, "counts": counts.encode()}
        drawn = coco_mask.decode(runs)
    except Exception as error:
        # pycocotools raises whatever its C code meets.
        raise errors.DataError(
            f"the segmentation cannot be drawn: {error!r}"
        ) from error
    return np.where(drawn > 0, raw.OBJECT, raw.BACKGROUND).astype(np.uint8)
