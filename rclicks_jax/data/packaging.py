"""Converts raw images and tasks to packaged features, and these to examples."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import layouts
from rclicks_jax.ops import images
from rclicks_jax.types import ClickExample, ImageExample, InstanceExample

# Feature that says who made each click, as JSON; empty where nobody knows.
_PEOPLE = "people"
# TFDS has no missing images: one black pixel replaces an image that cannot be read.
_PLACEHOLDER = images.encode_png(np.zeros((1, 1), np.uint8))


def image_features(image: raw.RawImage) -> dict[str, Any]:
    """Returns the features of an image for the builder `rclicks_instances`."""
    rows = [
        np.insert(an_object.clicks_yx, 0, number, axis=1)
        for number, an_object in enumerate(image.objects)
    ]
    return {
        "image_id": image.image_id,
        "problem": image.problem,
        "image": image.encoded or _PLACEHOLDER,
        "shape": np.array(image.shape, np.int32),
        "objects": [
            {
                "instance_id": an_object.instance_id,
                "problem": an_object.problem,
                "input_device": an_object.input_device,
                "category": an_object.category,
                "mask": an_object.encoded_mask or _PLACEHOLDER,
            }
            for an_object in image.objects
        ],
        "user_clicks": np.concatenate([*rows, np.zeros((0, 3))]).astype(np.int32),
        "notes": _notes(image),
    }


def task_features(task: raw.RawTask) -> dict[str, Any]:
    """Returns the features of a task for the builder `rclicks_clicks`."""
    return {
        "click_set_id": task.click_set_id,
        "image_id": task.image.image_id,
        "click_type": task.click_type,
        "mask_source": task.mask_source,
        "input_device": task.input_device,
        "problem": task.problem,
        "image": task.image.encoded or _PLACEHOLDER,
        "shape": np.array(task.image.shape, np.int32),
        "gt_mask": [] if task.gt_mask is None else [_encoded(task.gt_mask)],
        "prev_mask": [] if task.prev_mask is None else [_encoded(task.prev_mask)],
        "clicks_yx": task.clicks_yx.astype(np.int32),
        _PEOPLE: json.dumps(task.people) if task.people else "",
        "notes": _notes(task.image),
    }


def _notes(image: raw.RawImage) -> str:
    return json.dumps([(note.kind, note.where) for note in image.notes])


def notes_of(features: Mapping[str, Any]) -> list[raw.Note]:
    """Returns the notes of the readers on a packaged image."""
    return [raw.Note(*note) for note in json.loads(_text(features["notes"]))]


def _encoded(mask: np.ndarray | None) -> bytes:
    return _PLACEHOLDER if mask is None else images.encode_png(mask)


def image_example(features: Mapping[str, Any], dataset: str) -> ImageExample:
    """Decodes a packaged image with its objects.

    Args:
        features: The packaged features; the photograph is still encoded.
        dataset: Name of the dataset.

    Raises:
        DataError: The image cannot be used; the message says why.
    """
    image_id = _text(features["image_id"])
    problem = _text(features["problem"])
    if problem:
        raise errors.DataError(problem)
    image = _photograph(features, image_id)
    clicks = features["user_clicks"]
    usable, problems = [], []
    objects = features["objects"]
    for number, encoded_id in enumerate(objects["instance_id"]):
        problem = _text(objects["problem"][number])
        if problem:
            problems.append((_text(encoded_id), problem))
            continue
        usable.append(
            _Packaged(
                instance_id=_text(encoded_id),
                mask=objects["mask"][number],
                clicks_yx=clicks[clicks[:, 0] == number, 1:],
                input_device=_text(objects["input_device"][number]),
                category=_text(objects["category"][number]),
            )
        )
    instances = _Instances(usable)
    return ImageExample(dataset, image_id, image, instances, tuple(problems))


@dataclasses.dataclass(frozen=True)
class _Packaged:
    """A usable object whose mask is still encoded."""

    instance_id: str
    mask: bytes
    clicks_yx: np.ndarray
    input_device: str
    category: str

    def decode(self) -> InstanceExample:
        mask = _mask(self.mask, self.instance_id)
        ignore_mask = mask == raw.IGNORE
        return InstanceExample(
            instance_id=self.instance_id,
            gt_mask=mask == raw.OBJECT,
            ignore_mask=ignore_mask if ignore_mask.any() else None,
            user_clicks_yx=self.clicks_yx,
            input_device=self.input_device,
            category=self.category,
        )


class _Instances(Sequence[InstanceExample]):
    """The objects of an image; each is decoded at each access and not kept.

    So hundreds of objects on one photograph need the memory of a few.
    """

    def __init__(self, packaged: Sequence[_Packaged]) -> None:
        self._packaged = packaged

    def __len__(self) -> int:
        return len(self._packaged)

    @overload
    def __getitem__(self, index: int) -> InstanceExample: ...

    @overload
    def __getitem__(self, index: slice) -> "_Instances": ...

    def __getitem__(self, index: int | slice) -> "InstanceExample | _Instances":
        if isinstance(index, slice):
            return _Instances(self._packaged[index])
        return self._packaged[index].decode()


class _Masks(Sequence[np.ndarray]):
    """Encoded masks as `u8[h w 1]`; each is decoded at each access."""

    def __init__(self, encoded: Sequence[bytes]) -> None:
        self._encoded = encoded

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, index: Any) -> Any:
        return _mask(self._encoded[index], "a mask")[..., None]


def with_masks(features: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns packaged features with masks as arrays, which are decoded one by one."""
    objects = features.get("objects")
    if objects is None:
        return features
    return {**features, "objects": {**objects, "mask": _Masks(objects["mask"])}}


