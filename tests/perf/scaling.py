"""Weak scaling of the training step: the same batch a device, on 1 to N devices.

    python tests/perf/scaling.py                # on a machine with several devices
    python tests/perf/scaling.py --fake=4 ...   # dry run: devices that share the CPU
    python tests/perf/scaling.py --paper        # estimate for a v4-32 slice

Prints Markdown for docs/performance.md.
"""

import os
import pathlib
import tempfile

import page
from absl import app, flags

VARIANT = flags.DEFINE_string("variant", "b", "Size of the network.")
SIZE = flags.DEFINE_integer("size", 416, "Side of the images, pixels.")
BATCH = flags.DEFINE_integer("batch", 16, "Examples a device.")
REPEATS = flags.DEFINE_integer("repeats", 9, "Times taken.")
FAKE = flags.DEFINE_integer("fake", 0, "CPU devices to pretend.")
DTYPE = flags.DEFINE_string("dtype", "bfloat16", "Of features and products.")
PAPER = flags.DEFINE_bool("paper", False, "Only calculate; nothing is measured.")
RATE = flags.DEFINE_float("rate", 400, "Images a second on the reference device.")

# docs.cloud.google.com/tpu/docs/v4: 1.2 TB/s of memory and two cores a chip, so that
# a v4-32 slice is 16 chips, a 2x2x4 mesh, four chips a host. A link carries 50 GB/s
# each way (Jouppi et al., "TPU v4", ISCA 2023).
CHIPS, HOSTS = 16, 4
LINK, CHIP_MEMORY, REFERENCE_MEMORY = 50e9, 1.2e12, 3.35e12
PARAMETERS, NORMS = 27.6e6, 47
LATENCY = 50e-6


def paper(batch, rate):
    """Calculates a step of `b` on a v4-32 slice, from `rate` on an H100.

    The network moves more memory than its products can hide, so the rate is scaled by
    bandwidths of memory. Gradients are summed by a ring over one link and one direction
    of each chip, nothing hidden behind the backward pass: both are pessimistic.
    """
    chip_rate = rate * CHIP_MEMORY / REFERENCE_MEMORY
    compute = batch / chip_rate
    sent = 2 * (CHIPS - 1) / CHIPS * 4 * PARAMETERS
    gradients = sent / LINK
    # A few kilobytes each: their cost is latency, of which 50 us is a guess.
    statistics = 2 * NORMS * LATENCY
    step = compute + gradients + statistics
    examples = CHIPS * batch / step
    yield (
        f"- assumed: {rate:.0f} images/s of `b` in training on an H100 (3.35 TB/s); a "
        f"v4 chip (1.2 TB/s) then does {chip_rate:.0f} images/s, a batch of {batch} in "
        f"{1e3 * compute:.0f} ms;"
    )
    yield (
        f"- gradients: {4 * PARAMETERS / 1e6:.0f} MB, of which a ring over {CHIPS} "
        f"chips sends {sent / 1e6:.0f} MB from each: {1e3 * gradients:.1f} ms at "
        f"50 GB/s;"
    )
    yield (
        f"- statistics of {NORMS} batch normalisations, forward and backward, each "
        f"{1e6 * LATENCY:.0f} us of waiting: {1e3 * statistics:.1f} ms;"
    )
    yield (
        f"- a step of {CHIPS * batch} examples: {1e3 * step:.0f} ms, {examples:.0f} "
        f"images/s, {100 * compute / step:.0f} % of what {CHIPS} lone chips do; each of"
        f" the {HOSTS} hosts reads {examples / HOSTS:.0f} examples/s."
    )


def counts(devices):
    """Returns 1, 2, 4, ... and the number of devices."""
    return sorted({1 << n for n in range(devices.bit_length())} | {devices})


def measured(folder):
    if FAKE.value:
        os.environ["JAX_PLATFORMS"] = "cpu"
        fake = f" --xla_force_host_platform_device_count={FAKE.value}"
        os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + fake
    # Only now: JAX reads both when it is imported.
    import our_jobs

    weights, inputs = str(folder / "weights.npz"), str(folder / "inputs.npz")
    described = our_jobs.describe({"variant": VARIANT.value, "weights": weights})
    our_jobs.jobs.make_inputs(inputs, (SIZE.value, SIZE.value))
    if described["platform"] == "cpu":
        yield "DRY RUN: these devices share one CPU, so the times mean nothing."
    yield f"{described['devices']} x {described['device']}; {page.machine()}; "
    yield f"{described['versions']}; `{VARIANT.value}`, {BATCH.value} a device."
    yield ""
    yield "| devices | step, s | images/s | share of the first's rate |"
    yield "|---:|---:|---:|---:|"
    first = None
    for count in counts(described["devices"]):
        job = {
            "config": described["config"],
            "weights": weights,
            "inputs": inputs,
            "batch": count * BATCH.value,
            "devices": count,
            "repeats": REPEATS.value,
            "patience": 0,
            "dtype": DTYPE.value,
            "optimizer": "adam",
            "rate": 1e-3,
        }
        step = our_jobs.timed(job, *our_jobs.training(job))
        median = our_jobs.timing.Times(step["seconds"], 0).median
        first = first or median
        yield (
            f"| {count} | {median:.3f} | {count * BATCH.value / median:.0f} "
            f"| {100 * first / median:.0f} % |"
        )


def main(argv):
    del argv
    if PAPER.value:
        page.printed(paper(BATCH.value, RATE.value))
        return
    with tempfile.TemporaryDirectory() as name:
        page.printed(measured(pathlib.Path(name)))


if __name__ == "__main__":
    app.run(main)
