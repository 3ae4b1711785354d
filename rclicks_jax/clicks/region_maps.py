"""UD and DT: click maps that follow from the error region alone; no JAX is needed.

Source: emb-ai/rclicks, rclicks/rclicks/clicksim.py.
"""

from collections.abc import Callable

import numpy as np

from rclicks_jax.clicks import specs
from rclicks_jax.ops import distance, masks
from rclicks_jax.types import ClickQuery


def uniform(query: ClickQuery) -> np.ndarray:
    """UD: every pixel of the error region alike, `f32[h w]`."""
    region = query.error_mask.astype(np.float32)
    return region / max(float(region.max(initial=0)), 1e-9)


def distance_inside(query: ClickQuery) -> np.ndarray:
    """DT: the deeper inside the error region the likelier, `f32[h w]`.

    The border of the image is no border of the region, other than for the baseline
    click.
    """
    inside = (query.error_mask.astype(np.float32) * 255).astype(np.uint8) > 0
    click_map = np.zeros(inside.shape, np.float32)
    box = masks.bounding_box(inside)
    if box is None:
        return click_map
    y0, y1, x0, x1 = box
    # No pixel beyond the ring around the box is nearer than the ring.
    near = slice(max(0, y0 - 1), y1 + 1), slice(max(0, x0 - 1), x1 + 1)
    depth = distance.distance_inside(inside[near], pad_border=False)
    # The last bit of OpenCV's roots depends on where arrays lie in memory; squares are
    # whole numbers.
    squares = np.rint(np.square(depth, dtype=np.float64))
    click_map[near] = np.sqrt(squares / squares.max())
    return click_map


FUNCTIONS: dict[str, Callable[[ClickQuery], np.ndarray]] = dict(
    zip(specs.FUNCTIONS, (uniform, distance_inside), strict=True)
)
