"""Reads a COCO instances file into images, annotations and notes.

Reading fails only if the file is not an instances file at all. An odd image or
annotation is refused alone, or left out with a note.
"""

import collections
import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from rclicks_jax import errors, file_signatures
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files, values

CROWDS = "annotations are crowds (iscrowd) and are left out"
_NO_OBJECTS = {
    "images": "entries of `images` are no JSON objects and are left out",
    "annotations": "entries of `annotations` are no JSON objects and are left out",
}
_NO_IMAGE_ID = "images have an id that is neither a number nor a text, and are left out"
_UNUSED = "images have no annotation, or crowds alone, and are left out"
_UNMATCHED = "annotations belong to no image of the file and are left out"
_OTHER_TYPE = (
    "image ids are numbers in one list and text in the other: they match as text"
)
_NAMED = "annotations have no id of their own, or a repeated one, and are named anew"
_SAME_IMAGE = "images are listed more than once, in the same words, and count once"
_SAME_FILE = "images of different ids have one file_name, and each counts"
_NO_CATEGORY = "annotations have a category_id that `categories` does not name"
_LARGEST_SIDE = 2**31
_TRUE, _FALSE = {"1", "1.0", "true"}, {"", "0", "0.0", "false"}


@dataclasses.dataclass(frozen=True)
class Image:
    """An image as the file describes it.

    Attributes:
        image_id: Identity, unique in the file.
        file_name: Name of the file as written; the URL if there is no name.
        has_name: Whether `file_name` is the name, not the URL.
        shape: Height and width of the frame of annotations; None if the file does not
            give them.
        problem: Reason why the image cannot be used; empty if it can.
    """

    image_id: str
    file_name: str
    has_name: bool
    shape: tuple[int, int] | None
    problem: str


@dataclasses.dataclass(frozen=True)
class Annotation:
    """An object as the file describes it.

    Attributes:
        instance_id: Identity, unique in the file.
        category: Name of the category; empty if unknown.
        segmentation: The value in the file.
        problem: Reason why the object cannot be used; empty if it can.
    """

    instance_id: str
    category: str
    segmentation: object
    problem: str


@dataclasses.dataclass(frozen=True)
class Index:
    """The content of a file.

    Attributes:
        images: Images with at least one annotation that is not a crowd, in order of
            their ids.
        annotations: Annotations of each image, by its id, in order of their ids.
        notes: Notes on what was decided or left out.
    """

    images: list[Image]
    annotations: dict[str, list[Annotation]]
    notes: list[raw.Note]


def read(path: pathlib.Path) -> Index:
    """Reads a file.

    Raises:
        DataError: The file cannot be read, is not a COCO instances file, or has no
            object.
    """
    content = _parsed(path, files.read(path))
    lists = {key: _entries(path, content, key) for key in _NO_OBJECTS}
    notes = [note for _, left_out in lists.values() for note in left_out]
    (listed, _), (annotated, _) = lists.values()
    by_id, image_notes = _images(listed)
    kept, annotation_notes = _annotations(annotated, by_id, _categories(content))
    notes += [*image_notes, *annotation_notes]
    unused = [image for key, (image, _) in by_id.items() if key not in kept]
    notes += [
        raw.Note(_UNUSED, values.written(image.file_name) or image.image_id)
        for image in unused
    ]
    if not kept:
        described = "; ".join(raw.describe(notes))
        raise errors.DataError(
            f"{path} has no object: {len(listed)} images, {len(annotated)} annotations"
            f"{described and f'. Left out: {described}'}."
        )
    images = [by_id[key][0] for key in sorted(kept, key=_order)]
    times = collections.Counter(image.file_name for image in images)
    notes += [
        raw.Note(_SAME_FILE, values.shown(name))
        for name, count in times.items()
        if name and count > 1
    ]
    return Index(images, kept, notes)


