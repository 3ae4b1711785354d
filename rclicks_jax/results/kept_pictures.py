"""Finds the objects of a run that have pictures, while its records are read."""

from collections.abc import Mapping
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.jobs import store

# Dataset and object.
Key = tuple[str, str]


class PicturedObject(NamedTuple):
    """An object that was played and has pictures.

    Attributes:
        image_id: The photograph of the object.
        record: The record of the object.
    """

    image_id: str
    record: records.InstanceRecord


class KeptPictures(NamedTuple):
    """The objects of a run that have pictures.

    Attributes:
        objects: Objects with pictures, by dataset and object, in order of records.
        unreadable: A sentence for each image whose pictures cannot be read.
    """

    objects: Mapping[Key, PicturedObject]
    unreadable: list[str]


class Collector:
    """Keeps, of all records that are read, the few whose objects have pictures."""

    def __init__(self, folder: store.RunFolder) -> None:
        """Lists the images that have pictures."""
        self._folder = folder
        self._images = artifacts.images_with_pictures(folder)
        self._objects: dict[Key, PicturedObject] = {}
        self._unreadable: list[str] = []

    def add(self, image: records.ImageRecord) -> None:
        """Adds the record of an image."""
        dataset, image_id = image.dataset, image.image_id
        if store.key_of(dataset, image_id) not in self._images:
            return
        try:
            names = set(artifacts.kept(self._folder, dataset, image_id))
        except errors.DataError as error:
            self._unreadable.append(f"Pictures of an image are left out. {error}")
            return
        for instance in image.instances:
            if instance.instance_id in names and instance.status == "ok":
                key = dataset, instance.instance_id
                self._objects[key] = PicturedObject(image_id, instance)

    def collected(self) -> KeptPictures:
        """Returns the objects that have pictures."""
        return KeptPictures(self._objects, self._unreadable)
