"""Shows that PyTorch's network is ours: the same maps and losses, of the same weights.

python tests/perf/network.py --check --torch_python=PATH
"""

import dataclasses
import os
import pathlib
import sys

import jobs
import numpy as np

from rclicks_jax.settings import networks

TESTS = pathlib.Path(__file__).resolve().parents[1]
STEPS = 3


def compare(folder, ours, peer):
    """Compares small networks; exits with 1 if they differ.

    Args:
        folder: For files.
        ours: Does a job on our side.
        peer: Does a job on PyTorch's side.
    """
    equal = True
    for name, make in cases(ours).items():
        job = {
            "kind": "check",
            "weights": str(folder / f"{name}.npz"),
            "inputs": str(folder / f"{name}_inputs.npz"),
            "output": str(folder / "maps.npy"),
            "batch": 2,
            "devices": 1,
            "repeats": STEPS,
            # The second loss follows from the gradients of the first, without Adam's
            # amplification of gradients that are noise around 0.
            "optimizer": "sgd",
            "rate": 0.1,
        }
        network = make(job)
        # What is random has no place in a comparison.
        settings = dataclasses.asdict(network) | {"drop_path": 0.0, "dropout": 0.0}
        job["config"] = settings
        losses, maps = [], []
        for side in (ours, peer):
            losses.append(np.array(side(job | {"layout": "last"})["losses"]))
            maps.append(np.load(job["output"], allow_pickle=False))
        difference = np.abs(maps[0] - maps[1]).max()
        drift = np.abs(losses[0] / losses[1] - 1)
        same = difference < 1e-4 and drift[0] < 1e-5 and drift.max() < 1e-3
        print(
            f"{name}: maps differ by {difference:.1e}; losses of steps 1 to {STEPS} "
            f"{losses[0]} and {losses[1]}: {'same' if same else 'DIFFERENT'}"
        )
        equal = equal and same
    sys.exit(not equal)


def cases(ours):
    """Returns functions that write weights and inputs and return the network."""
    made = {name: lambda job, n=name: fresh(n, ours, job) for name in ("nano", "tiny")}
    parity = pathlib.Path(
        os.environ.get("RCLICKS_PARITY_DIR", TESTS.parents[1] / "shared" / "parity")
    )
    if (parity / "segnext_tiny.npz").exists():
        made["parity"] = lambda job: original(parity / "segnext_tiny.npz", job)
    else:
        print(f"{parity} has no weights of the original; RCLICKS_PARITY_DIR says where")
    return made


def fresh(variant, ours, job):
    """Fresh weights, with statistics and scales that fresh networks do not have."""
    ours({"kind": "describe", "variant": variant, "weights": job["weights"]})
    random = np.random.default_rng(0)
    weights = jobs.load(job["weights"])
    for key, array in weights.items():
        if "layer_scale" in key or key.endswith("running_var"):
            weights[key] = random.uniform(0.3, 1.5, array.shape).astype(np.float32)
        elif key.endswith("running_mean"):
            weights[key] = 0.1 * random.standard_normal(array.shape, np.float32)
    np.savez(job["weights"], **weights)
    jobs.make_inputs(job["inputs"], (96, 128))
    return networks.network(variant)


def original(path, job):
    """The weights and inputs in one of the files that the original code made."""
    sys.path.append(str(TESTS))
    import helpers

    saved = jobs.load(path)
    np.savez(job["weights"], **{k[3:]: v for k, v in saved.items() if k[:3] == "sd/"})
    image, masks = (saved[key].transpose(0, 2, 3, 1) for key in ("image", "coord"))
    jobs.make_inputs(job["inputs"], image.shape[1:3], len(image))
    inputs = jobs.load(job["inputs"]) | {"image": image, "masks": masks}
    np.savez(job["inputs"], **inputs)
    return helpers.network_of(saved)
