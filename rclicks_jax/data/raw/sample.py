"""The sample dataset: photographs of scikit-image with our outlines, synthetic clicks.

The photographs come with the scikit-image wheel under free licences; `outlines.json`
names each licence and holds the polygons, which this project has drawn. Clicks are
synthetic (`data.synthetic.clicks`), and so are the masks of later rounds
(`data.synthetic.distortions`).
"""

import dataclasses
import functools
import hashlib
import importlib.resources
import importlib.util
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from rclicks_jax import errors, hashing
from rclicks_jax.data import raw
from rclicks_jax.data.synthetic import clicks as synthetic_clicks
from rclicks_jax.data.synthetic import distortions
from rclicks_jax.ops import images, masks

_SEED = 2024
FIRST_CLICKS = 24
LATER_CLICKS = 16


def outlines() -> list[dict[str, Any]]:
    """Returns the photographs of the sample with the outlines of their objects."""
    folder = importlib.resources.files("rclicks_jax.datasets.sample")
    return json.loads((folder / "outlines.json").read_text())["photos"]


def draw_outline(described: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """Fills the polygons of an object and empties its holes.

    Args:
        described: An object with `outer_yx` and perhaps `holes_yx`, lists of polygons.
        shape: Height and width of the photograph.

    Returns:
        The mask, `bool[h w]`.
    """
    mask = np.zeros(shape, np.uint8)
    for key, value in (("outer_yx", 1), ("holes_yx", 0)):
        for polygon in described.get(key, ()):
            xy = np.rint(np.array(polygon)[:, ::-1]).astype(np.int32)
            cv2.fillPoly(mask, [xy], value)
    return mask > 0


class SampleSource:
    """The sample dataset as a raw source; attributes as in `raw.RawSource`."""

    def __init__(self, longest_side: int = 0) -> None:
        """Finds the photographs.

        Args:
            longest_side: Limit on the longest side of images, to which masks and clicks
                are scaled too, pixels; 0 for no limit.

        Raises:
            DataError: scikit-image is not installed.
        """
        spec = importlib.util.find_spec("skimage")
        if spec is None or not spec.submodule_search_locations:
            raise errors.DataError(
                "The sample dataset needs the photographs of scikit-image: "
                "pip install scikit-image"
            )
        self.name = "sample"
        self.split_names: tuple[str, ...] = ("train", "val")
        self.notes: tuple[raw.Note, ...] = ()
        self._folder = pathlib.Path(spec.submodule_search_locations[0]) / "data"
        self._photos = outlines()
        self._longest_side = longest_side

    def __len__(self) -> int:
        """Returns the number of photographs."""
        return len(self._photos)

    def files(self) -> Iterator[pathlib.Path]:
        """Yields the photographs and their outlines."""
        package = importlib.resources.files("rclicks_jax.datasets.sample")
        yield pathlib.Path(str(package / "outlines.json"))
        for photo in self._photos:
            yield self._folder / photo["file"]

    @property
    def has_clicks(self) -> bool:
        """True: every object has synthetic clicks."""
        return True

    def images(self, split: str) -> Iterator[raw.RawImage]:
        """Yields every photograph of a split with its objects."""
        for photo in self._photos:
            if photo["split"] == split:
                yield _limited_image(self._image(photo), self._longest_side)

    def tasks(self, split: str) -> Iterator[raw.RawTask]:
        """Yields, for each object, the first clicks and tasks of later rounds."""
        for photo in self._photos:
            if photo["split"] != split:
                continue
            image = self._image(photo)
            if image.problem:
                continue
            targets = {o.instance_id: o.mask == raw.OBJECT for o in image.objects}
            for instance_id in targets:
                for task in _tasks(image, instance_id, targets):
                    yield _limited_task(task, self._longest_side)

    def _image(self, photo: dict[str, Any]) -> raw.RawImage:
        path = self._folder / photo["file"]
        shape = (photo["height"], photo["width"])
        named = [(f"{photo['photo']}-{o['object']}", o) for o in photo["objects"]]
        encoded, problem = b"", ""
        try:
            encoded = path.read_bytes()
            if hashlib.sha256(encoded).hexdigest() != photo["sha256"]:
                problem = f"{path} is not the photograph the outlines were drawn on"
        except OSError as error:
            problem = str(error)
        if problem:
            broken = tuple(raw.RawObject(name, None, problem) for name, _ in named)
            return raw.RawImage(photo["photo"], b"", shape, broken, problem)
        contrast = _contrast(encoded, str(path))
        objects = tuple(_object(name, contrast, outline) for name, outline in named)
        return raw.RawImage(photo["photo"], encoded, shape, objects)


@functools.lru_cache(maxsize=2)
def _contrast(encoded: bytes, name: str) -> np.ndarray:
    return synthetic_clicks.contrast_of(images.decode_image(encoded, name))


def _object(
    name: str, contrast: np.ndarray, described: dict[str, Any]
) -> raw.RawObject:
    target = draw_outline(described, contrast.shape)
    clicks = _clicks(contrast, target, FIRST_CLICKS, f"{name}/first")
    mask = np.where(target, raw.OBJECT, raw.BACKGROUND).astype(np.uint8)
    return raw.RawObject(name, mask, "", clicks, synthetic_clicks.INPUT_DEVICE)


def _clicks(image: np.ndarray, region: np.ndarray, count: int, name: str) -> np.ndarray:
    return synthetic_clicks.draw(image, region, count, _generator(name))


def _generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox([_SEED, hashing.stable_hash(name)]))


