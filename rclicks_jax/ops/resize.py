"""Bilinear resizing as two small matrix products, with PyTorch's two conventions."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


def resize_bilinear(
    images: jax.Array, shape: Sequence[int], *, align_corners: bool
) -> jax.Array:
    """Resizes bilinearly without smoothing, as `torch.nn.functional.interpolate`.

    Args:
        images: `f32[b h w c]`.
        shape: Height and width of the result.
        align_corners: Whether corner pixels keep their place (True) or pixels are
            taken as squares with their centres at half (False).

    Returns:
        `f32[b *shape c]`.
    """
    if images.shape[1:3] == tuple(shape):
        return images
    down = jnp.asarray(_weights(images.shape[1], shape[0], align_corners), images.dtype)
    across = jnp.asarray(
        _weights(images.shape[2], shape[1], align_corners), images.dtype
    )
    images = jnp.einsum("yh,bhwc->bywc", down, images, precision="highest")
    return jnp.einsum("xw,bywc->byxc", across, images, precision="highest")


def _weights(source: int, target: int, align_corners: bool) -> np.ndarray:
    """Returns the interpolation matrix of one axis, `f32[target source]`."""
    places = np.arange(target, dtype=np.float64)
    if align_corners:
        places *= (source - 1) / max(target - 1, 1)
    else:
        places = (places + 0.5) * source / target - 0.5
    places = np.clip(places, 0, source - 1)
    lower = np.floor(places).astype(np.int64)
    upper = np.minimum(lower + 1, source - 1)
    share = places - lower
    weights = np.zeros((target, source), np.float32)
    rows = np.arange(target)
    np.add.at(weights, (rows, lower), 1 - share)
    np.add.at(weights, (rows, upper), share)
    return weights
