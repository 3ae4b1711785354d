"""Compares `jax_simpleclick` with what `write_simpleclick.py` wrote, row by photograph.

    python tests/golden/compare_simpleclick.py FILE.npz [SIZE [exact]]

FILE.npz is of `write_simpleclick.py` without a cascade. With `exact` ours computes in
float64.

Crops are chosen by ours, as for users; the rows say whether they are the authors'.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import doubles
import golden_keys
import jax
import numpy as np
import ritm_player
import simpleclick_cases as cases

from rclicks_jax.networks.simpleclick import weights
from rclicks_jax.segmenters.native import simpleclick_method

SIDE = 448


class Player(ritm_player.Player):
    """Plays trajectories one by one, and keeps all logits of squares."""

    def seen(self, prompts, logits):
        """Returns logits as they are: crops fill the square."""
        return logits


def loaded(golden, size, precision="float32"):
    """Returns a method and its variables, of a file's network."""
    shapes = golden_keys.shapes_in(golden)
    state = cases.state_of(shapes, cases.factors_of(size))
    config = cases.CONFIG if size == "small" else None
    sizes, variables = weights.from_torch(ritm_player.checkpoint_of(state, config))
    frame = simpleclick_method.Frame(SIDE)
    return simpleclick_method.SimpleClickMethod(sizes, precision, frame), variables


def compare(player, golden, number, shape):
    """Returns the error of logits, crops that differ, and pixels that differ of all."""
    crops = golden[f"{number}/crops"]
    yx, signs = (each[: crops.shape[1]] for each in cases.clicks_on(shape))
    logits = other_crops = different = pixels = 0
    for row in range(len(yx)):
        for number_of_click, each in enumerate(
            player.play(yx[row], signs[row], len(crops))
        ):
            taken = each.logits.ravel()[:: cases.STRIDE]
            expected = golden[f"{number}/logits"][number_of_click, row]
            logits = max(logits, np.abs(taken - expected).max())
            other_crops += not np.array_equal(each.crop, crops[number_of_click, row])
            if number_of_click + 1 in cases.KEPT:
                kept = cases.KEPT.index(number_of_click + 1)
                bits = golden[f"{number}/masks"][kept, row]
                mask = np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)
                different += (each.mask != mask).sum()
                pixels += mask.size
    return logits / golden[f"{number}/deviation"], other_crops, different, pixels


def main(path, size="small", exact=None):
    """Prints a row for each photograph."""
    precision = doubles.ours() if exact else "float32"
    golden = np.load(path, allow_pickle=False)
    method, variables = loaded(golden, size, precision)
    variables = jax.device_put(variables)
    for number, shape in enumerate(
        cases.SHAPES["small" if size == "small" else "published"]
    ):
        if f"{number}/crops" not in golden:
            break
        start = time.process_time()
        crops = golden[f"{number}/crops"]
        kinds = [len(np.unique(rows, axis=0)) for rows in crops.swapaxes(0, 1)]
        player = Player(method, variables, shape)
        with jax.default_matmul_precision("highest"):
            found = compare(player, golden, number, shape)
        logits, other_crops, different, pixels = found
        print(
            f"| `{size}`, {len(crops)} clicks | {shape[0]}x{shape[1]} | {logits:.1e} | "
            f"{different} of {pixels:,} | {', '.join(map(str, kinds))} "
            f"({other_crops} others) | {time.process_time() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