def _tasks(
    image: raw.RawImage, instance_id: str, targets: dict[str, np.ndarray]
) -> Iterator[raw.RawTask]:
    contrast = _contrast(image.encoded, image.image_id)
    target = targets[instance_id]
    others = [mask for other, mask in targets.items() if other != instance_id]
    task = functools.partial(
        raw.RawTask,
        image=image,
        input_device=synthetic_clicks.INPUT_DEVICE,
        gt_mask=np.where(target, raw.OBJECT, raw.BACKGROUND).astype(np.uint8),
    )
    yield task(
        click_set_id=instance_id,
        click_type="first",
        mask_source="",
        prev_mask=None,
        clicks_yx=_clicks(contrast, target, FIRST_CLICKS, f"{instance_id}/first"),
    )
    for kind, click_type in distortions.KINDS.items():
        name = f"{instance_id}_synthetic-{kind}_{click_type}"
        prev_mask = distortions.distort(kind, target, others, _generator(name))
        if prev_mask is None:
            continue
        error = prev_mask & ~target if click_type == "fp" else target & ~prev_mask
        yield task(
            click_set_id=name,
            click_type=click_type,
            mask_source=f"synthetic-{kind}",
            prev_mask=np.where(prev_mask, 255, 0).astype(np.uint8),
            clicks_yx=_clicks(contrast, error, LATER_CLICKS, f"{name}/clicks"),
        )


def _limited_image(image: raw.RawImage, longest_side: int) -> raw.RawImage:
    """Returns an image with masks and clicks scaled to the limit on its side."""
    shape = _limited_shape(image, longest_side)
    if shape == image.shape:
        return image
    objects = [
        instance
        if instance.mask is None
        else raw.RawObject(
            instance.instance_id,
            masks.resize_labels(instance.mask, shape),
            instance.problem,
            _moved(instance.clicks_yx, image.shape, shape),
            instance.input_device,
            instance.category,
        )
        for instance in image.objects
    ]
    return dataclasses.replace(image, shape=shape, objects=tuple(objects))


def _limited_task(task: raw.RawTask, longest_side: int) -> raw.RawTask:
    """Returns a task with masks and clicks scaled to the limit on the image's side."""
    native, shape = task.image.shape, _limited_shape(task.image, longest_side)
    if shape == native or task.gt_mask is None:
        return task
    prev_mask = task.prev_mask
    return dataclasses.replace(
        task,
        image=_limited_image(task.image, longest_side),
        gt_mask=masks.resize_labels(task.gt_mask, shape),
        prev_mask=None if prev_mask is None else images.resize_image(prev_mask, shape),
        clicks_yx=_moved(task.clicks_yx, native, shape),
    )


def _limited_shape(image: raw.RawImage, longest_side: int) -> tuple[int, int]:
    if not longest_side or image.problem:
        return image.shape
    return images.limited_shape(image.shape, longest_side)


def _moved(
    clicks_yx: np.ndarray, native: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Scales clicks with their photograph; coordinates are cut, as in `clicks.csv`."""
    return (clicks_yx * np.array(shape) / np.array(native)).astype(np.int32)