def _parsed(path: pathlib.Path, content: bytes) -> Any:
    """Parses JSON in any Unicode encoding, with or without a byte order mark."""
    try:
        try:
            return json.loads(content)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except ValueError:
            # Python refuses integers with thousands of digits.
            return json.loads(content, parse_int=lambda text: float(text))
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is no text in {error.encoding}; save it as UTF-8"
    except json.JSONDecodeError as error:
        why = f"line {error.lineno}, column {error.colno} is no JSON ({error.msg})"
    except RecursionError:
        why = "its lists are nested too deeply"
    mistaken = file_signatures.mistaken(content[: file_signatures.HEAD])
    if mistaken and not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        why = f"it is {mistaken}"
    raise _no_instances(path, why)


def _no_instances(path: pathlib.Path, why: str) -> errors.DataError:
    return errors.DataError(
        f"{path} is not a COCO instances file: {why}. It must have `images` (id, "
        "file_name, width, height) and `annotations` (id, image_id, segmentation)."
    )


def _entries(
    path: pathlib.Path, content: Any, key: str
) -> tuple[list[tuple[int, dict[str, Any]]], list[raw.Note]]:
    """Returns the JSON objects of a list with their positions, and notes on others."""
    if not isinstance(content, dict):
        raise _no_instances(path, f"it holds {values.shown(content)}")
    if key not in content:
        has = ", ".join(map(values.shown, content))
        raise _no_instances(path, f"it has no `{key}`, but {has or 'nothing'}")
    if not isinstance(content[key], list):
        raise _no_instances(path, f"`{key}` is {values.shown(content[key])}, no list")
    numbered = list(enumerate(content[key]))
    if any(isinstance(e, dict) and "segments_info" in e for _, e in numbered):
        raise _no_instances(path, "it is a panoptic one (`segments_info`)")
    kept = [(number, entry) for number, entry in numbered if isinstance(entry, dict)]
    left_out = [
        raw.Note(_NO_OBJECTS[key], f"{key}[{number}]")
        for number, entry in numbered
        if not isinstance(entry, dict)
    ]
    return kept, left_out


def _order(identity: str) -> tuple[int, int, str]:
    """Returns a key that sorts numbers by their size, and before other ids."""
    number = values.whole(identity)
    return (1, 0, identity) if number is None else (0, number, identity)


def _images(
    listed: Sequence[tuple[int, dict[str, Any]]],
) -> tuple[dict[str, tuple[Image, type]], list[raw.Note]]:
    """Returns images by id, with the JSON type of their id, and notes."""
    entries: dict[str, list[dict[str, Any]]] = {}
    notes = []
    for number, entry in listed:
        image_id = values.identity(entry.get("id"))
        if image_id is None:
            notes.append(raw.Note(_NO_IMAGE_ID, f"images[{number}]"))
        else:
            entries.setdefault(image_id, []).append(entry)
    by_id = {}
    for image_id, same in entries.items():
        images = list(dict.fromkeys(_image(image_id, entry) for entry in same))
        image = images[0]
        if len(images) > 1:
            names = ", ".join(values.shown(other.file_name) for other in images[:5])
            problem = (
                f"the image id {image_id} is given to {len(images)} images: {names}"
            )
            image = dataclasses.replace(image, problem=problem)
        elif len(same) > 1:
            notes.append(raw.Note(_SAME_IMAGE, image_id))
        by_id[image_id] = image, type(same[0]["id"])
    return by_id, notes


def _image(image_id: str, entry: dict[str, Any]) -> Image:
    name, address = entry.get("file_name"), entry.get("coco_url")
    has_name = name not in (None, "")
    file_name = name if has_name else address
    shape, problem = _shape(entry)
    if not isinstance(file_name, str) or not file_name:
        problem = f"file_name is {values.shown(name)}: it must be the name of a file"
        if not has_name:
            problem = "the image has neither a file_name nor a coco_url"
        file_name = ""
    return Image(image_id, file_name, has_name, shape, problem)


