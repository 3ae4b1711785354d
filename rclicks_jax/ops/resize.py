"""Bilinear resizing on devices: with PyTorch's two conventions, and with OpenCV's taps.

Products with small matrices are fast everywhere; gathers are faster where they are fast
at all, which is not on TPUs.
"""

from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from rclicks_jax.ops.taps import Axes, Taps


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
    down = jnp.asarray(
        bilinear_weights(images.shape[1], shape[0], align_corners=align_corners),
        images.dtype,
    )
    across = jnp.asarray(
        bilinear_weights(images.shape[2], shape[1], align_corners=align_corners),
        images.dtype,
    )
    images = jnp.einsum("yh,bhwc->bywc", down, images, precision="highest")
    return jnp.einsum("xw,bywc->byxc", across, images, precision="highest")


def bilinear_weights(source: int, target: int, *, align_corners: bool) -> np.ndarray:
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


def resample(image: jax.Array, axes: Axes) -> jax.Array:
    """Resizes an image by taps of the host; the result equals OpenCV's to rounding.

    Args:
        image: `f32[h w ...]`.
        axes: Taps of the result's rows and columns.

    Returns:
        `f32[rows columns ...]`, 0 where taps have no weight.
    """
    resized = cast(
        jax.Array,
        jax.lax.platform_dependent(
            image, axes, tpu=resample_by_products, default=resample_by_gathers
        ),
    )
    # A weight of 0 does not make 0 of what is no number.
    within = inside(axes)
    return jnp.where(within.reshape(within.shape + (1,) * (image.ndim - 2)), resized, 0)


def inside(axes: Axes) -> jax.Array:
    """Tells where the taps of a result have weight, `bool[rows columns]`."""
    rows, columns = (jnp.asarray(axis.low + axis.high) > 0 for axis in axes)
    return rows[:, None] & columns[None, :]


def resample_by_gathers(image: jax.Array, axes: Axes) -> jax.Array:
    """Resizes as `resample`: two pixels are taken and added, along each axis."""

    def along(axis: int, taps: Taps, array: jax.Array) -> jax.Array:
        shape = [1] * array.ndim
        shape[axis] = -1
        low, high = (jnp.reshape(each, shape) for each in (taps.low, taps.high))
        lower = jnp.take(array, jnp.asarray(taps.lower), axis, mode="clip")
        upper = jnp.take(array, jnp.asarray(taps.upper), axis, mode="clip")
        return lower * low + upper * high

    # OpenCV's order.
    return along(0, axes.rows, along(1, axes.columns, image))


def resample_by_products(image: jax.Array, axes: Axes) -> jax.Array:
    """Resizes as `resample`: each axis is multiplied by the matrix of its taps."""
    down = _matrix(axes.rows, image.shape[0])
    across = _matrix(axes.columns, image.shape[1])
    wide = jnp.einsum("xw,hw...->hx...", across, image, precision="highest")
    return jnp.einsum("yh,hx...->yx...", down, wide, precision="highest")


def _matrix(taps: Taps, source: int) -> jax.Array:
    """Returns the weights of taps as a matrix, `f32[n source]`."""
    places = jnp.arange(source)

    def weights(index: Any, weight: Any) -> jax.Array:
        chosen = jnp.asarray(index)[:, None] == places[None, :]
        return jnp.where(chosen, jnp.asarray(weight)[:, None], 0)

    return weights(taps.lower, taps.low) + weights(taps.upper, taps.high)
