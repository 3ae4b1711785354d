"""A photograph and its mask files, read into one frame."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import layouts, mask_files, photographs
from rclicks_jax.ops import images
from rclicks_jax.ops import masks as label_masks


@dataclasses.dataclass(frozen=True)
class MaskedPhotograph:
    """A photograph with the masks of its objects.

    Attributes:
        encoded: What `images.decode_image` decodes to the pixels that count.
        shape: Height and width that its objects refer to, as of `raw.RawImage`.
        masks: `u8[h w]` of each object, by the id that tells it apart; `shape` if the
            files are as they should be.
        problems: Why an object's file cannot be used, by the object's name.
        notes: What was decided.
    """

    encoded: bytes
    shape: tuple[int, int]
    masks: dict[str, np.ndarray]
    problems: dict[str, str]
    notes: tuple[raw.Note, ...]


def read(
    path: pathlib.Path, mask_paths: Mapping[str, pathlib.Path], layout: layouts.Layout
) -> MaskedPhotograph:
    """Reads a photograph and its mask files.

    Args:
        path: Of the photograph.
        mask_paths: Of its masks, by the names of their objects; the name is empty where
            a single file holds them all.
        layout: How the dataset's masks are read.

    Raises:
        DataError: The photograph is not there or damaged, it cannot be told whether the
            masks fit it as stored or as turned by EXIF, no mask can be used, or there
            is not enough memory.
    """
    try:
        return _read(path, mask_paths, layout)
    except MemoryError as error:
        raise errors.DataError(
            "the masks need more memory than this machine has left: make the image and "
            "its masks smaller, or use a machine with more"
        ) from error


def _read(
    path: pathlib.Path, mask_paths: Mapping[str, pathlib.Path], layout: layouts.Layout
) -> MaskedPhotograph:
    photo = photographs.read(path, "the image")
    found, problems = {}, {}
    for name, mask_path in mask_paths.items():
        try:
            found[name] = mask_files.read(mask_path, _called(name))
        except errors.DataError as error:
            problems[name] = str(error)
    if layout.own:
        shapes = [file.shape for file in found.values()]
        turned = any(file.turned for file in found.values())
        photo = photographs.in_frame_of(photo, shapes, turned=turned)
    longest = layout.longest_side
    shape = images.limited_shape(photo.shape, longest) if longest else photo.shape
    masks: dict[str, np.ndarray] = {}
    notes = [raw.Note(kind, path.stem) for kind in photo.notes]
    for name, file in found.items():
        try:
            reading = layout.rule(file, shape)
        except errors.DataError as error:
            problems[name] = f"{_called(name)} {error}"
            continue
        for label, mask in reading.objects.items():
            key = "_".join(filter(None, (name, label)))
            masks[key] = _limited(mask, photo.shape, shape)
        where = "/".join(filter(None, (path.stem, name)))
        notes += [raw.Note(kind, where) for kind in reading.notes]
    if problems and not masks:
        raise errors.DataError("; ".join(dict.fromkeys(problems.values())))
    return MaskedPhotograph(photo.encoded, shape, masks, problems, tuple(notes))


def _called(name: str) -> str:
    return f"the mask {name}" if name else "the mask"


def _limited(
    mask: np.ndarray, native: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Shrinks a mask with its photograph; one of another shape is left as it is."""
    if mask.shape != native or native == shape:
        return mask
    return label_masks.resize_labels(mask, shape)
