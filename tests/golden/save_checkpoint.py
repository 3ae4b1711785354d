"""Writes a checkpoint of seeded weights, as the authors of a method publish theirs.

    PYTHON_WITH_TORCH tests/golden/save_checkpoint.py METHOD SIZE CHECKOUT OUT

METHOD is sam, sam2, mobile_sam, sam_hq, simpleclick, ritm or segnext, and SIZE one that
the script `write_METHOD.py` beside this one takes. The weights are those of that
script.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1]), str(HERE.parent / "adapters")]

import importlib

import stand_ins
import torch

from rclicks_jax.bridge.adapters import isegm_network

# Package that each method's networks are in.
PACKAGES = {
    "sam": "segment_anything",
    "sam_hq": "segment_anything",
    "mobile_sam": "mobile_sam",
    "sam2": "sam2.build_sam",
}


def network_of(method, size, checkout):
    """Returns a network of SAM's family with seeded weights."""
    sys.path.insert(0, checkout)
    writer = importlib.import_module(f"write_{method}")
    return writer.network_of(importlib.import_module(PACKAGES[method]), size)


def saved(method, size, checkout):
    """Returns what a checkpoint has in it."""
    if method in ("simpleclick", "ritm", "segnext"):
        inner = pathlib.Path(checkout, method)
        isegm_network.use(str(inner if method == "segnext" else checkout))
        network, _ = importlib.import_module(f"write_{method}").network_of(size)
        return {"config": network._config, "state_dict": network.state_dict()}
    state = network_of(method, size, checkout).state_dict()
    return {"model": state} if method == "sam2" else state


def main(method, size, checkout, out):
    """Writes the file."""
    stand_ins.install()
    torch.save(saved(method, size, checkout), out)


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main(*sys.argv[1:])
