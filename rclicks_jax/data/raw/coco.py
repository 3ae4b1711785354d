"""Reader of COCO instances: a JSON file of annotations and a folder of images."""

import pathlib
from collections.abc import Iterator

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import (
    coco_files,
    coco_frames,
    coco_index,
    coco_segmentations,
    values,
)
from rclicks_jax.ops import images, masks

_NO_NAME = "images have no file_name: the end of their coco_url is taken"
_OTHER_NAME = "image files are called differently than in the file and were matched"


class CocoSource:
    """A COCO instances file and the folder of its images.

    Attributes:
        name: Name of the dataset.
        split_names: The only split, `test`.
        notes: Notes on what was decided or left out when the file was read.
    """

    def __init__(
        self,
        name: str,
        json_path: pathlib.Path,
        folder: pathlib.Path,
        longest_side: int = 0,
    ) -> None:
        """Reads the annotations.

        Args:
            name: Name of the dataset.
            json_path: File of the annotations.
            folder: Folder of the images.
            longest_side: Limit on the longest side of images, pixels; 0 for no limit.

        Raises:
            DataError: The file is not a COCO instances file or has no object, or the
                folder is empty.
        """
        self.name = name
        self.split_names: tuple[str, ...] = (raw.UNLISTED,)
        self._longest_side = longest_side
        self._index = coco_index.read(json_path)
        self.notes = self._index.notes
        names = [image.file_name for image in self._index.images]
        self._folder = coco_files.ImageFolder(folder, names)

    def __len__(self) -> int:
        """Returns the number of images that have an object."""
        return len(self._index.images)

    @property
    def has_clicks(self) -> bool:
        """False: COCO has no clicks."""
        return False

    def images(self, split: str) -> Iterator[raw.RawImage]:
        """Yields every image with an object that is not a crowd."""
        del split
        for image in self._index.images:
            yield self._image(image, self._index.annotations[image.image_id])

    def tasks(self, split: str) -> Iterator[raw.RawTask]:
        """Yields nothing: COCO has no clicks."""
        del split
        return iter(())

    def _image(
        self, image: coco_index.Image, annotations: list[coco_index.Annotation]
    ) -> raw.RawImage:
        try:
            if image.problem:
                raise errors.DataError(image.problem)
            path, matched = self._folder.find(image.file_name)
            photo = coco_frames.read(path, image.shape)
        except errors.DataError as error:
            problem = str(error)
            broken = [
                raw.RawObject(item.instance_id, None, problem, category=item.category)
                for item in annotations
            ]
            return raw.RawImage(image.image_id, b"", (0, 0), tuple(broken), problem)
        longest = self._longest_side
        shape = images.limited_shape(photo.shape, longest) if longest else photo.shape
        notes = [raw.Note(kind, image.image_id) for kind in photo.notes]
        if matched:
            kind = _OTHER_NAME if image.has_name else _NO_NAME
            own_name = values.shown(str(path.name))
            notes.append(raw.Note(kind, f"{values.shown(image.file_name)}: {own_name}"))
        objects = []
        for annotation in annotations:
            drawn, kinds = _object(annotation, photo.shape, shape)
            objects.append(drawn)
            notes += [raw.Note(kind, annotation.instance_id) for kind in kinds]
        return raw.RawImage(
            image.image_id, photo.encoded, shape, tuple(objects), notes=tuple(notes)
        )


def _object(
    annotation: coco_index.Annotation, native: tuple[int, int], shape: tuple[int, int]
) -> tuple[raw.RawObject, list[str]]:
    """Draws an object; returns it with kinds of notes."""
    mask, problem, kinds = None, annotation.problem, []
    if not problem:
        try:
            mask, kinds = coco_segmentations.decode(annotation.segmentation, native)
        except errors.DataError as error:
            problem = str(error)
    if mask is not None:
        if shape != native:
            labels = masks.resize_labels((mask > 0).astype(np.int32), shape)
            mask = np.where(labels > 0, raw.OBJECT, raw.BACKGROUND).astype(np.uint8)
        problem = raw.object_problem(mask, shape)
    drawn = raw.RawObject(
        annotation.instance_id,
        None if problem else mask,
        problem,
        category=annotation.category,
    )
    return drawn, kinds
