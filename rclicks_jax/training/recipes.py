"""Recipes of training: every switch that can change what a network learns."""

import dataclasses
from typing import Literal

from rclicks_jax import errors, registry
from rclicks_jax.settings import dicts


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Switches of optimizer, loss and augmentation. `docs/training.md` explains each.

    Attributes:
        name: Name of the recipe in logs and on cards.
        learning_rate: Peak of the schedule.
        warmup: Share of the steps with a linear rise.
        schedule: `paper`: the original's, which lags a step behind and is cut before
            it ends; `cosine`: to 0 at the last step.
        encoder_rate: Factor of the learning rate for the encoder.
        weight_decay: Weight decay of AdamW, for kernels alone.
        clip_norm: Largest norm of a gradient; 0 does not clip.
        ema: Decay of the averaged parameters that are evaluated and kept; 0 keeps the
            last ones.
        masked_loss: Whether padding is left out of loss and metrics (the original
            leaves it in).
        precision: Type of features and products; parameters stay float32.
        flip: Whether half of the examples are mirrored.
        colour: Strength of random contrast, brightness and tint; 0 for none.
        zoom: Strength of random scale and shift; 0 for none.
    """

    name: str
    learning_rate: float = 0.01
    warmup: float = 0.1
    schedule: Literal["paper", "cosine"] = "paper"
    encoder_rate: float = 1.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    ema: float = 0.0
    masked_loss: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
    flip: bool = True
    colour: float = 0.0
    zoom: float = 0.0


PAPER = Recipe("paper")
IMPROVED = Recipe(
    "improved",
    schedule="cosine",
    clip_norm=1.0,
    ema=0.99,
    masked_loss=True,
)
RECIPES = {recipe.name: recipe for recipe in (PAPER, IMPROVED)}


def parse(text: str) -> Recipe:
    """Returns the recipe called `name:key=value:...`, with its changes.

    Raises:
        UnknownNameError: There is no recipe of this name.
        BadValueError: A switch is unknown or its value of a wrong type.
    """
    name, changes = registry.parse_spec(text)
    if name not in RECIPES:
        raise errors.UnknownNameError("recipe", name, RECIPES)
    switches = {**dataclasses.asdict(RECIPES[name]), **changes}
    return dicts.from_config_dict(Recipe, switches)


def describe(recipe: Recipe) -> str:
    """Says in words what differs from the paper's recipe."""
    changes = [
        f"{field.name}={getattr(recipe, field.name)}"
        for field in dataclasses.fields(Recipe)
        if getattr(recipe, field.name) != getattr(PAPER, field.name)
        and field.name != "name"
    ]
    return ", ".join([recipe.name, *changes])
