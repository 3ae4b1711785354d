"""Layouts of the folders of datasets, and the published facts about the datasets.

Source: emb-ai/rclicks, README.md and isegm/isegm/data/datasets; the counts of clicks
are from the poster; checksums of masks are of SamsungLabs/ritm_interactive_segmentation
at 792c183.
"""

import dataclasses
import hashlib
from collections.abc import Iterable

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data.raw import BACKGROUND, IGNORE, OBJECT, mask_labels, mask_rules
from rclicks_jax.data.raw.mask_files import MaskFile
from rclicks_jax.data.raw.mask_rules import MaskRule, Reading
from rclicks_jax.ops import masks

LOSSY = "masks were saved with loss (JPEG); each value counts as it stands"
LEVELS = "masks have other values than 0, 128 and 255; what is above 128 is the object"
VALUES = "masks have more values than 0 and one other; all that is not 0 is the object"


def trimap(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads one object: values above 128 are object, 128 is ignored, others are ground.

    Raises:
        DataError: The file has a form that this rule would misread.
    """
    del shape
    mask, notes = _channels(file)
    if mask.ndim == 3 and (mask != mask[..., :1]).any() and not file.lossy:
        raise errors.DataError(
            "is coloured; the masks of this dataset are grey, with 255 for the object. "
            "Save it as grey."
        )
    values = mask if mask.ndim == 2 else mask[..., 0]
    out = _mask(values > IGNORE)
    out[values == IGNORE] = IGNORE
    if not (notes or np.isin(values, (BACKGROUND, IGNORE, OBJECT)).all()):
        notes = [LEVELS]
    return _single(out, notes)


def nonzero(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads one object: pixels with a value above 0 in some channel.

    Raises:
        DataError: The file has a form that this rule would misread.
    """
    del shape
    mask, notes = _channels(file)
    values = mask if mask.ndim == 2 else mask.max(axis=2)
    if not notes and ((values > 0) & (values < values.max())).any():
        notes = [VALUES]
    return _single(_mask(values > 0), notes)


def _single(mask: np.ndarray, notes: list[str]) -> Reading:
    if masks.touches_all_sides(mask == OBJECT):
        notes.append(mask_rules.EVERYWHERE)
    return Reading({"": mask}, tuple(notes))


def colour_ids(file: MaskFile, shape: tuple[int, int]) -> Reading:
    """Reads objects of a coloured label image, resized to the shape of the image.

    Raises:
        DataError: The file has a form that this rule would misread.
    """
    mask, notes = _channels(file)
    labels = masks.colour_ids(mask) if mask.ndim == 3 else mask.astype(np.int32)
    if file.indices is not None:
        _check_colours(file.indices, labels)
    if labels.shape != shape:
        labels = masks.resize_labels(labels, shape)
    objects = {
        str(label): _mask(labels == label) for label in np.unique(labels) if label
    }
    notes += [mask_rules.MANY] * (len(objects) > mask_rules.MANY_LABELS)
    notes += [mask_rules.NOT_VOID] * ("255" in objects and len(objects) > 1)
    if not masks.labels_on_all_sides(labels).isdisjoint(map(int, objects)):
        notes.append(mask_rules.EVERYWHERE)
    return Reading(objects, tuple(notes))


def _channels(file: MaskFile) -> tuple[np.ndarray, list[str]]:
    """Returns the colours of a mask, which the published rules use, with notes.

    No published mask has pages, an alpha channel or an odd palette, but masks of users
    with the same layout may have them.

    Raises:
        DataError: Ground and objects have the same colour.
    """
    pixels, notes = mask_labels.channels_of(file)
    if file.indices is not None:
        ground = ~(pixels.any(axis=2) if pixels.ndim == 3 else pixels > 0)
        if (ground != (file.indices == 0)).any() and not (
            ground.any() and (file.indices > 0).all()
        ):
            raise errors.DataError(
                "has a palette in which the ground, index 0, is not the only black; "
                "the masks of this dataset are read by colour. Save it as grey, with 0 "
                "as ground."
            )
    return pixels, [*notes, *([LOSSY] if file.lossy else [])]


def _check_colours(indices: np.ndarray, labels: np.ndarray) -> None:
    """Raises `DataError` if a palette shows two indices in one colour."""
    pairs = np.unique(np.stack([indices.ravel(), labels.ravel()]), axis=1)
    if len(np.unique(pairs[1])) < pairs.shape[1]:
        raise errors.DataError(
            "has a palette that shows several indices in one colour; the masks of this "
            "dataset are read by colour. Give each index a colour of its own."
        )


def _mask(chosen: np.ndarray) -> np.ndarray:
    return np.where(chosen, np.uint8(OBJECT), np.uint8(BACKGROUND))


@dataclasses.dataclass(frozen=True)
class Layout:
    """The layout of a dataset, and its published counts.

    Attributes:
        images: Folder of the photographs.
        masks: Folder of the masks, which have the same stems.
        rule: Function that reads the objects of a mask file.
        longest_side: Limit on the longest side of images, pixels; 0 for no limit.
        image_count: Published number of photographs; 0 if unknown.
        object_count: Published number of objects; 0 if unknown.
        first_clicks: Published number of first clicks; 0 if unknown.
        later_clicks: Published number of clicks of later rounds; 0 if unknown.
        archive: Description of the download.
        prev_masks: Folder in SUBSEC_MASKS of the previous masks of later rounds.
        masks_checksum: `joint_digest` of the published masks; empty if unknown.
        variants: Number of images and description of other releases.
        own: Whether it is a user's folder; the meaning of its masks is then found from
            the files.
    """

    images: str
    masks: str
    rule: MaskRule
    longest_side: int = 0
    image_count: int = 0
    object_count: int = 0
    first_clicks: int = 0
    later_clicks: int = 0
    archive: str = ""
    prev_masks: str = "SUBSEC_MASKS/all_benchmark_datasets/fn_fp"
    masks_checksum: str = ""
    variants: tuple[tuple[int, str], ...] = ()
    own: bool = False

    @property
    def resizes(self) -> bool:
        """Whether masks of another size than their photograph's are resized."""
        return self.rule is colour_ids

    def judge(self, images: int, objects: int, checksum: str) -> list[str]:
        """Returns the differences from the published dataset; empty if there are none.

        Args:
            images: Number of photographs with a usable object.
            objects: Number of usable objects.
            checksum: `joint_digest` of the objects.
        """
        if not self.image_count:
            return []
        counted = f"{images} images with {objects} objects"
        published = f"{self.image_count} with {self.object_count}"
        known = dict(self.variants).get(images)
        if known is not None:
            return [f"{counted} instead of {published}: this looks like {known}"]
        if (images, objects) != (self.image_count, self.object_count):
            some = images <= self.image_count and objects <= self.object_count
            what = "only a part" if some else "another variant"
            return [f"{counted} instead of {published}: {what} of the published data"]
        if self.masks_checksum and checksum != self.masks_checksum:
            return [
                "the counts are the published ones but the masks differ from those of "
                "RITM's release, which RClicks used"
            ]
        return []


def mask_digest(mask: np.ndarray) -> str:
    """Returns a hash of a mask `u8[h w]`, whatever the format of its file."""
    content = np.ascontiguousarray(mask).tobytes()
    return hashlib.sha256(f"{mask.shape}".encode() + content).hexdigest()


def joint_digest(digests: Iterable[tuple[str, str]]) -> str:
    """Returns a hash of the masks of a dataset; their order does not matter.

    Args:
        digests: Instance id and `mask_digest` of each mask.
    """
    lines = sorted(f"{name} {digest}" for name, digest in digests)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


LAYOUTS = {
    "GrabCut": Layout(
        images="data_GT",
        masks="boundary_GT",
        rule=trimap,
        image_count=50,
        object_count=50,
        first_clicks=2395,
        later_clicks=3427,
        archive="GrabCut.zip (11 MB)",
        masks_checksum=(
            "7cfdbbc6935692c41d1d85ad25744bda6a7a842ee965060b335f4d76ea91f233"
        ),
    ),
    "Berkeley": Layout(
        images="images",
        masks="masks",
        rule=trimap,
        image_count=100,
        object_count=100,
        first_clicks=4859,
        later_clicks=6937,
        archive="Berkeley.zip (7 MB)",
        masks_checksum=(
            "54b4e841ef2cc3f96c4590173c1aeace7fc5a611455fc0928b5c9f4d20ca202f"
        ),
    ),
    "DAVIS": Layout(
        images="img",
        masks="gt",
        rule=nonzero,
        image_count=345,
        object_count=345,
        first_clicks=16975,
        later_clicks=23687,
        archive="DAVIS.zip (43 MB)",
        variants=((585, "DAVIS585 of FocalClick, which starts from given masks"),),
    ),
    "COCO_MVal": Layout(
        images="img",
        masks="gt",
        rule=nonzero,
        image_count=800,
        object_count=800,
        first_clicks=38097,
        later_clicks=53926,
        archive="COCO_MVal.zip (127 MB)",
    ),
    "TETRIS": Layout(
        images="images",
        masks="masks",
        rule=colour_ids,
        longest_side=2048,
        image_count=2000,
        object_count=2531,
        first_clicks=123023,
        later_clicks=202218,
        archive="TETRIS.zip (6.3 GB)",
        prev_masks="SUBSEC_MASKS/tetris_fn_fp/tetris_fn_fp_masks",
    ),
    "VOC_WTP": Layout(
        images="images",
        masks="masks",
        rule=nonzero,
        archive="PASCAL VOC 2012 with the clicks of What's the Point (ECCV 2016)",
    ),
}
BINARY_FOLDER = Layout(
    images="images", masks="masks", rule=mask_rules.one_object, own=True
)
LABEL_FOLDER = Layout(
    images="images", masks="labels", rule=mask_rules.each_label, own=True
)
