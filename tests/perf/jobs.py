"""What both sides of a comparison share: a process reads a job and writes its result.

Imports neither JAX nor PyTorch. A job is a JSON object on standard input:

    kind        of work: a key of the script's `JOBS`
    config      fields of `NetworkConfig`
    weights     file of weights in PyTorch's names (.npz)
    inputs      file of images, masks and click maps, channels last (.npz)
    batch       examples; those of the file are repeated as often as needed
    repeats     times to measure, or steps to take
    patience    seconds to wait for idle cores before each repeat
    dtype       "float32" or "bfloat16"
    layout      PyTorch only: "last" or "first" for where the channels are
    compile     PyTorch only: whether with torch.compile
    devices     ours only: how many to train on; all without it
    cache       ours only: folder of compiled programs
    output      check only: file for the predictions (.npy)
    optimizer   "adam" or "sgd", and its `rate`
"""

import json
import os
import sys

import numpy as np

INPUTS = ("image", "masks", "click_map")


def serve(jobs):
    """Does the job on standard input; only its result goes to standard output."""
    result_file = os.fdopen(os.dup(1), "w")
    # What libraries print must not end up in the result.
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    json.dump(jobs[job["kind"]](job), result_file)
    result_file.close()


def load(path):
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def load_batch(job):
    """Returns image, masks and click map, `f32[b h w ...]`."""
    arrays = load(job["inputs"])
    rows = np.arange(job["batch"]) % len(arrays["image"])
    return [arrays[name][rows] for name in INPUTS]


def make_inputs(path, shape, count=2):
    """Writes normal noise as images, half planes as masks, and spiky click maps."""
    random = np.random.default_rng(0)
    masks = np.zeros((count, *shape, 2), np.float32)
    masks[:, shape[0] // 3 :, :, 0] = 1
    masks[:, :, shape[1] // 2 :, 1] = 1
    np.savez(
        path,
        image=random.standard_normal((count, *shape, 3), dtype=np.float32),
        masks=masks,
        click_map=random.random((count, *shape), dtype=np.float32) ** 8,
    )
