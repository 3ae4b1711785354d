"""The transformer of the decoder: tokens and places of the grid attend to each other.

What is the same for all trajectories is computed once: what the features of the grid's
places give to queries and keys, and, for the first layer, all that an embedding gives.
A mask prompt enters the first layer's products before its last convolution, where it
has a sixteenth of the channels.

Source: facebookresearch/segment-anything, segment_anything/modeling/transformer.py.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from rclicks_jax.networks import parts
from rclicks_jax.networks.prompted import prompts
from rclicks_jax.networks.prompted.sizes import DECODER_HEADS, Sizes

_EPSILON = 1e-5


class Ground(NamedTuple):
    """What the tokens of each trajectory attend to at first.

    Attributes:
        photographs: What `TwoWay.begin` makes of their embeddings, `f32[p s c+3i]`.
        places: Features of the grid's places, `f32[s c]`.
        photograph: Number of each trajectory's photograph, `i32[n]`.
        mask: Mask prompts before their last convolution, 0 where there is none, `f32[n
            c' s]`.
        spread: That convolution, `f32[c' c]`.
        offset: Its bias, or what stands for a prompt where there is none, `f32[n c]`.
    """

    photographs: jax.Array
    places: jax.Array
    photograph: jax.Array
    mask: jax.Array
    spread: jax.Array
    offset: jax.Array


def ground_of(
    encoder: prompts.PromptEncoder,
    photographs: jax.Array,
    photograph: jax.Array,
    low_res: jax.Array,
    has_mask: jax.Array,
) -> Ground:
    """Returns what the tokens of trajectories attend to at first.

    Args:
        encoder: Encodes places and mask prompts.
        photographs: What `TwoWay.begin` makes of their embeddings, `f32[p s c+3i]`.
        photograph: Number of each trajectory's photograph, `i32[n]`.
        low_res: Mask prompts, logits by place, `f32[n 16 s]`.
        has_mask: Whether a trajectory's mask prompt is used, `bool[n]`.
    """
    spread, bias = encoder.spread()
    return Ground(
        photographs=photographs,
        places=encoder.grid(),
        photograph=photograph,
        mask=jnp.where(has_mask[:, None, None], encoder.mask(low_res), 0),
        spread=spread,
        offset=jnp.where(has_mask[:, None], bias[None], encoder.no_mask()[None]),
    )


class Attention(nn.Module):
    """Attention with several heads; `inner` channels in all of them together."""

    channels: int
    inner: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers."""
        self.q_proj = parts.Linear(self.channels, self.inner, self.dtype)
        self.k_proj = parts.Linear(self.channels, self.inner, self.dtype)
        self.v_proj = parts.Linear(self.channels, self.inner, self.dtype)
        self.out_proj = parts.Linear(self.inner, self.channels, self.dtype)

    def __call__(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        valid: jax.Array | None = None,
    ) -> jax.Array:
        """Attends with projected queries, keys and values.

        Args:
            query: `f32[n t i]`.
            key: `f32[n s i]`.
            value: `f32[n s i]`.
            valid: Keys that count, `bool[n s]`; None for all.

        Returns:
            `f32[n t c]`.
        """
        head = self.inner // DECODER_HEADS
        query = query * head**-0.5
        query, key, value = (
            array.reshape(*array.shape[:2], DECODER_HEADS, head).transpose(0, 2, 1, 3)
            for array in (query, key, value)
        )
        mixed = parts.attend(query, key, value, valid)
        mixed = mixed.transpose(0, 2, 1, 3)
        return self.out_proj(mixed.reshape(*mixed.shape[:2], self.inner))


class FeedForward(nn.Module):
    """Two linear layers with ReLU between them."""

    channels: int
    hidden: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers."""
        self.lin1 = parts.Linear(self.channels, self.hidden, self.dtype)
        self.lin2 = parts.Linear(self.hidden, self.channels, self.dtype)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Maps `f32[... c]` to the same shape."""
        return self.lin2(nn.relu(self.lin1(tokens)))


