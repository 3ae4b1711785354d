"""What counts of images that lie in larger frames, at all resolutions of a network.

An image lies in the top left part of its frame. A convolution sees zeros beyond the
image, as if the frame were as large as the image: so features are made 0 there before
it. What else takes several pixels together is told where the image ends.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rclicks_jax.ops import box_resize


class Extent(NamedTuple):
    """Images in frames of one shape, at one resolution.

    Attributes:
        size: Height and width of each image, `i32[n 2]`.
        inside: Which pixels of the frame are the image's, `bool[n h w 1]`.
    """

    size: jax.Array
    inside: jax.Array

    def cut(self, features: jax.Array) -> jax.Array:
        """Returns features that are 0 beyond the image, `f32[n h w c]`."""
        return jnp.where(self.inside, features, 0)


def halvings(size: jax.Array, shape: tuple[int, int], count: int) -> list[Extent]:
    """Returns extents of images and of their halves, which convolutions round up.

    Args:
        size: Height and width of each image, `i32[n 2]`.
        shape: Height and width of the frame.
        count: How many times it is halved.
    """
    extents: list[Extent] = []
    for _ in range(count + 1):
        inside = jax.vmap(box_resize.within, (None, 0))(shape, size)
        extents.append(Extent(size, inside[..., None]))
        # What divides numbers of either sign is long, and would be part of all that
        # the compiler makes of features.
        halved = jax.lax.shift_right_logical(size + 1, jnp.ones_like(size))
        size = jax.lax.optimization_barrier(halved)
        shape = ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    return extents


class Enlargement(NamedTuple):
    """Matrices that enlarge images to another resolution, with aligned corners.

    Attributes:
        down: Of rows, `f32[n H h]`.
        across: Of columns, `f32[n W w]`.
    """

    down: jax.Array
    across: jax.Array

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[n h w c]` to `f32[n H W c]`; beyond the image it means nothing."""
        down, across = (each.astype(features.dtype) for each in self)
        wide = jnp.einsum("nxw,nhwc->nhxc", across, features)
        return jnp.einsum("nyh,nhxc->nyxc", down, wide)


def enlargement(small: Extent, large: Extent) -> Enlargement:
    """Returns what enlarges images of one resolution to another."""

    def matrices(axis: int) -> jax.Array:
        shape = (large.inside.shape[1 + axis], small.inside.shape[1 + axis])
        along = jax.vmap(box_resize.aligned, (0, 0, None))
        return along(small.size[:, axis], large.size[:, axis], shape)

    return Enlargement(matrices(0), matrices(1))


def mirrored(images: jax.Array, width: jax.Array) -> jax.Array:
    """Returns mirror images, which lie in the top left part again, `f32[n h w c]`.

    Args:
        images: `f32[n h w c]`, 0 beyond each image.
        width: Width of each image, `i32[n]`.
    """

    def of_one(image: jax.Array, width: jax.Array) -> jax.Array:
        return jnp.roll(image[:, ::-1], width - image.shape[1], axis=1)

    return jax.vmap(of_one)(images, width)
