"""Boxes of masks and the ids of label images."""

import cv2
import numpy as np

Box = tuple[int, int, int, int]


def bounding_box(mask: np.ndarray) -> Box | None:
    """Returns the half-open box `(y0, y1, x0, x1)` of the true pixels of `bool[h w]`.

    None if no pixel is true.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def padded(mask: np.ndarray) -> np.ndarray:
    """Returns `bool[h w]` with a false pixel around it, as `u8[h+2 w+2]` of 0 and 1."""
    result = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    result[1:-1, 1:-1] = mask
    return result


def touches_all_sides(mask: np.ndarray) -> bool:
    """Tells whether `bool[h w]` is true somewhere on each of the four borders."""
    return bool(
        mask[0].any() and mask[-1].any() and mask[:, 0].any() and mask[:, -1].any()
    )


def labels_on_all_sides(labels: np.ndarray) -> set[int]:
    """Returns the labels of `[h w]` that lie somewhere on each of the four borders."""
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return set.intersection(*(set(np.unique(side).tolist()) for side in sides))


def local_range(values: np.ndarray) -> np.ndarray:
    """Returns by how much values differ in the 3x3 pixels around each: `f32[h w]`.

    Args:
        values: `f32[h w]`.
    """
    window = np.ones((3, 3), np.uint8)
    values = values.astype(np.float32)
    return cv2.dilate(values, window) - cv2.erode(values, window)


def between_labels(labels: np.ndarray) -> np.ndarray:
    """Finds pixels as they lie between labels after blurring, resizing or JPEG.

    Such a pixel is in no square of 2x2 pixels of one label, and next to another one
    that is not 0 either.

    Args:
        labels: `int[h w]`, 0 for background.

    Returns:
        `bool[h w]`.
    """
    across = labels[:, 1:] == labels[:, :-1]
    down = labels[1:] == labels[:-1]
    square = across[1:] & across[:-1] & down[:, 1:]
    in_square = np.zeros(labels.shape, bool)
    mixed = np.zeros(labels.shape, bool)
    for rows in (slice(1, None), slice(None, -1)):
        for columns in (slice(1, None), slice(None, -1)):
            in_square[rows, columns] |= square
    labelled = labels != 0
    beside = ~across & labelled[:, 1:] & labelled[:, :-1]
    above = ~down & labelled[1:] & labelled[:-1]
    mixed[:, 1:] |= beside
    mixed[:, :-1] |= beside
    mixed[1:] |= above
    mixed[:-1] |= above
    return mixed & ~in_square


def colour_ids(mask_bgr: np.ndarray) -> np.ndarray:
    """Returns the object ids of a coloured label image: B * 65536 + G * 256 + R.

    Args:
        mask_bgr: Label image in OpenCV's channel order, `u8[h w 3]`.

    Returns:
        Ids, `i32[h w]`, 0 for background.

    Source: emb-ai/rclicks, isegm/isegm/data/datasets, TETRIS.
    """
    blue, green, red = np.moveaxis(mask_bgr.astype(np.int32), -1, 0)
    return blue * 65536 + green * 256 + red


def resize_labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resizes a label image label by label, the later one winning where two meet.

    Each label is resized bilinearly as zeros and ones of eight bits, so a pixel is
    kept where at least half of it belongs to the label.

    Args:
        labels: `i32[h w]`, 0 for background.
        shape: Height and width of the result.

    Returns:
        `i32[*shape]`.

    Source: emb-ai/rclicks, isegm/isegm/data/datasets/tetris.py, `aligned_resize`.
    """
    resized = np.zeros(shape, labels.dtype)
    for label in np.unique(labels):
        if label:
            mask = (labels == label).astype(np.uint8)
            mask = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_LINEAR)
            resized[mask > 0] = label
    return resized
