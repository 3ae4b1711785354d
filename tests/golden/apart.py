"""Says how far apart two files of a `write_METHOD.py` of SAM's family are.

    python tests/golden/apart.py ONE.npz OTHER.npz [MOST]

One of them usually is of the authors' code in float64 (`exact`). Prints the largest
difference of logits, in deviations of the second's, of all clicks and of each
trajectory's first. With MOST logits are clamped to it first, as SAM 2's are to 32
before they are prompts.
"""

import sys

import numpy as np


def main(one, other, most=np.inf):
    """Prints a row for each photograph that both have."""
    one, other = (np.load(path, allow_pickle=False) for path in (one, other))
    most = float(most)
    for key in other.files:
        if key.endswith("/low_res") and key in one.files:
            number = key.partition("/")[0]
            ours, theirs = (np.clip(each[key], -most, most) for each in (one, other))
            apart = np.abs(ours - theirs) / other[f"{number}/deviation"]
            print(f"| {number} | {apart.max():.1e} | {apart[0].max():.1e} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
