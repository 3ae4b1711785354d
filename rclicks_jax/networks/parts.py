"""Linear layers, normalisations and attention of vision transformers.

Parameters are float32, or already of the type in which products are computed.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax.networks import architectures
from rclicks_jax.networks.architectures import Variables

# Largest number of scores that one step of attention holds.
_MOST_SCORES = 1 << 21
# Largest number of keys in one sum on CPU.
_MOST_KEYS = 512


def in_precision(variables: Variables, dtype: DTypeLike) -> Variables:
    """Returns variables whose matrices have a type already; others stay float32."""
    leaves = {
        path: np.asarray(leaf).astype(dtype) if path[-1] == "kernel" else leaf
        for path, leaf in architectures.flatten(variables).items()
    }
    return architectures.unflatten(leaves)


def along_last(vector: jax.Array, rank: int) -> jax.Array:
    """Gives a number for each channel, `f32[c]`, the rank of features."""
    return vector.reshape((1,) * (rank - 1) + (-1,))


class Linear(nn.Module):
    """A product with a matrix, and a bias.

    Attributes:
        inputs: Channels of what comes in.
        outputs: Channels of what goes out.
        dtype: Type of the product.
    """

    inputs: int
    outputs: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        shape = (self.inputs, self.outputs)
        self.kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        self.bias = self.param("bias", nn.initializers.zeros, (self.outputs,))

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[... inputs]` to `f32[... outputs]`."""
        return fused(features, [self])


def fused(features: jax.Array, linears: Sequence[Linear]) -> jax.Array:
    """Applies linear layers of the same input in one product: `f32[... outputs]`."""
    dtype = linears[0].dtype
    product = features.astype(dtype) @ kernels(linears)
    return product + along_last(biases(linears), features.ndim)


def kernels(linears: Sequence[Linear]) -> jax.Array:
    """Returns the matrices of linear layers beside each other."""
    both = [linear.kernel.astype(linear.dtype) for linear in linears]
    return jnp.concatenate(both, axis=1)


def biases(linears: Sequence[Linear]) -> jax.Array:
    """Returns the biases of linear layers one after the other."""
    return jnp.concatenate([each.bias.astype(each.dtype) for each in linears])


class Kernel(nn.Module):
    """The kernel and the bias of a convolution, by name and shape."""

    shape: tuple[int, ...]
    biased: bool = True

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array]:
        """Returns the kernel, the output's channels last, and the bias or `f32[0]`."""
        kernel = self.param("kernel", nn.initializers.lecun_normal(), self.shape)
        if not self.biased:
            return kernel, jnp.zeros(0)
        return kernel, self.param("bias", nn.initializers.zeros, self.shape[-1:])


