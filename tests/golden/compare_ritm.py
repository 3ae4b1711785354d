"""Compares `jax_ritm` with what `write_ritm.py` wrote, and prints rows of a table.

    python tests/golden/compare_ritm.py FILE.npz [SIZE [exact]]

With `exact` ours computes in float64.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import doubles
import jax
import numpy as np
import ritm_cases as cases
import ritm_player


def main(path, size="small", exact=None):
    """Prints a row for each photograph."""
    precision = doubles.ours() if exact else "float32"
    golden = np.load(path, allow_pickle=False)
    kind = "small" if size == "small" else "published"
    for number, shape in enumerate(cases.SHAPES[kind]):
        if f"{number}/crops" not in golden:
            break
        whole_first = number not in cases.AS_TETRIS[kind]
        player = ritm_player.player_of(
            golden, size, shape, precision=precision, whole_first=whole_first
        )
        rounds = len(golden[f"{number}/crops"])
        found = played(player, shape, rounds)
        print(row_of(golden, number, size, shape, found), flush=True)
        jax.clear_caches()


def played(player, shape, rounds):
    """Returns passes by round and trajectory."""
    yx, signs = cases.clicks_on(shape)
    with jax.default_matmul_precision("highest"):
        rows = [[*player.play(*each, rounds)] for each in zip(yx, signs, strict=True)]
    return list(zip(*rows, strict=True))


def row_of(golden, number, size, shape, found):
    """Returns a row of the table."""
    flat = [each for passes in found for each in passes]
    same = [(*each.logits.shape,) for each in flat] == [
        tuple(size) for size in golden[f"{number}/sizes"].tolist()
    ]
    crops = np.array([[each.crop for each in passes] for passes in found])
    same &= np.array_equal(crops, golden[f"{number}/crops"])
    taken = np.concatenate([each.logits.ravel()[:: cases.STRIDE] for each in flat])
    apart = np.abs(taken - golden[f"{number}/logits"]).max()
    apart = apart / golden[f"{number}/deviation"]
    different = pixels = 0
    kept = [count for count in cases.KEPT if count <= len(found)]
    for count, bits in zip(kept, golden[f"{number}/masks"], strict=True):
        masks = np.stack([each.mask for each in found[count - 1]])
        expected = np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)
        different += (masks != expected).sum()
        pixels += masks.size
    kinds = [
        len(np.unique(rows[rows[:, 0] >= 0], axis=0)) for rows in crops.swapaxes(0, 1)
    ]
    return (
        f"| {size}, {len(found)} clicks | {shape[0]}x{shape[1]} | {apart:.1e} | "
        f"{different} of {pixels:,} | {', '.join(map(str, kinds))} "
        f"({'same' if same else 'OTHERS'}) |"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
