"""The pictures of one object: photograph, target, click map, masks."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Layers:
    """The pictures of one object, all of one size.

    Attributes:
        instance_id: The object.
        scale: Of the pictures, relative to the photograph.
        photo: `u8[h w 3]`.
        target: `bool[h w]`.
        click_map: First click map, 255 at its peak, `u8[h w]`; None if no group played.
        last_masks: By label: `baseline`, `G1`, `G10`; `bool[h w]`.
        user_mean: Share of people's first clicks whose mask has a pixel, 255 for all,
            `u8[h w]`; None if none was replayed.
        rounds: Masks of all rounds by label, `u32[h w]`: bit k tells whether a pixel is
            in the mask after click k + 1.
        corner: Of the pictures in the photograph, `(y, x)` in its pixels.
    """

    instance_id: str
    scale: float
    photo: np.ndarray
    target: np.ndarray
    click_map: np.ndarray | None
    last_masks: dict[str, np.ndarray]
    corner: tuple[float, float] = (0.0, 0.0)
    rounds: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    user_mean: np.ndarray | None = None


def as_bytes(layer: np.ndarray) -> np.ndarray:
    """Returns a mask as 0 and 255, a map scaled to 255 at its peak; bytes as is."""
    if layer.dtype == bool:
        return layer.astype(np.uint8) * 255
    if layer.dtype == np.uint8:
        return layer
    peak = max(float(layer.max()), 1e-9)
    return np.rint(np.clip(layer, 0, None) / peak * 255).astype(np.uint8)