class Norm(nn.Module):
    """Layer normalisation along one axis; statistics are float32.

    Attributes:
        channels: Length of the axis.
        epsilon: Added to the variance.
        dtype: Type of the result.
    """

    channels: int
    epsilon: float
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parameters."""
        self.scale = self.param("scale", nn.initializers.ones, (self.channels,))
        self.bias = self.param("bias", nn.initializers.zeros, (self.channels,))

    def __call__(self, features: jax.Array, axis: int = -1) -> jax.Array:
        """Normalises `f32[...]` along an axis of `channels`."""
        exact = features.astype(jnp.float32)
        centred = exact - exact.mean(axis, keepdims=True)
        variance = jnp.square(centred).mean(axis, keepdims=True)
        shape = [1] * features.ndim
        shape[axis] = -1
        scale, bias = (
            each.astype(jnp.float32).reshape(shape) for each in (self.scale, self.bias)
        )
        normed = centred * jax.lax.rsqrt(variance + self.epsilon) * scale + bias
        return normed.astype(self.dtype)


class Perceptron(nn.Module):
    """Linear layers with an activation between them.

    Attributes:
        sizes: Channels of the input, of each layer between, and of the output.
        dtype: Type of the products.
        activation: Maps `f32[...]` to the same shape.
    """

    sizes: tuple[int, ...]
    dtype: DTypeLike
    activation: Callable[[jax.Array], jax.Array] = nn.relu

    def setup(self) -> None:
        """Makes the layers."""
        pairs = zip(self.sizes, self.sizes[1:], strict=False)
        self.layers = [Linear(*pair, self.dtype) for pair in pairs]

    def __call__(self, features: jax.Array) -> jax.Array:
        """Maps `f32[... c]` to `f32[... outputs]`."""
        for layer in self.layers[:-1]:
            features = self.activation(layer(features))
        return self.layers[-1](features)


def attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    valid: jax.Array | None = None,
    bias: jax.Array | None = None,
) -> jax.Array:
    """Attention whose scores are products of queries and keys, without a factor.

    Long sequences are done in parts, so that few scores are in memory; but not those
    with keys that do not count, or with a bias.

    Args:
        query: `f32[b n t d]`, `n` heads.
        key: `f32[b n s d]`.
        value: `f32[b n s e]`.
        valid: Keys that count, `bool[b s]`; None for all.
        bias: Added to the scores, `f32[n t s]`; None for nothing.

    Returns:
        `f32[b n t e]`, in the type of `value`.
    """
    batch, heads, length, depth = query.shape
    scores = length * key.shape[2]
    # Short sequences are done at once: there is nothing to save.
    if valid is not None or bias is not None or scores <= _MOST_SCORES:
        return _attend(query, key, value, valid, bias)
    rows = max(1, _MOST_SCORES // key.shape[2])
    while length % rows:
        rows -= 1
    parts = query.reshape(batch * heads, length // rows, rows, depth)

    def of_head(arrays: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        queries, keys, values = arrays

        def of_part(part: jax.Array) -> jax.Array:
            return _attend(
                part[None, None], keys[None, None], values[None, None], None
            )[0, 0]

        return cast("jax.Array", jax.lax.map(of_part, queries))

    flat = [array.reshape(-1, *array.shape[2:]) for array in (key, value)]
    outcome = cast("jax.Array", jax.lax.map(of_head, (parts, *flat)))
    return outcome.reshape(batch, heads, length, value.shape[-1])


def _attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    valid: jax.Array | None,
    bias: jax.Array | None = None,
) -> jax.Array:
    if valid is not None or bias is not None or key.shape[2] <= _MOST_KEYS:
        return _attend_at_once(query, key, value, valid, bias)
    return cast(
        "jax.Array",
        jax.lax.platform_dependent(
            query, key, value, cpu=_attend_by_blocks, default=_attend_at_once
        ),
    )


def _attend_by_blocks(query: jax.Array, key: jax.Array, value: jax.Array) -> jax.Array:
    """Attends to blocks of keys, and adds up what they give.

    XLA's product on CPU adds up thousands of keys in one chain of float32. What that
    rounds is nearly the same for all queries. Short sums round less, and are not
    slower.
    """
    length = key.shape[2]
    count = -(-length // _MOST_KEYS)
    ends = [length * number // count for number in range(count + 1)]
    blocks = [slice(*each) for each in itertools.pairwise(ends)]
    scores = [_scores(query, key[:, :, block]) for block in blocks]
    highest = functools.reduce(
        jnp.maximum, [each.max(-1, keepdims=True) for each in scores]
    )
    weights = [jnp.exp(each - highest) for each in scores]
    total = functools.reduce(jnp.add, [each.sum(-1, keepdims=True) for each in weights])
    mixed = functools.reduce(
        jnp.add,
        [
            _mixed(each, value[:, :, block])
            for each, block in zip(weights, blocks, strict=True)
        ],
    )
    return (mixed / total).astype(value.dtype)


def _attend_at_once(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    valid: jax.Array | None = None,
    bias: jax.Array | None = None,
) -> jax.Array:
    scores = _scores(query, key)
    if bias is not None:
        scores = scores + bias[None].astype(jnp.float32)
    if valid is not None:
        scores = jnp.where(valid[:, None, None, :], scores, -jnp.inf)
    weights = jnp.exp(scores - scores.max(-1, keepdims=True))
    total = weights.sum(-1, keepdims=True)
    # Divided after the product, which is shorter than the weights.
    return (_mixed(weights, value) / total).astype(value.dtype)


def _scores(query: jax.Array, key: jax.Array) -> jax.Array:
    return jnp.einsum("bntd,bnsd->bnts", query, key, preferred_element_type=jnp.float32)


def _mixed(weights: jax.Array, value: jax.Array) -> jax.Array:
    return jnp.einsum(
        "bnts,bnse->bnte",
        weights.astype(value.dtype),
        value,
        preferred_element_type=jnp.float32,
    )
