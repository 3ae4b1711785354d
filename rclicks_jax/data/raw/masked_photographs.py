"""Reads a photograph and its mask files into one frame."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import files, layouts, mask_files, photographs
from rclicks_jax.ops import decoding, image_headers, images
from rclicks_jax.ops import masks as label_masks


class PackedMasks(Mapping[str, np.ndarray]):
    """Masks of the objects of a photograph, decoded at each access to save memory.

    There may be hundreds, each as large as the photograph.
    """

    def __init__(self) -> None:
        """Starts without masks."""
        self._encoded: dict[str, bytes] = {}

    def add(self, key: str, mask: np.ndarray) -> None:
        """Adds a mask, `u8[h w]`."""
        self._encoded[key] = images.encode_png(mask)

    def __getitem__(self, key: str) -> np.ndarray:
        """Returns a mask, `u8[h w]`."""
        return images.decode_mask(self._encoded[key], key)

    def __iter__(self) -> Iterator[str]:
        """Iterates over the ids."""
        return iter(self._encoded)

    def __len__(self) -> int:
        """Returns the number of masks."""
        return len(self._encoded)


@dataclasses.dataclass(frozen=True)
class MaskedPhotograph:
    """A photograph with the masks of its objects.

    Attributes:
        encoded: File content that `images.decode_image` decodes to the pixels to use.
        shape: Height and width of the frame of objects, as in `raw.RawImage`.
        masks: Mask `u8[h w]` of each object, by the id of the object; they have the
            shape `shape` if the files are correct.
        problems: Reason why the file of an object cannot be used, by its name.
        notes: Notes on what was decided.
    """

    encoded: bytes
    shape: tuple[int, int]
    masks: PackedMasks
    problems: dict[str, str]
    notes: tuple[raw.Note, ...]


def read(
    path: pathlib.Path, mask_paths: Mapping[str, pathlib.Path], layout: layouts.Layout
) -> MaskedPhotograph:
    """Reads a photograph and its mask files, one at a time.

    Args:
        path: Path of the photograph.
        mask_paths: Paths of its masks, by the names of their objects; the name is empty
            if a single file holds all objects.
        layout: Layout of the dataset.

    Raises:
        DataError: The photograph is missing or damaged, the frame of the masks is not
            clear, no mask can be used, or there is not enough memory.
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
    encoded = files.read(path, "the image")
    header = decoding.checked_header(encoded, "the image")
    # A file that is not an image fails here, before its masks are read.
    photo = photographs.parse(encoded, "the image") if header is None else None
    problems: dict[str, str] = {}
    shapes, turned, kept = [], False, {}
    fitting = _fitting(header, layout)
    for name, file in _files(mask_paths, problems, fitting):
        shapes.append(file.shape)
        turned |= file.turned
        if len(mask_paths) == 1:
            kept[name] = file
    if not shapes:
        raise errors.DataError(_joined(problems))
    # This comes late, since a small file may hold a thousand million pixels.
    photo = photo or photographs.parse(encoded, "the image")
    photo = _framed(photo, shapes, turned, layout)
    longest = layout.longest_side
    shape = images.limited_shape(photo.shape, longest) if longest else photo.shape
    masks = PackedMasks()
    notes = [raw.Note(kind, path.stem) for kind in photo.notes]
    # Several files are read again, since hundreds of them may not fit into memory.
    again = _files(mask_paths, problems, fitting)
    for name, file in kept.items() or again:
        try:
            reading = layout.rule(file, shape)
        except errors.DataError as error:
            problems[name] = f"{_called(name)} {error}"
            continue
        for label, mask in reading.objects.items():
            key = "_".join(filter(None, (name, label)))
            masks.add(key, _limited(mask, photo.shape, shape))
        where = "/".join(filter(None, (path.stem, name)))
        notes += [raw.Note(kind, where) for kind in reading.notes]
    if problems and not masks:
        raise errors.DataError(_joined(problems))
    return MaskedPhotograph(photo.encoded, shape, masks, problems, tuple(notes))


def _joined(problems: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(problems.values()))


def _files(
    mask_paths: Mapping[str, pathlib.Path],
    problems: dict[str, str],
    shapes: Sequence[tuple[int, int]],
) -> Iterator[tuple[str, mask_files.MaskFile]]:
    """Yields the mask files that can be read; adds the problems of others."""
    for name, mask_path in mask_paths.items():
        if name not in problems:
            try:
                yield name, mask_files.read(mask_path, _called(name), shapes)
            except errors.DataError as error:
                problems[name] = str(error)


def _fitting(
    photo: image_headers.Header | None, layout: layouts.Layout
) -> list[tuple[int, int]]:
    """Returns the sizes that a mask of a photograph may have; empty for any size."""
    if photo is None or layout.resizes:
        return []
    longest, native = layout.longest_side, photo.shown_shape
    return [native, images.limited_shape(native, longest)] if longest else [native]


def _framed(
    photo: photographs.Photograph,
    shapes: list[tuple[int, int]],
    turned: bool,
    layout: layouts.Layout,
) -> photographs.Photograph:
    """Returns a photograph in the frame of its masks.

    Raises:
        DataError: The frame of the masks is not clear.
    """
    # Published masks are in the turned frame unless their size differs.
    if layout.own or photo.shape != photo.stored_shape:
        photo = photographs.in_frame_of(photo, shapes, turned=turned)
    if photo.turn != 1 and not (layout.own or photographs.TURNED in photo.notes):
        kinds = (*photo.notes, photographs.TAKEN_AS_TURNED)
        photo = dataclasses.replace(photo, notes=kinds)
    return photo


def _called(name: str) -> str:
    return f"the mask {name}" if name else "the mask"


def _limited(
    mask: np.ndarray, native: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Shrinks a mask with its photograph; a mask of another shape stays as it is."""
    if mask.shape != native or native == shape:
        return mask
    return label_masks.resize_labels(mask, shape)
