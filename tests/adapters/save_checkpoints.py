"""Writes checkpoints as people have them: python save_checkpoints.py FOLDER

Each is written as a zip file and as before PyTorch 1.6; NumPy's files beside them have
the tensors.
"""

import collections
import pathlib
import sys

import numpy as np
import torch


class EasyDict(dict):
    """A dictionary whose items are attributes too, as the package of this name has."""

    def __init__(self, items=(), **more):
        super().__init__()
        for name, value in {**dict(items), **more}.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        super().__setitem__(name, value)


class Loss(torch.nn.Module):
    """A loss with weights of its own, which are no parameters of a network."""

    def __init__(self):
        super().__init__()
        self.inner = torch.nn.CrossEntropyLoss(weight=torch.ones(3))


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ConvTranspose2d(4, 2, 2),
        torch.nn.Linear(4, 2),
    )


def dtypes():
    """Returns tensors of all dtypes, views and shared numbers."""
    numbers = torch.arange(12, dtype=torch.float32)
    names = [
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "bool",
    ]
    return {
        **{name: torch.arange(5).to(getattr(torch, name)) for name in names},
        "whole": numbers,
        "part": numbers[2:5],
        "turned": numbers.view(3, 4).t(),
        "wide": torch.ones(1).expand(5),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 3),
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }


def config():
    """Returns what the configuration beside published weights holds."""
    return {
        "loss": Loss(),
        "plain_loss": torch.nn.CrossEntropyLoss(),
        "easy": EasyDict(a=1, weight=torch.ones(2), loss=torch.nn.BCELoss()),
        "sets": [{1, 2, "x"}, frozenset([1])],
        "path": pathlib.Path("/a/b"),
        "default": collections.defaultdict(list, a=[1]),
        "numpy": [np.float64(3), np.zeros(3)],
        "torch": [torch.float32, torch.device("cpu"), torch.Size([1, 2])],
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    state = network().state_dict()
    halves = collections.OrderedDict((key, array) for key, array in dtypes().items())
    halves["bfloat16"] = torch.ones(2, dtype=torch.bfloat16)
    saved = {
        "flat": state,
        "with_config": {"state_dict": state, "config": config()},
        "easy": EasyDict(state),
        "wrapped": EasyDict(model=state, optimizer={"state": {0: torch.ones(2)}}),
        "dtypes": halves,
        "whole_model": network(),
        "model_inside": {"model": network(), "epoch": 3},
        "sparse": {"a": torch.ones(2), "b": torch.ones(2).to_sparse()},
    }
    for name, value in saved.items():
        torch.save(value, folder / f"{name}.pth")
        old = folder / f"{name}_legacy.pth"
        torch.save(value, old, _use_new_zipfile_serialization=False)
    np.savez(folder / "state.npz", **{k: v.numpy() for k, v in state.items()})
    np.savez(folder / "dtypes.npz", **{k: v.detach() for k, v in dtypes().items()})


if __name__ == "__main__":
    main()
