"""Compares our SAM, SAM-HQ or MobileSAM with what the authors' answered.

    python tests/golden/compare_sam.py OUT.npz [exact]

OUT.npz is of `write_sam.py`, `write_sam_hq.py` or `write_mobile_sam.py`, of any size.
Prints a row for each photograph. With `exact` ours computes in float64.
"""

import contextlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import doubles
import mobile_sam_cases
import numpy as np
import sam_cases
import sam_hq_cases
import sam_player

from rclicks_jax.networks.mobile_sam import network as mobile_sam
from rclicks_jax.networks.mobile_sam import weights as mobile_sam_weights
from rclicks_jax.networks.sam import network as sam
from rclicks_jax.networks.sam import weights as sam_weights
from rclicks_jax.networks.sam_hq import network as sam_hq
from rclicks_jax.networks.sam_hq import weights as sam_hq_weights


def sam_of(golden, precision):
    """Returns a SAM and its variables."""
    size, variables = sam_weights.from_torch(sam_cases.state_in(golden))
    return sam.Sam(size, precision), variables


def mobile_sam_of(golden, precision):
    """Returns a MobileSAM and its variables."""
    state = mobile_sam_cases.state_in(golden)
    small = state["image_encoder.neck.0.weight"].shape[0] == mobile_sam_cases.CHANNELS
    squares = mobile_sam_cases.of_small_squares()
    with squares if small else contextlib.nullcontext():
        size, variables = mobile_sam_weights.from_torch(state)
    return mobile_sam.mobile_sam(size, precision), variables


def sam_hq_of(golden, precision):
    """Returns a SAM-HQ and its variables."""
    size, variables = sam_hq_weights.from_torch(sam_hq_cases.state_in(golden))
    return sam_hq.SamHq(size, precision), variables


def main(path, exact=None):
    """Prints a table."""
    precision = doubles.ours() if exact else "float32"
    golden = np.load(path, allow_pickle=False)
    keys = " ".join(golden["keys"])
    loads = {"hf_token": sam_hq_of, "attention_biases": mobile_sam_of}
    chosen = next((each for part, each in loads.items() if part in keys), sam_of)
    network, variables = chosen(golden, precision)
    sam_player.print_rows(sam_player.Player(network, variables), golden)


if __name__ == "__main__":
    main(*sys.argv[1:])
