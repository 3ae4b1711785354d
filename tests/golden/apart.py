"""Says how far apart two files of a `write_METHOD.py` of SAM's family are.

    python tests/golden/apart.py ONE.npz OTHER.npz

One of them usually is of the authors' code in float64 (`exact`). Prints the largest
difference of logits as they become prompts, clamped to 32, in deviations of the
second's, of all clicks and of each trajectory's first.
"""

import sys

import numpy as np

MOST = 32


def main(one, other):
    """Prints a row for each photograph that both have."""
    one, other = (np.load(path, allow_pickle=False) for path in (one, other))
    for key in other.files:
        if key.endswith("/low_res") and key in one.files:
            number = key.partition("/")[0]
            ours, theirs = (np.clip(each[key], -MOST, MOST) for each in (one, other))
            apart = np.abs(ours - theirs) / other[f"{number}/deviation"]
            print(f"| {number} | {apart.max():.1e} | {apart[0].max():.1e} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
