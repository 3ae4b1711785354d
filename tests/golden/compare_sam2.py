"""Compares our SAM 2 with what the authors' answered.

    python tests/golden/compare_sam2.py OUT.npz [exact]

OUT.npz is of `write_sam2.py`, of any size. Prints a row for each photograph: largest
differences of embedding and finer features, and of logits, in deviations; pixels of
masks that differ; choices that differ. With `exact` ours computes in float64.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import doubles
import numpy as np
import sam2_cases
import sam2_player
import sam_cases

from rclicks_jax.networks.sam2 import network, weights


def main(path, exact=None):
    """Prints a table."""
    precision = doubles.ours() if exact else "float32"
    golden = np.load(path, allow_pickle=False)
    with sam2_cases.published():
        sizes, variables = weights.from_torch(sam2_cases.state_in(golden))
    player = sam2_player.Player(network.Sam2(sizes, precision), variables)
    name = player.sizes.variant
    for number, shape in enumerate(
        sam_cases.SHAPES["small" if name == "custom" else "published"]
    ):
        if f"{number}/best" not in golden:
            break
        start = time.process_time()
        encodings, logits, choices, different, pixels = sam2_player.compare(
            player, golden, number, shape
        )
        print(
            f"| `{name}` | {shape[0]}x{shape[1]} | "
            f"{encodings * sam2_player.EMBEDDING:.1e} | "
            f"{logits * sam2_player.LOGITS:.1e} | {different} of {pixels:,} | "
            f"{choices} of {golden[f'{number}/best'].size} | single mask at "
            f"{(golden[f'{number}/best'] == 0).mean():.0%} | "
            f"{time.process_time() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
