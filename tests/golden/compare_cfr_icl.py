"""Compares `jax_cfr_icl` with what `write_simpleclick.py` wrote with a cascade.

    python tests/golden/compare_cfr_icl.py FILE.npz CHECKPOINT CASCADE

CHECKPOINT has the weights of FILE.npz (`save_checkpoint.py simpleclick SIZE ...`), and
CASCADE is what the file was written with: passes after the first, and perhaps
`:adaptive`. Prints a row for each photograph: pixels of masks that differ.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import numpy as np
import simpleclick_cases as cases

from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks


def main(path, checkpoint, cascade):
    """Prints a table."""
    golden = np.load(path, allow_pickle=False)
    further, _, adaptive = cascade.partition(":")
    settings = f"cascade={further}:adaptive={'yes' if adaptive else 'no'}"
    segmenter = load.load(f"jax_cfr_icl:checkpoint={checkpoint}:{settings}")
    for number, shape in enumerate(cases.SHAPES["published"]):
        if f"{number}/crops" not in golden:
            break
        start = time.process_time()
        rounds, trajectories = golden[f"{number}/crops"].shape[:2]
        yx, positive = (each[:trajectories] for each in cases.clicks_on(shape))
        features = segmenter.encode(cases.photograph(shape))
        session = segmenter.start(features, [None] * trajectories)
        different = pixels = 0
        for count in range(1, rounds + 1):
            every = np.full(len(yx), count, np.int32)
            clicks = Clicks(yx[:, :count], positive[:, :count], every)
            masks = session.predict(np.arange(len(yx)), clicks)
            if count in cases.KEPT:
                bits = golden[f"{number}/masks"][cases.KEPT.index(count)]
                expected = np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)
                different += (masks != expected).sum()
                pixels += masks.size
        print(
            f"| {cascade}, {rounds} clicks | {shape[0]}x{shape[1]} | "
            f"{different} of {pixels:,} | {time.process_time() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