def _shape(entry: dict[str, Any]) -> tuple[tuple[int, int] | None, str]:
    """Returns the height and width of an image in the file, and a problem with them."""
    sides = {key: entry.get(key) for key in ("height", "width")}
    if not any(side is not None for side in sides.values()):
        return None, ""
    pixels = {key: values.whole(side) or 0 for key, side in sides.items()}
    for key, number in pixels.items():
        if not 0 < number <= _LARGEST_SIDE:
            return None, (
                f"the file gives the image the {key} {values.shown(sides[key])}, which "
                "is no number of pixels"
            )
    return (pixels["height"], pixels["width"]), ""


def _categories(content: dict[str, Any]) -> dict[str, str]:
    """Returns the names of categories by id; an id with several names is left out."""
    listed = content.get("categories")
    names: dict[str, set[str]] = {}
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            key = values.identity(entry.get("id"))
            name = values.written(entry["name"])
            if key and name:
                names.setdefault(key, set()).add(name)
    return {key: min(of_key) for key, of_key in names.items() if len(of_key) == 1}


def _annotations(
    annotated: Sequence[tuple[int, dict[str, Any]]],
    images: dict[str, tuple[Image, type]],
    categories: dict[str, str],
) -> tuple[dict[str, list[Annotation]], list[raw.Note]]:
    """Returns the annotations of each image, by its id, without crowds."""
    notes = []
    kept: list[tuple[str, str | None, dict[str, Any], str]] = []
    for number, entry in annotated:
        own_id = values.identity(entry.get("id"))
        where = own_id or f"annotations[{number}]"
        is_crowd, problem = _crowd(entry.get("iscrowd"))
        image_id = values.identity(entry.get("image_id"))
        if is_crowd:
            notes.append(raw.Note(CROWDS, where))
        elif image_id is None or image_id not in images:
            notes.append(raw.Note(_UNMATCHED, where))
        else:
            kept.append((image_id, own_id, entry, problem))
            is_text = isinstance(entry["image_id"], str)
            if is_text != (images[image_id][1] is str):
                notes.append(raw.Note(_OTHER_TYPE, where))
    names = _unique([(image_id, own_id) for image_id, own_id, _, _ in kept])
    of_image: dict[str, list[Annotation]] = collections.defaultdict(list)
    for name, (image_id, own_id, entry, problem) in zip(names, kept, strict=True):
        if name != own_id:
            notes.append(raw.Note(_NAMED, name))
        category = categories.get(values.identity(entry.get("category_id")) or "", "")
        if not category and entry.get("category_id") is not None:
            notes.append(raw.Note(_NO_CATEGORY, name))
        segmentation = entry.get("segmentation")
        annotation = Annotation(name, category, segmentation, problem)
        of_image[image_id].append(annotation)
    for annotations in of_image.values():
        annotations.sort(key=lambda annotation: _order(annotation.instance_id))
    return dict(of_image), notes


def _crowd(value: Any) -> tuple[bool, str]:
    """Returns whether an annotation is a crowd, and a problem with the value."""
    text = "" if value is None else values.shown(value).strip("'\" ").lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE, ""
    return False, f"iscrowd is {values.shown(value)}; allowed are 0 and 1"


def _unique(ids: Sequence[tuple[str, str | None]]) -> list[str]:
    """Returns names of annotations that are all different.

    If only one annotation has an id, the id is its name. Others are named by image and
    id, and numbered from the second on, in order of the file.

    Args:
        ids: Image id and, if there is one, id of each annotation.
    """
    times = collections.Counter(own_id for _, own_id in ids)
    taken = {own_id for own_id, count in times.items() if own_id and count == 1}
    names = []
    next_number: collections.Counter[str] = collections.Counter()
    for image_id, own_id in ids:
        if own_id is not None and times[own_id] == 1:
            names.append(own_id)
            continue
        stem = f"{image_id}_{own_id or 'object'}"
        name = stem
        while name in taken:
            next_number[stem] += 1
            name = f"{stem}_{next_number[stem] + 1}"
        taken.add(name)
        names.append(name)
    return names
