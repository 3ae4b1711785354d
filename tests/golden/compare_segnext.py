"""Compares our SegNext with a file that `write_segnext.py` wrote, photograph by row.

    PYTHON compare_segnext.py OUT.npz [SIZE [exact]]

Programs are those of users: `jax_segnext` is asked for all clicks of the file. With
`exact` it computes in float64.
"""

import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import doubles
import golden_keys
import numpy as np
import segnext_cases as cases

from rclicks_jax.segmenters.native import engine, segnext_method
from rclicks_jax.types import Clicks
from rclicks_jax.weights import state_dicts


def segmenter_of(golden, size, precision="float32"):
    """Returns a segmenter with the weights of a file."""
    state = cases.state_of(golden_keys.shapes_in(golden), size)
    shapes = {key: array.shape for key, array in state.items()}
    beside = {"config": cases.CONFIG} if size == "small" else {}
    checkpoint = state_dicts.Checkpoint("", [], shapes, state.__getitem__, (), beside)
    method, variables = segnext_method.from_torch(checkpoint, precision)
    options = {"exact": True, "batch": len(cases.clicks_on((1, 1))[0]), "devices": 1}
    return engine.NativeSegmenter("jax_segnext", method, variables, {}, **options)


def compare(segmenter, golden, number, shape):
    """Returns errors of features and logits in deviations, and pixels that differ."""
    features = segmenter.encode(cases.photograph(shape))
    (lane,) = segmenter._lanes
    expected = golden[f"{number}/features"]
    encoded = np.asarray(lane._photographs[features.slot]).reshape(-1)
    apart = np.abs(encoded[:: cases.STRIDE] - expected).max() / expected.std()
    yx, positive = cases.clicks_on(shape)
    session = segmenter.start(features, [None] * len(yx))
    logits = different = pixels = 0
    for count, right in enumerate(golden[f"{number}/logits"], 1):
        every = np.full(len(yx), count, np.int32)
        clicks = Clicks(yx[:, :count], positive[:, :count], every)
        masks = session.predict(np.arange(len(yx)), clicks)
        (state,) = session.states
        flat = np.asarray(state).reshape(len(state), -1)[: len(yx), :: cases.STRIDE]
        logits = max(logits, np.abs(flat - right).max())
        if count in cases.KEPT:
            bits = golden[f"{number}/masks"][cases.KEPT.index(count)]
            theirs = np.unpackbits(bits, axis=-1, count=shape[1]).astype(bool)
            different += (masks != theirs).sum()
            pixels += masks.size
    return apart, logits / golden[f"{number}/deviation"], different, pixels


def main(path, size="small", exact=None):
    """Prints a row for each photograph."""
    precision = doubles.ours() if exact else "float32"
    golden = np.load(path, allow_pickle=False)
    segmenter = segmenter_of(golden, size, precision)
    shapes = cases.SHAPES["small" if size == "small" else "published"]
    for number, shape in enumerate(shapes):
        if f"{number}/logits" not in golden:
            break
        start = time.process_time()
        features, logits, different, pixels = compare(segmenter, golden, number, shape)
        print(
            f"| {size} | {shape[0]}x{shape[1]} | {len(golden[f'{number}/logits'])} "
            f"| {features:.1e} | {logits:.1e} | {different} of {pixels:,} | "
            f"{time.process_time() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
