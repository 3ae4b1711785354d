"""Converts click examples to training examples of the clickability network."""

import numpy as np

from rclicks_jax.data import targets
from rclicks_jax.ops import letterbox
from rclicks_jax.types import ClickExample, PackedBatch


def pack(example: ClickExample, size: int, sigma: float) -> PackedBatch:
    """Letterboxes an example.

    Args:
        example: An example with at least one click.
        size: Side of the square, pixels.
        sigma: Sigma of the click map, in pixels of a 1920x1080 image.

    Returns:
        The fields of a `PackedBatch` without the batch axis. Rounding to bytes changes
        colours and soft masks by at most 1/510.
    """
    box = letterbox.fit(example.image.shape, size)
    error_mask = example.error_mask
    click_map = targets.click_map(example.clicks_yx, error_mask, sigma)
    masks = np.stack([example.gt_mask.astype(np.float32), error_mask], axis=-1)
    image = letterbox.place(example.image.astype(np.float32), box)
    return PackedBatch(
        image=np.rint(image).astype(np.uint8),
        masks=np.rint(letterbox.place(masks, box) * 255).astype(np.uint8),
        click_map=letterbox.place(click_map, box).astype(np.float16),
        box=np.array(box.box, np.int32),
        weight=np.float32(1),
    )


def near_clicks(example: ClickExample, max_radii: float) -> np.ndarray:
    """Tells which clicks lie in the error region or near its border.

    The article kept "only those clicks that fell within the boundaries of the object
    or were not further than a certain distance from its border"; the distance is not
    published, so it is a parameter here.

    Args:
        example: The example.
        max_radii: Largest distance from the region, in click radii of at least a pixel.

    Returns:
        Whether each click is near, `bool[n]`; all false if the region is empty.
    """
    region = example.error_mask > 0.5
    if not region.any():
        return np.zeros(len(example.clicks_yx), bool)
    radius = max(1, targets.click_radius(region.shape))
    return targets.distance_to_region(example.clicks_yx, region) <= max_radii * radius
