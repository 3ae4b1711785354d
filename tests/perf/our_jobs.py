"""Jobs for our side of a comparison, one a process.

    python tests/perf/our_jobs.py < job.json > result.json

`jobs.py` says what a job is.
"""

import dataclasses
import time

import jax
import jax.numpy as jnp
import jobs
import numpy as np
import optax
import timing

from rclicks_jax.networks import clickability, convert
from rclicks_jax.ops import scaling
from rclicks_jax.settings import dicts, networks
from rclicks_jax.training import devices, state, steps
from rclicks_jax.types import TrainBatch

OPTIMIZERS = {"adam": optax.adam, "sgd": optax.sgd}


def describe(job):
    """Says where JAX computes, and saves fresh weights in PyTorch's names."""
    network = networks.network(job["variant"])
    variables = clickability.init_variables(network, 0)
    np.savez(job["weights"], **convert.to_torch(variables))
    device = jax.devices()[0]
    return {
        "platform": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
        "versions": f"jax {jax.__version__}",
        "config": dataclasses.asdict(network),
    }


def network_of(job):
    return dicts.from_config_dict(networks.NetworkConfig, job["config"])


def variables_of(job, network):
    shapes = clickability.variable_shapes(network)
    return convert.from_torch(jobs.load(job["weights"]), shapes)


def batch_of(job):
    image, masks, click_map = jobs.load_batch(job)
    ones = np.ones_like(click_map)
    return TrainBatch(image, masks, click_map, ones, ones[:, 0, 0])


def forward(job):
    """Returns a jitted prediction and its arguments, on the device."""
    network = network_of(job)
    dtype = jnp.dtype(job.get("dtype", "float32"))
    net = clickability.ClickabilityNet(network, dtype=dtype)

    def predict(variables, image, masks):
        return scaling.scale_to_unit(net.apply(variables, image, masks))

    batch = batch_of(job)
    given = (variables_of(job, network), batch.image, batch.masks)
    return jax.jit(predict), jax.device_put(given)


def training(job):
    """Returns the parallel training step and its arguments, on the devices."""
    network = network_of(job)
    dtype = jnp.dtype(job.get("dtype", "float32"))
    net = clickability.ClickabilityNet(
        network, train=True, axis_name=devices.AXIS, dtype=dtype
    )
    optimizer = OPTIMIZERS[job["optimizer"]](job["rate"])
    step = steps.make_train_step(
        net,
        optimizer,
        masked=False,
        axis_name=devices.AXIS,
        without_cancelled=clickability.without_cancelled,
    )
    chosen = jax.devices()[: job.get("devices")]
    run = devices.parallel_train_step(step, chosen)
    mesh = jax.sharding.Mesh(np.array(chosen), (devices.AXIS,))
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(devices.AXIS))
    batch = jax.tree.map(
        lambda array: array.reshape(len(chosen), -1, *array.shape[1:]), batch_of(job)
    )
    start = state.create(variables_of(job, network), optimizer)
    key = jax.random.key(0)
    return run, (
        jax.device_put(start, whole),
        jax.device_put(batch, spread),
        jax.device_put(key, whole),
    )


def timed(job, run, given):
    if "cache" in job:
        jax.config.update("jax_compilation_cache_dir", job["cache"])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    start = time.perf_counter()
    compiled = run.lower(*given).compile()
    seconds = time.perf_counter() - start
    times = timing.measure(
        lambda: jax.block_until_ready(run(*given)),
        job["repeats"],
        patience=job["patience"],
    )
    memory = timing.peak_memory()
    stats = jax.local_devices()[0].memory_stats() or {}
    costs = compiled.cost_analysis() or {}
    return {
        "seconds": times.seconds,
        "others": times.others,
        "compile": seconds,
        "memory": stats.get("peak_bytes_in_use", memory),
        "flops": costs.get("flops", 0.0),
        "bytes": costs.get("bytes accessed", 0.0),
    }


def check(job):
    """Saves predictions, and returns the losses of the first steps."""
    run, given = forward(job)
    np.save(job["output"], np.asarray(run(*given)))
    step, (now, batch, key) = training(job)
    losses = []
    for _ in range(job["repeats"]):
        now, loss = step(now, batch, key)
        losses.append(float(loss))
    return {"losses": losses}


JOBS = {
    "describe": describe,
    "forward": lambda job: timed(job, *forward(job)),
    "train": lambda job: timed(job, *training(job)),
    "check": check,
}


if __name__ == "__main__":
    jobs.serve(JOBS)
