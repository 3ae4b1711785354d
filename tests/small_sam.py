"""A small checkpoint of SAM with seeded weights, as `sam_small.npz` was made of."""

import pathlib

import golden_keys
import numpy as np
import sam_cases

from rclicks_jax.weights import torch_files

GOLDEN = pathlib.Path(__file__).parent / "golden" / "sam_small.npz"


def state():
    """Returns its state dict."""
    golden = np.load(GOLDEN, allow_pickle=False)
    return sam_cases.state_of(golden_keys.shapes_in(golden))


def write(path):
    """Writes it; returns the path."""
    torch_files.write(path, state())
    return path
