"""A whole second architecture, which compiles in a second.

It is for tests of what runs networks. It must be registered before it is used: by the
fixture `second_architecture`, or by `register` in a program.
"""

import dataclasses
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rclicks_jax import registry
from rclicks_jax.networks import architectures, cards, infer
from rclicks_jax.settings import checks, variants


@dataclasses.dataclass(frozen=True)
class Config:
    """How wide it is."""

    variant: str
    channels: int


SIZES = {"narrow": Config("narrow", 4), "wide": Config("wide", 8)}


class Network(nn.Module):
    """Sees the masks and the photograph, 3x3 pixels at a time."""

    config: Config
    train: bool = False
    axis_name: str | None = None
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, image, masks):
        """Maps `f32[b s s 3]` and `f32[b s s 2]` to `f32[b s s]`."""
        seen = jnp.concatenate([image, masks], axis=-1)
        hidden = nn.Conv(self.config.channels, (3, 3), dtype=self.dtype)(seen)
        maps = nn.Conv(1, (1, 1), dtype=self.dtype)(nn.relu(hidden))
        return maps[..., 0].astype(jnp.float32)


def init(config, seed):
    """Returns fresh variables: `params` alone."""
    image, masks = (jnp.zeros((1, 4, 4, channels)) for channels in (3, 2))
    fresh = Network(config).init(jax.random.key(seed), image, masks)
    return jax.tree.map(np.asarray, fresh)


ARCHITECTURE = architectures.Architecture(
    config=Config,
    variant=lambda name: variants.variant("two convolutions", SIZES, name),
    network=Network,
    init=init,
    sides=checks.Check(lambda side: side % 4 == 0, "multiples of 4"),
)


ENTRY = "two_convolutions:ARCHITECTURE"


def register():
    """Makes its entry in the registry of this process."""
    registry.ARCHITECTURES["two_convolutions"] = ENTRY


def registered():
    """Returns a context in which its entry is in the registry."""
    return mock.patch.dict(registry.ARCHITECTURES, {"two_convolutions": ENTRY})


def card(size=64):
    """Returns the card of a network that has learnt nothing."""
    facts = (SIZES["narrow"], size, 5.0, "nothing", "untrained", {"sim": 0.5})
    return cards.Card(*facts, architecture="two_convolutions")


def model(seed=1, variables=None, **options):
    """Returns a click model of other variables, or of fresh ones."""
    variables = variables or init(SIZES["narrow"], seed)
    return infer.ClickabilityModel(variables, card(), **options)


def save(folder):
    """Writes a model folder of a network that has learnt nothing; returns it."""
    cards.save(folder, init(SIZES["narrow"], 1), card())
    return folder
