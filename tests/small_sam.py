"""A small checkpoint of SAM with seeded weights, as `sam_small.npz` was made of."""

import json
import pathlib

import numpy as np
import sam_cases

from rclicks_jax.weights import torch_files

GOLDEN = pathlib.Path(__file__).parent / "golden" / "sam_small.npz"


def state():
    """Returns its state dict."""
    keys = np.load(GOLDEN, allow_pickle=False)["keys"]
    lines = (str(line).split(" ", 1) for line in keys)
    return sam_cases.state_of({key: json.loads(shape) for key, shape in lines})


def write(path):
    """Writes it; returns the path."""
    torch_files.write(path, state())
    return path
