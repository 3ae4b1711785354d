"""Pictures of a few images for the report: photograph, target, map, last masks."""

import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from etils import epath

from rclicks_jax import errors, files
from rclicks_jax.benchmark.rollout import PlayedObject
from rclicks_jax.benchmark.setup import Setup
from rclicks_jax.clicks import strategies
from rclicks_jax.jobs import store
from rclicks_jax.ops import images
from rclicks_jax.reporting.layers import Layers, as_bytes
from rclicks_jax.types import ImageExample, InstanceExample

LONGEST_SIDE = 960
# Whose last mask is kept, by strategy and group.
SHOWN = ((strategies.BASELINE, 0), (strategies.GROUP, 1), (strategies.GROUP, 10))
PHOTO_NAME, INDEX_NAME = "photo.jpg", "index.json"


def label(strategy: str, group: int) -> str:
    """Returns what pictures call a strategy."""
    return f"G{group}" if strategy == strategies.GROUP else strategy


def write_photograph(folder: store.RunFolder, example: ImageExample) -> None:
    """Writes the photograph that the pictures of its objects are drawn on.

    Args:
        folder: The run.
        example: The photograph.

    Raises:
        RunFolderError: It cannot be written.
    """
    shape = images.limited_shape(example.image.shape, LONGEST_SIDE)
    bgr = _resized(example.image, shape)[..., ::-1]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88]
    photo = cv2.imencode(".jpg", bgr, quality)[1].tobytes()
    place = folder.artifacts(example.dataset, example.image_id)
    files.write_output(place / PHOTO_NAME, photo)


def write(
    folder: store.RunFolder,
    example: ImageExample,
    instances: Sequence[InstanceExample],
    played: Sequence[PlayedObject],
    user_means: Sequence[np.ndarray | None],
    setup: Setup,
) -> None:
    """Writes the pictures of some objects of a photograph.

    Args:
        folder: The run.
        example: The photograph.
        instances: The objects.
        played: What was played on each.
        user_means: Share of people's first clicks whose mask has a pixel, `f32[h w]`,
            for each object; None where nobody clicked.
        setup: Setup of the run.

    Raises:
        RunFolderError: A picture cannot be written.
    """
    shape = images.limited_shape(example.image.shape, LONGEST_SIDE)
    place = folder.artifacts(example.dataset, example.image_id)
    shown = {
        label(strategy, group): row
        for row, (strategy, group, repeat) in enumerate(setup.trajectory_keys())
        if (strategy, group) in SHOWN and repeat == 0
    }
    scale = shape[1] / example.image.shape[1]
    for instance, of_object, mean in zip(instances, played, user_means, strict=True):
        layers: dict[str, np.ndarray] = {"target": instance.gt_mask}
        if of_object.first_map is not None:
            layers["map"] = of_object.first_map
        if mean is not None:
            layers["users"] = np.rint(255 * mean).astype(np.uint8)
        layers |= {
            name: of_object.last_masks[row].unpack() for name, row in shown.items()
        }
        pictures = {
            name: _resized(as_bytes(layer), shape) for name, layer in layers.items()
        }
        rounds = [name for name, row in shown.items() if row in of_object.rounds]
        for name in rounds:
            colours = to_colours(of_object.rounds[shown[name]])
            pictures[f"{name}.rounds"] = _resized(colours, shape, cv2.INTER_NEAREST)
        described = {
            "instance_id": instance.instance_id,
            "scale": scale,
            "layers": sorted(layers),
            "rounds": sorted(rounds),
        }
        own = place / store.file_name(instance.instance_id)
        for name, picture in pictures.items():
            files.write_output(own / f"{name}.png", images.encode_png(picture))
        # The last file: pictures without it are not shown.
        files.write_output(own / INDEX_NAME, json.dumps(described).encode())


def _resized(
    array: np.ndarray, shape: tuple[int, int], interpolation: int = cv2.INTER_AREA
) -> np.ndarray:
    return cv2.resize(array, shape[::-1], interpolation=interpolation)


def images_with_pictures(folder: store.RunFolder) -> set[tuple[str, str]]:
    """Returns the images that have a folder of pictures, by `store.key_of`."""
    place = folder.path / "artifacts"
    return {(path.parent.name, path.name) for path in place.glob("*/*")}


def kept(folder: store.RunFolder, dataset: str, image_id: str) -> list[str]:
    """Returns the objects of an image whose pictures were kept, in order of files.

    Raises:
        DataError: What was kept cannot be read.
    """
    place = folder.artifacts(dataset, image_id)
    if not (place / PHOTO_NAME).exists():
        return []
    indices = sorted(place.glob(f"*/{INDEX_NAME}"))
    return [_described(index)["instance_id"] for index in indices]


def read(
    folder: store.RunFolder, dataset: str, image_id: str, instance_id: str
) -> Layers:
    """Reads the pictures of an object that were kept.

    Raises:
        DataError: They cannot be read.
    """
    place = folder.artifacts(dataset, image_id)
    index = place / store.file_name(instance_id) / INDEX_NAME
    photo = images.decode_image(_content(place / PHOTO_NAME), str(place / PHOTO_NAME))
    layers = _read_object(index, photo)
    shape = photo.shape[:2]
    masks = (layers.target, *layers.last_masks.values(), *layers.rounds.values())
    maps = (layers.click_map, layers.user_mean)
    if any(each is not None and each.shape != shape for each in (*masks, *maps)):
        raise errors.DataError(f"Pictures in {index.parent} differ in size.")
    return layers


def _content(path: epath.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise errors.DataError(
            f"{path} cannot be read: {error.strerror or error}."
        ) from error


def _described(index: epath.Path) -> dict[str, Any]:
    described: dict[str, Any] = {}
    try:
        described = json.loads(_content(index))
        known = isinstance(described["instance_id"], str)
        known &= isinstance(described["layers"], list) and described["scale"] > 0
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        raise errors.DataError(f"{index} does not describe pictures.")
    return described


def _read_object(index: epath.Path, photo: np.ndarray) -> Layers:
    described = _described(index)

    def layer(name: str) -> np.ndarray:
        path = index.parent / f"{name}.png"
        return images.decode_mask(_content(path), str(path))

    known = ("target", "map", "users")
    others = [n for n in described["layers"] if n not in known]
    return Layers(
        instance_id=described["instance_id"],
        scale=described["scale"],
        photo=photo,
        target=layer("target") > 127,
        click_map=layer("map") if "map" in described["layers"] else None,
        user_mean=layer("users") if "users" in described["layers"] else None,
        last_masks={name: layer(name) > 127 for name in others},
        rounds={
            name: _from_colours(index.parent / f"{name}.rounds.png")
            for name in described.get("rounds", ())
        },
    )


def to_colours(bits: np.ndarray) -> np.ndarray:
    """Returns 24 bits of each pixel, `u32[h w]`, as a picture `u8[h w 3]`."""
    return np.stack([bits >> shift for shift in (0, 8, 16)], axis=-1).astype(np.uint8)


def _from_colours(path: epath.Path) -> np.ndarray:
    colours = images.decode_image(_content(path), str(path)).astype(np.uint32)
    return colours[..., 0] | colours[..., 1] << 8 | colours[..., 2] << 16
