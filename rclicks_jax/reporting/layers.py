"""The picture layers of an object: photograph, target, click map, masks."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Layers:
    """The picture layers of one object, all of the same size.

    Attributes:
        instance_id: The object.
        scale: Scale of the layers, relative to the photograph.
        photo: The photograph, RGB, `u8[h w 3]`.
        target: The target, `bool[h w]`.
        click_map: First click map, 255 at its peak, `u8[h w]`; None if no group was
            played.
        last_masks: Last masks by label, such as `baseline`, `G1`, `G10`, `bool[h w]`.
        user_mean: Share of people's first clicks whose mask contains a pixel, 255 for
            all, `u8[h w]`; None if no first click was replayed.
        rounds: Masks of all rounds by label, `u32[h w]`: bit k tells whether a pixel is
            in the mask after click k + 1.
        corner: Top left corner of the layers in the photograph, `(y, x)` in its pixels.
    """

    instance_id: str
    scale: float
    photo: np.ndarray
    target: np.ndarray
    click_map: np.ndarray | None
    last_masks: dict[str, np.ndarray]
    corner: tuple[float, float] = (0.0, 0.0)
    rounds: dict[str, np.ndarray] = dataclasses.field(
        default_factory=dict[str, np.ndarray]
    )
    user_mean: np.ndarray | None = None


def as_bytes(layer: np.ndarray) -> np.ndarray:
    """Returns a layer as bytes.

    A mask becomes 0 and 255, a map is scaled to 255 at its peak; bytes stay as they
    are.

    Args:
        layer: A mask, a map or bytes, `[h w]`.
    """
    if layer.dtype == bool:
        return layer.astype(np.uint8) * 255
    if layer.dtype == np.uint8:
        return layer
    peak = max(float(layer.max()), 1e-9)
    return np.rint(np.clip(layer, 0, None) / peak * 255).astype(np.uint8)
