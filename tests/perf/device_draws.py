"""Counts objects a second whose ten groups get a click on the device, at 416x416.

    python tests/perf/device_draws.py

Every object has a map of its own. Maps start in the host's memory, as they do in a
benchmark, and pixels end there.
"""

import jax
import numpy as np
import page
from timing import median_ms

from rclicks_jax.clicks import groups, sampling

SIDE, GROUPS = 416, 10
# On a processor the program for devices takes seconds a map.
BATCH = 32 if jax.default_backend() != "cpu" else 4


def maps():
    random = np.random.default_rng(0)
    click_maps = random.random((BATCH, SIDE, SIDE), np.float32) ** 3
    region = np.zeros((SIDE, SIDE), bool)
    region[SIDE // 4 : 3 * SIDE // 4, SIDE // 4 : 3 * SIDE // 4] = True
    return [groups.quantise(one, region) for one in click_maps]


def table():
    device = jax.devices()[0]
    numbers = np.arange(1, GROUPS + 1, dtype=np.int32)
    bits = np.random.default_rng(1).integers(0, 2**64, (BATCH, GROUPS), np.uint64)
    draws = [
        sampling.Draw(levels, 0, 0, numbers, row)
        for levels, row in zip(maps(), bits, strict=True)
    ]

    def on_device():
        return sampling.draw_all(draws, cut="value", on_device=True)

    def on_host():
        return sampling.draw_all(draws, cut="value", on_device=False)

    differing = np.mean(np.stack(on_device()) != np.stack(on_host()))
    yield page.machine()
    yield ""
    yield "| where | objects a second, ten clicks each |"
    yield "|---|---:|"
    for name, draw in (
        (f"{device.device_kind}, vmapped", on_device),
        ("host", on_host),
    ):
        yield f"| {name} | {1000 * BATCH / median_ms(draw, 3):.0f} |"
    yield ""
    yield f"Share of clicks that differ between both: {differing:.2%}"


def main():
    page.put("device draws", page.printed(table()))


if __name__ == "__main__":
    main()
