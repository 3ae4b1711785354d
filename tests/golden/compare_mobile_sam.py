"""Compares our MobileSAM with what the authors' answered.

    python tests/golden/compare_mobile_sam.py OUT.npz

OUT.npz is of `write_mobile_sam.py`, of any size. Prints a row for each photograph.
"""

import contextlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import mobile_sam_cases
import numpy as np
import sam_player

from rclicks_jax.networks.mobile_sam import network, weights


def main(path):
    """Prints a table."""
    golden = np.load(path, allow_pickle=False)
    state = mobile_sam_cases.state_in(golden)
    small = state["image_encoder.neck.0.weight"].shape[0] == mobile_sam_cases.CHANNELS
    squares = mobile_sam_cases.of_small_squares()
    with squares if small else contextlib.nullcontext():
        size, variables = weights.from_torch(state)
    player = sam_player.Player(network.mobile_sam(size), variables)
    sam_player.print_rows(player, golden)


if __name__ == "__main__":
    main(sys.argv[1])
