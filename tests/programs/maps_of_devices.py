"""Prints the hash of the same click maps, made on 1 and 3 simulated devices."""

import hashlib
import json
import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import compiled

os.environ["XLA_FLAGS"] = compiled.flags(devices=3)
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np

from rclicks_jax.networks import cards, clickability, infer
from rclicks_jax.settings import networks
from rclicks_jax.types import ClickQuery


def main():
    """Prints a JSON object: a hash for each number of devices."""
    network = networks.network("nano")
    card = cards.Card(network, 64, 5.0, "nothing", "untrained", {})
    variables = clickability.init_variables(network, 3)
    random = np.random.default_rng(0)
    queries = []
    for number in range(13):
        shape = (40 + number, 61 - number)
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        target = random.random(shape) < 0.5
        region = target & (random.random(shape) < 0.5)
        queries += [
            ClickQuery(image, target, target),
            ClickQuery(image, target, region),
        ]
    hashes = {}
    for devices in (1, 3):
        model = infer.ClickabilityModel(variables, card, batch=3, devices=devices)
        maps = hashlib.sha256()
        for click_map in model(queries):
            maps.update(click_map.tobytes())
        hashes[devices] = maps.hexdigest()
    print(json.dumps(hashes))


if __name__ == "__main__":
    main()
