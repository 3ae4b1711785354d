"""How many maps a pass makes on each device: as many as its memory holds.

The compiler says how much memory the program of a batch needs, so nothing has to be
known here of networks.
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

import jax

from rclicks_jax import cache, errors, files
from rclicks_jax.networks import passes
from rclicks_jax.networks.architectures import Variables
from rclicks_jax.networks.passes import Plan

# The groups of an object, which come together.
STEP = 10
# Larger batches are not faster.
LARGEST = 320
# Share of a device's memory for the passes under way. The rest is for what goes up and
# comes back meanwhile, and for draws.
_SHARE = 0.7
_FOLDER, _KEY = "batches", "batch"


def choose(plan: Plan, variables: Variables, *, sharing: int = 1) -> int:
    """Returns the batch for a network on its devices: on CPU ten.

    What was chosen is kept in the cache, since to choose compiles a few programs.

    Args:
        plan: The plan, whose batch does not matter.
        variables: Variables of the network.
        sharing: Networks that share the memory, this one included.

    Raises:
        BadValueError: Not even one map fits.
        DataError: The variables do not fit the network.
    """
    device: Any = plan.mesh.devices[0]
    available = _SHARE * memory(device) / sharing
    if device.platform == "cpu" or not available:
        # Larger batches are not faster there.
        return STEP
    text = passes.lower(plan._replace(batch=STEP), variables).as_text()
    of = (text, device.device_kind, str(available), jax.__version__)
    name = hashlib.sha256("\n".join(of).encode()).hexdigest()
    path = cache.cache_dir() / _FOLDER / f"{name}.json"
    try:
        return int(json.loads(path.read_text())[_KEY])
    except (OSError, ValueError, LookupError, TypeError):
        batch = largest(lambda batch: needed(plan, batch, variables), available)
    if not batch:
        raise _too_large(1, needed(plan, 1, variables), memory(device))
    # Without a cache that can be written, it is chosen again next time.
    with contextlib.suppress(OSError):
        files.write_atomically(path, json.dumps({_KEY: batch}))
    return batch


def largest(needs: Callable[[int], float], available: float) -> int:
    """Returns the largest batch that fits: up to 9, or a multiple of ten up to 320.

    Args:
        needs: Returns the memory that the program of a batch needs, bytes. Each call
            compiles a program, so there are few.
        available: Memory for it, bytes.

    Returns:
        The batch; 0 if not even one map fits.
    """
    ten, twenty = needs(STEP), needs(2 * STEP)
    if twenty > available:
        return next((few for few in (10, 5, 2, 1) if needs(few) <= available), 0)
    # Memory grows in proportion to the batch, but for what the compiler rounds up.
    more = int((available - twenty) / max(twenty - ten, 1))
    batch = min(LARGEST, (2 + more) * STEP)
    while batch > 2 * STEP and needs(batch) > available:
        batch = max(2 * STEP, int(batch * 0.9) // STEP * STEP)
    return batch


def check(plan: Plan, variables: Variables) -> None:
    """Checks that the devices can hold a batch that the user has set.

    Raises:
        BadValueError: They cannot, as far as they say how much memory they have.
        DataError: The variables do not fit the network.
    """
    limit = memory(plan.mesh.devices[0])
    if limit:
        need = needed(plan, plan.batch, variables)
        if need > limit:
            raise _too_large(plan.batch, need, limit)


def needed(plan: Plan, batch: int, variables: Variables) -> float:
    """Returns the memory that passes of a batch need on each device, bytes.

    It is that of all passes under way at a time. Infinite if the program does not
    compile, because it would not fit.
    """
    try:
        return passes.compile_pass(plan._replace(batch=batch), variables).needed
    except RuntimeError as error:
        if "RESOURCE_EXHAUSTED" in str(error):
            return math.inf
        raise


def memory(device: Any) -> int:
    """Returns how much memory a device has for arrays, bytes; 0 if it does not say."""
    stats: dict[str, int] | None = device.memory_stats()
    return (stats or {}).get("bytes_limit", 0)


def _too_large(batch: int, need: float, limit: int) -> errors.BadValueError:
    needs = "more memory than it has" if need == math.inf else f"{need / 1e9:.1f} GB"
    return errors.BadValueError(
        "The click model's batch (click_model_batch of a benchmark, batch elsewhere)",
        f"{batch}, which needs {needs} on each device",
        f"what {limit / 1e9:.1f} GB hold, such as 0, which lets the device decide"
        if batch > 1
        else f"a smaller network, or devices with more than {limit / 1e9:.1f} GB",
    )
