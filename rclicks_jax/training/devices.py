"""Steps on all devices of all hosts; no other module uses `pmap`.

The state is an ordinary tree, not stacked: JAX replicates arguments whose `in_axes` are
None. Upstream keeps `pmap` in maintenance and advises `shard_map` for new code; moving
there would change this file alone.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import numpy as np

from rclicks_jax import errors

AXIS = "batch"
T = TypeVar("T")
Step = TypeVar("Step", bound=Callable[..., object])


def parallel_train_step(step: Step, devices: Sequence[Any] | None = None) -> Step:
    """Runs (state, batch, key) -> (state, loss) on devices, the batch divided.

    The state is not donated: a checkpoint may still be copied from it.

    Args:
        step: The step of one device.
        devices: The devices, `jax.Device`; None for all.
    """
    return jax.pmap(
        step, AXIS, in_axes=(None, 0, None), out_axes=(None, None), devices=devices
    )


def parallel_eval_step(step: Step) -> Step:
    """Runs (variables, batch) -> sums on every device, the batch divided."""
    return jax.pmap(step, AXIS, in_axes=(None, 0), out_axes=None)


def replicate(tree: T) -> T:
    """Puts a tree on this host's devices as a step returns it, so it compiles once."""
    mesh = jax.sharding.Mesh(np.array(jax.local_devices()), (AXIS,))
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    return jax.device_put(tree, whole)


def divide(batch: T) -> T:
    """Gives every array of a host's batch a leading axis of local devices."""
    devices = jax.local_device_count()

    def split(leaf: jax.typing.ArrayLike) -> np.ndarray:
        array = np.asarray(leaf)
        return array.reshape(devices, array.shape[0] // devices, *array.shape[1:])

    return jax.tree.map(split, batch)


def check_batch_size(batch_size: int, accumulate: int = 1) -> None:
    """Checks that all devices can get equal parts of a batch.

    Args:
        batch_size: Examples in a step, over all devices of all hosts.
        accumulate: Number of equal parts of each device's batch.

    Raises:
        TrainingError: They cannot; the message says which sizes do.
    """
    devices = jax.device_count()
    parts = devices * accumulate
    if batch_size % parts:
        each = f", {accumulate} parts each (--config.accumulate)" * (accumulate > 1)
        raise errors.TrainingError(
            f"A batch of {batch_size} cannot be divided among {devices} devices{each}: "
            f"set --config.batch_size to a multiple of {parts}, such as "
            f"{-(-batch_size // parts) * parts}."
        )


def to_host(tree: T) -> T:
    """Copies replicated arrays to NumPy arrays."""
    return jax.tree.map(np.asarray, jax.device_get(tree))
