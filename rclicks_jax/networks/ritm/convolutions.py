"""Convolutions of RITM, and the blocks of its backbone.

Batch normalisations have the statistics of training. So each is part of the kernel and
the bias of the convolution before it, since weights are read (`weights`).

Source: SamsungLabs/ritm_interactive_segmentation, isegm/model/modeling/resnetv1b.py.
"""

from typing import Any, cast

import flax.linen as nn
import jax
from jax.typing import DTypeLike

from rclicks_jax.networks import parts
from rclicks_jax.networks.ritm.extents import Extent
from rclicks_jax.ops import strided


def repeated(kind: Any, length: int) -> Any:
    """Returns a module that applies several of a kind one after the other.

    It is a loop, whose variables have a first axis for the repetitions: written in a
    row, hundreds of convolutions take minutes to compile. Each maps what goes through
    the loop, and what is the same for all, to what goes on and None.

    Args:
        kind: The class of modules.
        length: How many there are.
    """
    # The types of Flax lack what says that an argument is the same for all.
    same_for_all = cast("Any", nn.broadcast)
    return nn.scan(
        kind,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=same_for_all,
        length=length,
    )


class Convolution(nn.Module):
    """A convolution with a bias.

    Attributes:
        side: Side of the kernel: 1, or 3 with one pixel of zeros around.
        inputs: Channels of what comes in.
        outputs: Channels of what goes out.
        dtype: Type of the products.
        halves: Whether every other row and column is left out; only of side 3.
    """

    side: int
    inputs: int
    outputs: int
    dtype: DTypeLike
    halves: bool = False

    def setup(self) -> None:
        """Makes the parameters."""
        shape = (self.side, self.side, self.inputs, self.outputs)
        self.kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        self.bias = self.param("bias", nn.initializers.zeros, (self.outputs,))

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[n h w inputs]` to `f32[n h w outputs]`, or to half of h and w."""
        kernel = self.kernel.astype(self.dtype)
        features = features.astype(self.dtype)
        if self.side == 1:
            made = features @ kernel[0, 0]
        elif self.halves:
            # On CPU as fast as a product of what windows see, and a short program.
            made = strided.strided_conv(features, kernel, "lax")
        else:
            made = jax.lax.conv_general_dilated(
                features,
                kernel,
                window_strides=(1, 1),
                padding="SAME",
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
        return made + parts.along_last(self.bias.astype(self.dtype), 4)


class Basic(nn.Module):
    """Two convolutions, added to what they are given."""

    channels: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        channels, dtype = self.channels, self.dtype
        self.conv1 = Convolution(3, channels, channels, dtype)
        self.conv2 = Convolution(3, channels, channels, dtype)

    def __call__(self, features: jax.Array, extent: Extent) -> tuple[jax.Array, None]:
        """Maps `f32[n h w c]`, which is 0 beyond the image, to the same, and None."""
        made = extent.cut(nn.relu(self.conv1(features)))
        return extent.cut(nn.relu(self.conv2(made) + features)), None


class Bottleneck(nn.Module):
    """A convolution between two that change channels, added to what they are given.

    Attributes:
        inputs: Channels of what comes in.
        middle: Channels of the convolution.
        outputs: Channels of what goes out.
        dtype: Type of the products.
        first: Whether what they are given has a convolution of its own.
    """

    inputs: int
    middle: int
    outputs: int
    dtype: DTypeLike
    first: bool

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        dtype = self.dtype
        self.conv1 = Convolution(1, self.inputs, self.middle, dtype)
        self.conv2 = Convolution(3, self.middle, self.middle, dtype)
        self.conv3 = Convolution(1, self.middle, self.outputs, dtype)
        if self.first:
            self.downsample_0 = Convolution(1, self.inputs, self.outputs, dtype)

    def __call__(self, features: jax.Array, extent: Extent) -> tuple[jax.Array, None]:
        """Maps `f32[n h w inputs]` to `f32[n h w outputs]`, 0 beyond it, and None."""
        made = extent.cut(nn.relu(self.conv1(features)))
        made = self.conv3(nn.relu(self.conv2(made)))
        kept = self.downsample_0(features) if self.first else features
        return extent.cut(nn.relu(made + kept)), None