def _mask(encoded: bytes, name: str) -> np.ndarray:
    return images.decode_mask(bytes(encoded), name)


def click_example(features: Mapping[str, Any], dataset: str) -> ClickExample:
    """Decodes a packaged click task.

    Args:
        features: The packaged features; the photograph is still encoded.
        dataset: Name of the dataset.

    Raises:
        DataError: The task cannot be used; the message says why.
    """
    click_set_id = _text(features["click_set_id"])
    problem = _text(features["problem"])
    if problem:
        raise errors.DataError(problem)
    prev_mask = None
    if len(features["prev_mask"]):
        prev_mask = features["prev_mask"][0][..., 0] / np.float32(255)
    return ClickExample(
        dataset=dataset,
        click_set_id=click_set_id,
        image_id=_text(features["image_id"]),
        click_type=_text(features["click_type"]),
        mask_source=_text(features["mask_source"]),
        input_device=_text(features["input_device"]),
        image=_photograph(features, click_set_id),
        gt_mask=features["gt_mask"][0][..., 0] == raw.OBJECT,
        prev_mask=prev_mask,
        clicks_yx=features["clicks_yx"],
        people=tuple(json.loads(_text(features[_PEOPLE]) or "[]")),
    )


def index_row(
    features: Mapping[str, Any], kind: str, split: str, position: int
) -> dict[str, Any]:
    """Returns the entry of an example in the index: the fields of a `Row`."""
    name = "image_id" if kind == "instances" else "click_set_id"
    objects = features.get("objects", {"instance_id": (), "problem": ()})
    problem = _text(features["problem"])
    problems = [problem or _text(own) for own in objects["problem"]]
    return {
        "split": split,
        "position": position,
        "name": _text(features[name]),
        "instance_ids": [_text(encoded_id) for encoded_id in objects["instance_id"]],
        "click_type": _text(features.get("click_type", "")),
        "input_device": _text(features.get("input_device", "")),
        "problem": problem,
        "problems": problems if kind == "instances" else [problem],
        "shape": [0, 0] if problem else [int(side) for side in features["shape"]],
    }


def mask_digests(features: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the instance id and the hash of the mask of each usable object."""
    objects = features.get("objects")
    if objects is None or _text(features["problem"]):
        return []
    rows = zip(objects["instance_id"], objects["problem"], objects["mask"], strict=True)
    return [
        (_text(instance_id), layouts.mask_digest(mask[..., 0]))
        for instance_id, problem, mask in rows
        if not _text(problem)
    ]


def update_digest(digest: Any, features: Any) -> None:
    """Updates a hash with all names and values of features, in a fixed order.

    Where nobody knows who clicked, it is the hash of before that could be known.
    """
    if isinstance(features, Mapping):
        for key in sorted(features):
            if key == _PEOPLE and not features[key]:
                continue
            digest.update(key.encode())
            update_digest(digest, features[key])
    elif isinstance(features, bytes):
        digest.update(len(features).to_bytes(8, "big") + features)
    elif isinstance(features, Sequence):
        digest.update(len(features).to_bytes(8, "big"))
        for value in features:
            update_digest(digest, value)
    else:
        array = np.asarray(features)
        digest.update(str((array.dtype.str, array.shape)).encode() + array.tobytes())


def _photograph(features: Mapping[str, Any], name: str) -> np.ndarray:
    height, width = map(int, features["shape"])
    image = images.decode_image(bytes(features["image"]), name)
    return images.resize_image(image, (height, width))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