class Layer(nn.Module):
    """Tokens attend to each other and to the grid, then the grid to the tokens."""

    sizes: Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the parts, by the original's names."""
        channels, dtype = self.sizes.channels, self.dtype
        self.self_attn = Attention(channels, channels, dtype)
        self.cross_attn_token_to_image = Attention(channels, channels // 2, dtype)
        self.cross_attn_image_to_token = Attention(channels, channels // 2, dtype)
        self.mlp = FeedForward(channels, self.sizes.decoder_hidden, dtype)
        self.norm1 = parts.Norm(channels, _EPSILON, dtype)
        self.norm2 = parts.Norm(channels, _EPSILON, dtype)
        self.norm3 = parts.Norm(channels, _EPSILON, dtype)
        self.norm4 = parts.Norm(channels, _EPSILON, dtype)

    def of_places(self) -> list[parts.Linear]:
        """Returns the layers that the places go through, in one product.

        They make keys and values for tokens, and queries to tokens. Features of places
        are added before the first and the last.
        """
        to_tokens, to_image = (
            self.cross_attn_image_to_token,
            self.cross_attn_token_to_image,
        )
        return [to_image.k_proj, to_image.v_proj, to_tokens.q_proj]

    def __call__(
        self,
        tokens: jax.Array,
        prompts: jax.Array,
        ground: jax.Array,
        projected: jax.Array,
        valid: jax.Array,
        *,
        first: bool,
    ) -> tuple[jax.Array, jax.Array]:
        """Updates tokens and ground.

        Args:
            tokens: `f32[n t c]`.
            prompts: The tokens that the transformer began with, `f32[n t c]`.
            ground: The places, `f32[n s c]`.
            projected: What `of_places` makes of them, `f32[n s 3i]`.
            valid: Tokens that count, `bool[n t]`.
            first: Whether it is the first layer: there tokens attend to each other
                without their beginnings, and the result replaces them.
        """
        own = self.self_attn
        with_prompts = tokens if first else tokens + prompts
        attended = own(
            own.q_proj(with_prompts),
            own.k_proj(with_prompts),
            own.v_proj(tokens),
            valid,
        )
        tokens = self.norm1(attended if first else tokens + attended)
        key, value, query = jnp.split(projected, 3, axis=-1)
        to_image = self.cross_attn_token_to_image
        attended = to_image(to_image.q_proj(tokens + prompts), key, value)
        tokens = self.norm2(tokens + attended)
        tokens = self.norm3(tokens + self.mlp(tokens))
        to_tokens = self.cross_attn_image_to_token
        attended = to_tokens(
            query,
            to_tokens.k_proj(tokens + prompts),
            to_tokens.v_proj(tokens),
            valid,
        )
        return tokens, self.norm4(ground + attended)


class TwoWay(nn.Module):
    """All layers, and a last attention of tokens to the grid."""

    sizes: Sizes
    dtype: DTypeLike

    def setup(self) -> None:
        """Makes the layers, by the original's names."""
        channels = self.sizes.channels
        self.layers = [Layer(self.sizes, self.dtype) for _ in range(self.sizes.layers)]
        self.final_attn_token_to_image = Attention(channels, channels // 2, self.dtype)
        self.norm_final_attn = parts.Norm(channels, _EPSILON, self.dtype)

    def begin(self, embeddings: jax.Array, places: jax.Array) -> jax.Array:
        """Returns embeddings, and what they give to the first layer's products.

        Args:
            embeddings: Of photographs, `f32[p s c]`.
            places: Features of the grid's places, `f32[s c]`.

        Returns:
            `f32[p s c+3i]`.
        """
        linears = self.layers[0].of_places()
        embeddings, features = (
            each.astype(self.dtype) for each in (embeddings, places)
        )
        products = embeddings @ parts.kernels(linears)
        products = products + _of_features(features, linears)[None]
        return jnp.concatenate([embeddings, products], axis=-1)

    def __call__(
        self, prompts: jax.Array, valid: jax.Array, ground: Ground
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the tokens, `f32[n t c]`, and the places, `f32[n s c]`, in the end.

        Args:
            prompts: The tokens, `f32[n t c]`.
            valid: Tokens that count, `bool[n t]`.
            ground: What they attend to.
        """
        prompts = prompts.astype(self.dtype)
        features = ground.places.astype(self.dtype)
        tokens, places, projected = prompts, *self._first(ground)
        for number, layer in enumerate(self.layers):
            if number:
                linears = layer.of_places()
                projected = places @ parts.kernels(linears)
                projected = projected + _of_features(features, linears)[None]
            tokens, places = layer(
                tokens, prompts, places, projected, valid, first=not number
            )
        final = self.final_attn_token_to_image
        linears = [final.k_proj, final.v_proj]
        projected = places @ parts.kernels(linears)
        projected = projected + _of_features(features, linears)[None]
        query = final.q_proj(tokens + prompts)
        attended = final(query, *jnp.split(projected, 2, axis=-1))
        return self.norm_final_attn(tokens + attended), places

    def _first(self, ground: Ground) -> tuple[jax.Array, jax.Array]:
        """Returns the places at first, and what the first layer makes of them."""
        spread, offset = (
            each.astype(self.dtype) for each in (ground.spread, ground.offset)
        )
        kernel = parts.kernels(self.layers[0].of_places())
        # Two short products in place of a long one for each trajectory.
        both = jnp.concatenate([spread, spread @ kernel], axis=1)
        of_mask = jnp.einsum("ncs,cd->nsd", ground.mask.astype(self.dtype), both)
        of_offset = jnp.concatenate([offset, offset @ kernel], axis=1)
        of_photograph = ground.photographs[ground.photograph]
        whole = of_photograph + of_mask + of_offset[:, None]
        return whole[..., : self.sizes.channels], whole[..., self.sizes.channels :]


def _of_features(features: jax.Array, linears: list[parts.Linear]) -> jax.Array:
    """Returns what features of places give to a product, with its bias, `f32[s i]`.

    Values, which the second layer makes, are of the places without their features.
    """
    columns = [
        jnp.zeros((features.shape[0], linear.outputs), features.dtype)
        if number == 1
        else features @ linear.kernel.astype(features.dtype)
        for number, linear in enumerate(linears)
    ]
    bias = parts.biases(linears)
    return jnp.concatenate(columns, axis=1) + bias[None, :]
