"""The optimizer and its schedule.

Source: emb-ai/rclicks, scripts/train_click_model.py, with timm's CosineLRScheduler.
"""

import jax
import jax.numpy as jnp
import optax

from rclicks_jax.config import TrainConfig


def paper_schedule(peak: float, steps: int, warmup: float) -> optax.Schedule:
    """Returns the learning rates the original trained with.

    A linear rise from 0, then a cosine that would reach 0 after `steps` more steps and
    is cut before. The original's scheduler lags behind by a step, so that the first
    two steps have rate 0.

    Args:
        peak: Largest rate.
        steps: Of the whole training.
        warmup: Share of the steps with a linear rise.
    """
    rise = int(steps * warmup)

    def rate(step: jax.typing.ArrayLike) -> jax.Array:
        time = jnp.maximum(jnp.asarray(step, jnp.float32) - 1, 0)
        rising = peak * time / max(rise, 1)
        falling = 0.5 * peak * (1 + jnp.cos(jnp.pi * (time - rise) / steps))
        return jnp.where(time < rise, rising, falling)

    return rate


def make_optimizer(config: TrainConfig, steps: int) -> optax.GradientTransformation:
    """Returns Adam with the schedule of a whole training."""
    return optax.adam(paper_schedule(config.learning_rate, steps, config.warmup))
