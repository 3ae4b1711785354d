"""The optimizer and its schedules.

Source: emb-ai/rclicks, scripts/train_click_model.py, with timm's CosineLRScheduler.
"""

import functools

import jax
import jax.numpy as jnp
import optax

from rclicks_jax import errors
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.training.recipes import Recipe


def paper_schedule(peak: float, steps: int, warmup: float) -> optax.Schedule:
    """Returns the learning rates the original trained with.

    A linear rise from 0, then a cosine that would reach 0 after `steps` more steps and
    is cut before. The original's scheduler lags behind by a step, so that the first
    two steps have rate 0.

    Args:
        peak: Largest rate.
        steps: Number of steps of the whole training.
        warmup: Share of the steps with a linear rise.
    """
    rise = int(steps * warmup)

    def rate(step: jax.typing.ArrayLike) -> jax.Array:
        time = jnp.maximum(jnp.asarray(step, jnp.float32) - 1, 0)
        rising = peak * time / max(rise, 1)
        falling = 0.5 * peak * (1 + jnp.cos(jnp.pi * (time - rise) / steps))
        return jnp.where(time < rise, rising, falling)

    return rate


def cosine_schedule(peak: float, steps: int, warmup: float) -> optax.Schedule:
    """Returns a linear rise and a cosine that reaches 0 with the last step."""
    rise = max(1, int(steps * warmup))
    return optax.warmup_cosine_decay_schedule(0.0, peak, rise, max(steps, rise + 1))


_SCHEDULES = {"paper": paper_schedule, "cosine": cosine_schedule}


def make_optimizer(
    recipe: Recipe, steps: int, *, encoder: str
) -> optax.GradientTransformation:
    """Returns the optimizer of a whole training.

    With the paper's recipe it is Adam; the other parts join where a recipe asks.

    Args:
        recipe: The switches.
        steps: Number of steps of the whole training.
        encoder: Name of the encoder among the parameters; empty if there is none.

    Raises:
        BadValueError: The recipe has a rate for the encoder, and there is none.
    """
    schedule = _SCHEDULES[recipe.schedule]
    parts = []
    if recipe.clip_norm:
        parts.append(optax.clip_by_global_norm(recipe.clip_norm))
    parts.append(optax.scale_by_adam())
    if recipe.weight_decay:
        parts.append(optax.add_decayed_weights(recipe.weight_decay, _kernels))
    if recipe.encoder_rate != 1:
        if not encoder:
            allowed = "1, as this architecture has no encoder"
            raise errors.BadValueError("encoder_rate", recipe.encoder_rate, allowed)
        is_encoder = functools.partial(_part, encoder)
        parts.append(optax.masked(optax.scale(recipe.encoder_rate), is_encoder))
    rates = schedule(recipe.learning_rate, steps, recipe.warmup)
    return optax.chain(*parts, optax.scale_by_learning_rate(rates))


def _kernels(params: Variables) -> Variables:
    """Marks what decays: kernels, not biases, scales and norms."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: path[-1].key == "kernel", params
    )


def _part(name: str, params: Variables) -> Variables:
    """Marks the parameters of a part of the network."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[0].key == name, params)
