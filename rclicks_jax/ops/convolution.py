"""XLA's own convolution of images whose channels are last."""

from collections.abc import Sequence

import jax
from jax import lax


def convolve(
    images: jax.Array,
    kernel: jax.Array,
    padding: Sequence[tuple[int, int]],
    *,
    strides: tuple[int, int] = (1, 1),
    groups: int = 1,
    precision: str | None = None,
) -> jax.Array:
    """Convolves images by a kernel.

    Args:
        images: `f32[b h w c]`.
        kernel: `f32[i j c/groups d]`.
        padding: Zeros before and after, along height and width.
        strides: Steps from one result to the next, along height and width.
        groups: Groups of channels that see each other.
        precision: That of the products; None for JAX's default.

    Returns:
        `f32[b h' w' d]`.
    """
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=strides,
        padding=padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
        precision=precision,
    )


def same_size(images: jax.Array, kernel: jax.Array, groups: int = 1) -> jax.Array:
    """Convolves with zeros around, so that `f32[b h w c]` becomes `f32[b h w d]`."""
    around = [(size // 2, size // 2) for size in kernel.shape[:2]]
    return convolve(images, kernel, around, groups=groups)
