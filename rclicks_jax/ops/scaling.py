"""Arrays moved and scaled to [0, 1]."""

import jax


def scale_to_unit(maps: jax.Array, epsilon: float = 1e-9) -> jax.Array:
    """Moves and scales each map so that it runs from 0 to 1, padding included.

    Args:
        maps: `f32[b h w]`.
        epsilon: Added to the range; the original's training adds 1e-9, its use in the
            benchmark 1e-8.
    """
    low = maps.min(axis=(1, 2), keepdims=True)
    high = maps.max(axis=(1, 2), keepdims=True)
    return (maps - low) / (high - low + epsilon)
