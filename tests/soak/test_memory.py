"""Ten thousand calls through the bridge, after which neither side has grown.

RCLICKS_SOAK_CALLS chooses another number.
"""

import os
import pathlib
import time

import numpy as np
import pytest

from rclicks_jax.bridge import worker
from rclicks_jax.segmenters import load
from rclicks_jax.types import Clicks

CALLS = int(os.environ.get("RCLICKS_SOAK_CALLS", "10000"))
TRAJECTORIES, ROUNDS = 11, 20
# Arenas of malloc and of the interpreter come and go.
ALLOWED = 4 << 20

ADAPTER = """
import numpy as np
THRESHOLD = 0.5
def load(options): return None
def encode(model, image): return image.mean(axis=-1, dtype="f4")
def predict(model, features, clicks, state):
    count = int(clicks.count[0])
    answer = np.zeros((len(clicks.count), *features.shape), "f4")
    answer[:, :count] = 1
    return answer, {"previous": answer[:, ::4, ::4].copy()}
"""


def sizes_of(connection):
    """Bytes of the client, of the worker, and of the files that they share.

    Of a file a process counts only what it has looked at since it last mapped it.
    """
    statm = pathlib.Path(f"/proc/{connection.process.pid}/statm").read_text()
    shared = sum(os.fstat(file).st_size for file in connection._files[:2])
    resident = int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return worker.resident_bytes(), resident, shared


def play(segmenter, image):
    """Plays a photograph to its last click; rows end on the way."""
    photograph = segmenter.encode(image)
    session = segmenter.start(photograph, [image[..., 0] > 0] * TRAJECTORIES)
    yx = np.zeros((TRAJECTORIES, ROUNDS, 2), np.int32)
    positive = np.ones(yx.shape[:2], bool)
    for count in range(1, ROUNDS + 1):
        rows = np.arange(TRAJECTORIES - (count > ROUNDS // 2))
        counts = np.full(TRAJECTORIES, count, np.int32)
        masks = session.predict(rows, Clicks(yx, positive, counts).rows(rows))
        assert masks[:, count - 1].all()
        assert not masks[:, count].any()
    segmenter.release(photograph)


# Through shared memory, and through the pipe.
@pytest.mark.parametrize("shape", [(300, 400), (40, 60)])
def test_neither_side_grows(capsys, tmp_path, shape):
    (tmp_path / "adapter.py").write_text(ADAPTER)
    segmenter = load.load(f"bridge:adapter={tmp_path / 'adapter.py'}")
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    connection = segmenter._workers[0]._connection
    sizes, calls, began = [], 0, time.monotonic()
    while calls < CALLS:
        play(segmenter, image)
        calls += ROUNDS
        if calls % (CALLS // 20) < ROUNDS:
            sizes.append(sizes_of(connection))
    took = time.monotonic() - began
    segmenter.close()
    # The first tenth is for caches, and for the blocks that a run needs.
    grown = np.array(sizes[-1]) - np.array(sizes[1])
    megabytes = (np.array(sizes) / 2**20).round(1)
    names = ("client", "worker", "shared")
    told = [f"{n} {a}, {z}" for n, a, z in zip(names, *megabytes[[1, -1]], strict=True)]
    with capsys.disabled():
        print(f"\n{shape}: {calls} calls in {took:.0f} s; MiB: {'; '.join(told)}")
    assert (grown < ALLOWED).all(), megabytes.tolist()
