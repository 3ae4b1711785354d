"""Rewrites a checkpoint that PyTorch can open safely in the zip format.

    ENV/bin/python torch_checkpoint.py OLD.pth NEW.pth

Only tensors and the dictionaries around them are kept. The program needs PyTorch 1.13
or newer and no other module of this project. `bridge.checkpoints` starts it.
"""

from __future__ import annotations

import sys
from typing import Any


def kept(value: Any, tensor_type: type) -> Any:
    """Returns nested dictionaries with their tensors alone; None for other values."""
    if isinstance(value, tensor_type):
        return value.detach().cpu().clone()
    if not isinstance(value, dict):
        return None
    entries = {key: kept(entry, tensor_type) for key, entry in value.items()}
    return {
        key: entry
        for key, entry in entries.items()
        if isinstance(key, str) and entry is not None
    }


def main(source: str, target: str) -> None:
    """Rewrites `source` as `target`."""
    # Neighbours of this file may be named like packages that PyTorch imports.
    del sys.path[0]
    import torch  # pyright: ignore[reportMissingImports]

    saved = torch.load(source, map_location="cpu", weights_only=True)
    torch.save(kept(saved, torch.Tensor), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
