"""An adapter that causes trouble at the second click; options say which, and where."""

import ctypes
import os
import resource
import signal
import stat
import subprocess
import sys
import time

import numpy as np

from rclicks_jax.bridge import wire


def load(options):
    print("printed while loading")
    if options.get("broken") or os.path.exists(options.get("broken_if", "")):
        raise RuntimeError("no such checkpoint")
    if options.get("loading") == "die":
        os._exit(4)
    if options.get("loading") == "hang":
        time.sleep(60)
    return options


def encode(model, image):
    return image.shape[:2], int(image[0, 0, 0])


def predict(model, features, clicks, state):
    shape, first = features
    count = int(clicks.count[0])
    history = [] if state is None else list(state[0])
    assert len(history) == count - 1, history
    masks = np.zeros((len(clicks.count), *shape), bool)
    for row, points in enumerate(clicks.yx[:, :count]):
        masks[row][tuple(points.T)] = True
    chosen = count == 2 and int(model.get("image", first)) == first
    trouble = model.get("trouble") if chosen else None
    marker = model.get("marker")
    if trouble and not (marker and os.path.exists(marker)):
        if marker:
            open(marker, "w").close()
        print("last words", file=sys.stderr, flush=True)
        masks = _make(trouble, masks, model)
    return masks, ([*history, clicks.count],)


def _make(trouble, masks, model):
    if trouble == "die":
        os._exit(7)
    if trouble == "kill":
        # As the kernel does for want of memory.
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "hang":
        time.sleep(60)
    if trouble == "freeze":
        # Keeps Python's lock, so that no other thread of the worker can act.
        ctypes.PyDLL(None).sleep(60)
    if trouble == "print":
        print("y" * 3_000_000)
    if trouble == "raise":
        raise ValueError("cannot do this one")
    if trouble == "exit":
        sys.exit("bye")
    if trouble == "memory":
        np.ones((1 << 20, 1 << 20))
    if trouble == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        with open(model["child"], "w") as file:
            file.write(str(child.pid))
    if trouble == "cut":
        wire.pack = _cut_at(int(model["cut"]), wire.pack)
    if trouble == "deaf":
        wire.unpack = _deaf_after(int(model["cut"]))
    if trouble == "full":
        # No file, not even one in memory, can grow any more.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if trouble == "garbage":
        for descriptor in range(3, 10):
            try:
                # Not into shared memory, where answers to others may still lie.
                if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                    os.write(descriptor, b"x" * 100)
            except OSError:
                continue
    wrong = {
        "shape": masks[:, :-1],
        "fewer": masks[:1],
        "more": np.concatenate([masks, masks]),
        "nan": np.full(masks.shape, np.nan),
        "numbers": masks.astype(np.int32),
        "objects": np.array([None]),
        "nothing": None,
    }
    return wrong.get(trouble, masks)


def _cut_at(length, pack):
    def cut(*args):
        yield b"".join(pack(*args))[:length]
        os._exit(9)

    return cut


def _deaf_after(length):
    def unpack(read, borrow=None):
        read(length)
        if length > 100_000:
            time.sleep(60)
        os._exit(9)

    return unpack
